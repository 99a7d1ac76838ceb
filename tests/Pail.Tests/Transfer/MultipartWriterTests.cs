using System.Buffers;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Tests.Transfer;

public sealed class MultipartWriterTests
{
    private const int MiB = 1 << 20;
    private const string Key = "uploads/1";

    private readonly MemoryStore _store = new();
    private readonly TransferEngine _engine = new(new TransferOptions(), new HastyTime(TimeSpan.FromSeconds(12)));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Write_SizeUnknown_HashesAndStoresAll()
    {
        var blob = new TestBlob((50 * MiB) + 3);
        await using var writer = Writer();
        for (var at = 0; at < blob.Bytes.Length; at += 100_001)
            await writer.WriteAsync(blob.Bytes.AsMemory(at, Math.Min(100_001, blob.Bytes.Length - at)), Cancel);
        Assert.Equal(blob.Descriptor.Digest, writer.CurrentDigest);
        await writer.CompleteAsync(expected: null, Cancel);
        blob.AssertIs(_store.Find(Key));
        // 8, 16 and the rest.
        Assert.Equal(3, _store.Count(StoreOperation.UploadPart));
        Assert.Equal(0, _engine.Buffers.InUse);
    }

    [Fact]
    public async Task CurrentDigest_InBetween_IsOfTheBytesSoFar()
    {
        await using var writer = Writer();
        Assert.Equal(Digest.Of([]), writer.CurrentDigest);
        await writer.WriteAsync("ab"u8.ToArray(), Cancel);
        Assert.Equal(Digest.Of("ab"u8), writer.CurrentDigest);
        await writer.WriteAsync("c"u8.ToArray(), Cancel);
        Assert.Equal((Digest.Of("abc"u8), 3), (writer.CurrentDigest, writer.Length));
    }

    [Fact]
    public async Task Unsent_SmallContent_IsAllThereAndCostsNoRequest()
    {
        var small = new TestBlob(100);
        await using (var writer = Writer())
        {
            await writer.CopyFromAsync(new MemoryStream(small.Bytes), long.MaxValue, Cancel);
            Assert.False(writer.IsStarted);
            Assert.Equal(small.Bytes, writer.Unsent.ToArray());
        }
        Assert.Empty(_store.Log);
        Assert.Equal(0, _engine.Buffers.InUse);
    }

    [Fact]
    public async Task CompleteAsync_NothingWritten_MakesAnEmptyObject()
    {
        await using var writer = Writer();
        await writer.CompleteAsync(new TestBlob(0).Descriptor, Cancel);
        Assert.Empty(_store.Find(Key)!);
    }

    [Fact]
    public async Task Dispose_NotCompleted_Aborts()
    {
        await using (var writer = Writer())
            await writer.WriteAsync(new byte[20 * MiB], Cancel);
        Assert.Equal((0, 0), (_store.PendingUploads, _engine.Buffers.InUse));
        Assert.Null(_store.Find(Key));
    }

    [Fact]
    public async Task CompleteAsync_OtherDigest_CanBeCompletedAsWhatItIs()
    {
        var blob = new TestBlob(10 * MiB);
        await using var writer = Writer();
        await writer.WriteAsync(blob.Bytes, Cancel);
        await Assert.ThrowsAnyAsync<PailException>(() => writer.CompleteAsync(new TestBlob(10 * MiB, seed: 2).Descriptor, Cancel));
        Assert.Null(_store.Find(Key));
        await writer.CompleteAsync(blob.Descriptor, Cancel);
        blob.AssertIs(_store.Find(Key));
    }

    [Fact]
    public async Task GetMemory_SizeExpected_TakesNoMoreMemoryThanThat()
    {
        await using var writer = Writer();
        writer.Expected = 10 * MiB;
        await writer.WriteAsync(new byte[8 * MiB], Cancel);
        await writer.WriteAsync(new byte[1], Cancel);
        Assert.InRange(_engine.Buffers.Peak, 8 * MiB, 10 * MiB);
        await writer.WriteAsync(new byte[(2 * MiB) - 1], Cancel);
        await writer.CompleteAsync(expected: null, Cancel);
        Assert.Equal(10 * MiB, _store.Find(Key)!.Length);
    }

    [Fact]
    public async Task Write_ManyWriters_PartsStaySmallSoThatAllMove()
    {
        var writers = Enumerable.Range(1, 16).Select(number => MultipartWriter.Create(_engine, _store, $"{Key}{number}", new ObjectHeaders(MediaTypes.OctetStream), PartPlan.Growing(), null, NoProgress.Instance)).ToList();
        foreach (var writer in writers)
            await writer.WriteAsync(new byte[MiB], Cancel);
        await Task.WhenAll(writers.Select(writer => writer.WriteAsync(new byte[31 * MiB], Cancel).AsTask()));
        await Task.WhenAll(writers.Select(writer => writer.CompleteAsync(expected: null, Cancel)));
        // 8, 8, 8 and 8, where one alone takes 8, 16 and the rest.
        Assert.Equal(16 * 4, _store.Count(StoreOperation.UploadPart));
        foreach (var writer in writers)
            await writer.DisposeAsync();
        Assert.Equal((0, 128 * MiB), (_engine.Buffers.InUse, _engine.Buffers.Share));
    }

    [Fact]
    public async Task Write_AfterAPartFailed_ThrowsItsError()
    {
        _store.Before = (call, _) => call.Part == 1 ? throw new StoreException(StoreError.AccessDenied, "403") : Task.CompletedTask;
        await using var writer = Writer();
        var error = await Assert.ThrowsAsync<StoreException>(async () =>
        {
            while (true)
            {
                await writer.WriteAsync(new byte[MiB], Cancel);
                await Task.Delay(1, Cancel);
            }
        });
        Assert.Equal(StoreError.AccessDenied, error.Error);
        Assert.True(writer.Failed.IsCancellationRequested);
    }

    private MultipartWriter Writer() =>
        MultipartWriter.Create(_engine, _store, Key, new ObjectHeaders(MediaTypes.OctetStream), PartPlan.Growing(), DigestAlgorithm.Sha256, NoProgress.Instance);
}
