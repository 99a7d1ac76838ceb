using System.Buffers;
using Pail.Images;
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
        // 8, 8, 16 and the rest.
        Assert.Equal(4, _store.Count(StoreOperation.UploadPart));
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
        await Assert.ThrowsAsync<PailException>(() => writer.CompleteAsync(new TestBlob(10 * MiB, seed: 2).Descriptor, Cancel));
        Assert.Null(_store.Find(Key));
        await writer.CompleteAsync(blob.Descriptor, Cancel);
        blob.AssertIs(_store.Find(Key));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Resume_ElsewhereWithOrWithoutHash_GoesOnWhereItWasLeft(bool hashed)
    {
        var blob = new TestBlob(40 * MiB);
        UploadState state;
        byte[] unsent;
        await using (var writer = Writer())
        {
            await writer.WriteAsync(blob.Bytes.AsMemory(0, 20 * MiB), Cancel);
            unsent = writer.Unsent.ToArray();
            state = await writer.DetachAsync(Cancel);
        }
        Assert.Equal((1, 16 * MiB, 4 * MiB), (_store.PendingUploads, state.Length, unsent.Length));
        var hash = Digest.CreateHash(DigestAlgorithm.Sha256);
        hash.AppendData(blob.Bytes.AsSpan(0, 16 * MiB));
        await using (var writer = MultipartWriter.Resume(_engine, _store, state, DigestAlgorithm.Sha256, hashed ? hash : null, NoProgress.Instance))
        {
            await writer.WriteAsync(unsent, Cancel);
            await writer.WriteAsync(blob.Bytes.AsMemory(20 * MiB), Cancel);
            Assert.Equal(hashed ? blob.Descriptor.Digest : null, writer.CurrentDigest);
            await writer.CompleteAsync(hashed ? blob.Descriptor : null, Cancel);
        }
        blob.AssertIs(_store.Find(Key));
        Assert.Equal(1, _store.Count(StoreOperation.CreateMultipartUpload));
        hash.Dispose();
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
