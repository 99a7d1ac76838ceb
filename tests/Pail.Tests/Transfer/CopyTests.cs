using Pail.Stores;
using Pail.Transfer;

namespace Pail.Tests.Transfer;

public sealed class CopyTests
{
    private const int MiB = 1 << 20;

    private static readonly ObjectHeaders Headers = new("application/x-copy");

    private readonly MemoryStore _store = new();
    private readonly TransferEngine _engine = new(new TransferOptions { SingleCopyLimit = 24 * MiB }, new HastyTime(TimeSpan.FromSeconds(12)));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Copy_UpToTheLimit_TakesOneRequest()
    {
        var blob = new TestBlob(24 * MiB);
        _store.Set("from", blob.Bytes);
        Assert.True(await _engine.CopyAsync(_store, _store, [("from", blob.Bytes.Length)], "to", Headers, Cancel));
        blob.AssertIs(_store.Find("to"));
        Assert.Equal(Headers, _store.HeadersOf("to"));
        Assert.Single(_store.Log);
    }

    [Theory]
    [InlineData((24 * MiB) + 1, 5)]
    [InlineData(61 * MiB, 11)]
    public async Task Copy_Larger_TakesEqualRangesInParallel(int size, int parts)
    {
        var blob = new TestBlob(size);
        _store.Set("from", blob.Bytes);
        Assert.True(await _engine.CopyAsync(_store, _store, [("from", size)], "to", Headers, Cancel));
        blob.AssertIs(_store.Find("to"));
        Assert.Equal(Headers, _store.HeadersOf("to"));
        Assert.Equal(parts, _store.Count(StoreOperation.UploadPartCopy));
        Assert.Equal(0, _store.PendingUploads);
    }

    [Fact]
    public async Task Copy_Several_JoinsThemInOrder()
    {
        var blob = new TestBlob(20 * MiB);
        _store.Set("a", blob.Bytes[..(7 * MiB)]);
        _store.Set("b", blob.Bytes[(7 * MiB)..(19 * MiB)]);
        _store.Set("c", blob.Bytes[(19 * MiB)..]);
        Assert.True(await _engine.CopyAsync(_store, _store, [("a", 7 * MiB), ("b", 12 * MiB), ("c", MiB)], "to", Headers, Cancel));
        blob.AssertIs(_store.Find("to"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100 * MiB)]
    public async Task Copy_NoSource_IsFalseAndLeavesNothing(long size)
    {
        Assert.False(await _engine.CopyAsync(_store, _store, [("from", size)], "to", Headers, Cancel));
        Assert.Null(_store.Find("to"));
        Assert.Equal(0, _store.PendingUploads);
    }

    [Fact]
    public async Task Copy_RangesThatFail_AreTriedAgain()
    {
        var blob = new TestBlob(40 * MiB);
        _store.Set("from", blob.Bytes);
        _store.Before = (call, _) => call is { Operation: StoreOperation.UploadPartCopy, Number: 1 or 3 } ? throw new StoreException(StoreError.Unavailable, "500") : Task.CompletedTask;
        Assert.True(await _engine.CopyAsync(_store, _store, [("from", 40 * MiB)], "to", Headers, Cancel));
        blob.AssertIs(_store.Find("to"));
    }

    [Fact]
    public async Task Copy_RangesThatFailForGood_LeaveNothing()
    {
        _store.Set("from", new TestBlob(40 * MiB).Bytes);
        _store.Before = (call, _) => call is { Operation: StoreOperation.UploadPartCopy, Part: 2 } ? throw new StoreException(StoreError.AccessDenied, "403") : Task.CompletedTask;
        await Assert.ThrowsAsync<StoreException>(() => _engine.CopyAsync(_store, _store, [("from", 40 * MiB)], "to", Headers, Cancel));
        Assert.Null(_store.Find("to"));
        Assert.Equal(0, _store.PendingUploads);
    }
}
