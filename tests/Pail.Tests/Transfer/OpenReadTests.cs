using FsCheck;
using FsCheck.Fluent;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Transfer;

namespace Pail.Tests.Transfer;

public sealed class OpenReadTests
{
    private const int MiB = 1 << 20;
    private const string Key = "it";

    private readonly MemoryStore _store = new();
    private readonly TransferEngine _engine = new(new TransferOptions(), new HastyTime(TimeSpan.FromSeconds(12)));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(1, 0, 1)]
    [InlineData(1, 1, 0)]
    [InlineData(8 * MiB, 0, 1)]
    [InlineData((8 * MiB) + 1, 0, 2)]
    [InlineData((8 * MiB) + 1, 1, 1)]
    [InlineData((20 * MiB) + 5, 0, 3)]
    [InlineData((20 * MiB) + 5, (20 * MiB) + 5, 0)]
    public async Task OpenRead_FromOffset_GivesTheRestInSoManyRequests(int size, int offset, int requests)
    {
        var blob = Store(size);
        blob.AssertIs(await ReadAsync(size, offset), offset);
        Assert.Equal(requests, _store.Count(StoreOperation.GetObject));
        Assert.Equal(0, _engine.Buffers.InUse);
    }

    [Fact]
    public async Task OpenRead_WholeObjectInOnePart_AsksForNoRange()
    {
        Store(100);
        await ReadAsync(100);
        Assert.Null(_store.Log.Single().Range);
    }

    [Fact]
    public async Task OpenRead_Ranges_CoverTheRestOnceInOrder()
    {
        var size = (30 * MiB) + 7;
        Store(size);
        await ReadAsync(size, 1000);
        var next = 1000L;
        foreach (var range in _store.Log.Select(call => call.Range!.Value).OrderBy(range => range.First))
        {
            Assert.Equal(next, range.First);
            next = range.Last!.Value + 1;
        }
        Assert.Equal(size, next);
    }

    [Fact]
    public void OpenRead_AnyOffsetAndReadSizes_GivesTheBytes() => Prop.ForAll(
        Gen.Choose(0, 20 * MiB).ToArbitrary(), Gen.Choose(0, 100).ToArbitrary(), Gen.Choose(1, 3 * MiB).ToArbitrary(), (size, percent, piece) =>
        {
            var blob = Store(size);
            var offset = (int)((long)size * percent / 100);
            using var copy = new MemoryStream();
            using (var stream = _engine.OpenRead(_store, Key, size, offset))
            {
                var buffer = new byte[piece];
                for (int read; (read = stream.Read(buffer, 0, buffer.Length)) > 0;)
                    copy.Write(buffer, 0, read);
            }
            return blob.Bytes.AsSpan(offset).SequenceEqual(copy.ToArray());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(25));

    [Fact]
    public async Task OpenRead_NothingReadYet_MakesNoRequest()
    {
        Store(100);
        await using (_engine.OpenRead(_store, Key, 100))
        {
        }
        Assert.Empty(_store.Log);
    }

    [Fact]
    public async Task OpenRead_ConnectionsBreak_EachRangeGoesOnWhereItBroke()
    {
        var blob = Store(20 * MiB);
        _store.Body = (call, body) => call.Range is { } range && range.Last - range.First >= 3 * MiB ? new BreakingStream(body, 3 * MiB, new IOException("reset")) : body;
        blob.AssertIs(await ReadAsync(20 * MiB));
        // 8, 8 and 4 MiB; each begun again 3 MiB on, where it broke.
        Assert.Equal(
            [0, 3, 6, 8, 11, 14, 16, 19],
            _store.Log.Select(call => call.Range!.Value.First / MiB).Order());
    }

    [Fact]
    public async Task OpenRead_AnswersEndEarlyOrAreThrottled_AreTriedAgain()
    {
        var blob = Store(20 * MiB);
        _store.Body = (call, body) => call.Number % 2 == 0 ? new BreakingStream(body, 12345, error: null) : body;
        _store.Before = (call, _) => call.Number % 3 == 0 ? throw new StoreException(StoreError.Throttled, "503") : Task.CompletedTask;
        blob.AssertIs(await ReadAsync(20 * MiB));
    }

    [Fact]
    public async Task OpenRead_StoreStaysDown_FailsOnceAndForAll()
    {
        Store(20 * MiB);
        _store.Before = (call, _) => call.Range!.Value.First == 8 * MiB ? throw new StoreException(StoreError.Unavailable, "s3://acme: 500.") : Task.CompletedTask;
        var error = await Assert.ThrowsAsync<StoreException>(() => ReadAsync(20 * MiB));
        Assert.Equal((StoreError.Unavailable, "s3://acme: 500.", true), (error.Error, error.Message, error.IsExhausted));
        Assert.False(Retry.IsTransient(error));
        Assert.Equal(8, _store.Log.Count(call => call.Range!.Value.First == 8 * MiB));
        Assert.Equal(0, _engine.Buffers.InUse);
    }

    [Theory]
    [InlineData(100, 99)]
    [InlineData(100, 101)]
    [InlineData(20 * MiB, 9 * MiB)]
    [InlineData(20 * MiB, 21 * MiB)]
    public async Task OpenRead_OtherSizeThanStated_IsBadContent(int actual, int stated)
    {
        Store(actual);
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => ReadAsync(stated))).Failure);
        Assert.Equal(0, _engine.Buffers.InUse);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(20 * MiB)]
    public async Task OpenRead_NoObject_IsNotFound(int size) =>
        Assert.Equal(Failure.NotFound, (await Assert.ThrowsAsync<MissingObjectException>(() => ReadAsync(size))).Failure);

    [Fact]
    public async Task OpenRead_ObjectChangesMeanwhile_IsAConflict()
    {
        Store(20 * MiB);
        _store.Before = (call, _) =>
        {
            if (call.Number == 2)
                Store(20 * MiB, seed: 2);
            return Task.CompletedTask;
        };
        Assert.Equal(Failure.Conflict, (await Assert.ThrowsAnyAsync<PailException>(() => ReadAsync(20 * MiB))).Failure);
    }

    [Fact]
    public async Task OpenRead_DisposedEarly_EndsAllRequestsAndGivesMemoryBack()
    {
        Store(40 * MiB);
        _store.Before = (call, cancel) => call.Range!.Value.First > 0 ? Task.Delay(Timeout.Infinite, cancel) : Task.CompletedTask;
        var stream = _engine.OpenRead(_store, Key, 40 * MiB);
        await stream.ReadExactlyAsync(new byte[1000], Cancel);
        Assert.Equal(40 * MiB, _engine.Buffers.InUse);
        await Eventually.EndsAsync(stream.DisposeAsync().AsTask());
        Assert.Equal(0, _engine.Buffers.InUse);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.ReadAtLeastAsync(new byte[1], 1, false, Cancel).AsTask());
    }

    [Fact]
    public async Task OpenRead_ReadCancelled_CanBeReadOn()
    {
        var blob = Store(20 * MiB);
        var gate = new TaskCompletionSource();
        _store.Before = (_, cancel) => gate.Task.WaitAsync(cancel);
        await using var stream = _engine.OpenRead(_store, Key, 20 * MiB);
        using var impatient = new CancellationTokenSource(20);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stream.ReadAtLeastAsync(new byte[1], 1, false, impatient.Token).AsTask());
        gate.SetResult();
        blob.AssertIs(await CopyAsync(stream));
    }

    [Fact]
    public async Task OpenRead_AllMemoryAndConnectionsTaken_ReadsOverOneOfItsOwn()
    {
        var engine = new TransferEngine(new TransferOptions { MemoryLimit = 16 * MiB, Connections = 1 });
        using var first = await engine.Buffers.RentAsync(8 * MiB, Cancel);
        using var second = await engine.Buffers.RentAsync(8 * MiB, Cancel);
        using var turn = await engine.EnterAsync(Cancel);
        var blob = Store(20 * MiB);
        await using var stream = engine.OpenRead(_store, Key, 20 * MiB);
        blob.AssertIs(await CopyAsync(stream));
    }

    [Fact]
    public async Task OpenRead_Fresh_ReadsAheadOfASlowReader()
    {
        Store(40 * MiB);
        await using var stream = _engine.OpenRead(_store, Key, 40 * MiB);
        await stream.ReadExactlyAsync(new byte[1], Cancel);
        await Eventually.TrueAsync(() => _store.Count(StoreOperation.GetObject) >= 5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task OpenReadAndUpload_FromBucketToBucketWithLittleMemory_AllFinish(int connections)
    {
        var engine = new TransferEngine(new TransferOptions { MemoryLimit = 16 * MiB, Connections = connections });
        var target = new MemoryStore { Before = (_, cancel) => Task.Delay(1, cancel) };
        var blobs = Enumerable.Range(0, 16).Select(n => new TestBlob((n % 4 * 9 * MiB) + n, seed: n)).ToArray();
        foreach (var (blob, n) in blobs.Select((blob, n) => (blob, n)))
            _store.Set($"{n}", blob.Bytes);
        await Eventually.EndsAsync(Task.WhenAll(blobs.Select((blob, n) => engine.UploadAsync(
            target, $"{n}", new ObjectHeaders(MediaTypes.OctetStream), blob.Descriptor,
            (offset, _) => Task.FromResult(engine.OpenRead(_store, $"{n}", blob.Bytes.Length, offset)),
            new SumProgress(), Cancel))));
        foreach (var (blob, n) in blobs.Select((blob, n) => (blob, n)))
            blob.AssertIs(target.Find($"{n}"));
        Assert.InRange(engine.Buffers.Peak, 8 * MiB, 16 * MiB);
        Assert.Equal(0, engine.Buffers.InUse);
    }

    private TestBlob Store(int size, int seed = 1)
    {
        var blob = new TestBlob(size, seed);
        _store.Set(Key, blob.Bytes);
        return blob;
    }

    private async Task<byte[]> ReadAsync(long size, long offset = 0)
    {
        await using var stream = _engine.OpenRead(_store, Key, size, offset);
        return await CopyAsync(stream);
    }

    private static async Task<byte[]> CopyAsync(Stream stream)
    {
        using var copy = new MemoryStream();
        await Eventually.EndsAsync(stream.CopyToAsync(copy, Cancel));
        return copy.ToArray();
    }
}
