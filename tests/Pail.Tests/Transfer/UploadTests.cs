using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Transfer;

namespace Pail.Tests.Transfer;

public sealed class UploadTests
{
    private const int MiB = 1 << 20;
    private const string Key = "v2/app/blobs/it";

    private static readonly ObjectHeaders Headers = new(MediaTypes.OctetStream, "immutable");

    private readonly MemoryStore _store = new();
    private readonly TransferEngine _engine = new(new TransferOptions(), new HastyTime(TimeSpan.FromSeconds(12)));
    private readonly SumProgress _progress = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(8 * MiB)]
    public async Task UploadAsync_UpToTheLimit_IsOnePutWithItsChecksum(int size)
    {
        var blob = new TestBlob(size);
        await UploadAsync(blob);
        Assert.Equal([StoreOperation.PutObject], _store.Log.Select(call => call.Operation));
        Assert.Equal(Headers with { Sha256 = blob.Descriptor.Digest, Metadata = _store.HeadersOf(Key).Metadata }, _store.HeadersOf(Key));
        AssertStored(blob);
    }

    [Fact]
    public async Task UploadAsync_Sha512_IsCheckedHereOnly()
    {
        var blob = new TestBlob(100, algorithm: DigestAlgorithm.Sha512);
        await UploadAsync(blob);
        Assert.Null(_store.HeadersOf(Key).Sha256);
        AssertStored(blob);
    }

    [Theory]
    [InlineData((8 * MiB) + 1, 2)]
    [InlineData(16 * MiB, 2)]
    [InlineData((40 * MiB) - 3, 5)]
    public async Task UploadAsync_Larger_IsCreatePartsAndComplete(int size, int parts)
    {
        var blob = new TestBlob(size);
        await UploadAsync(blob);
        Assert.Equal((1, parts, 1), (_store.Count(StoreOperation.CreateMultipartUpload), _store.Count(StoreOperation.UploadPart), _store.Count(StoreOperation.CompleteMultipartUpload)));
        Assert.Equal(parts + 2, _store.Log.Count);
        AssertStored(blob);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(20 * MiB)]
    public async Task UploadAsync_OtherBytes_AreNeverVisible(int size)
    {
        var blob = new TestBlob(size);
        var other = new TestBlob(size, seed: 2);
        var error = await FailsAsync(Failure.BadContent, UploadAsync(blob, blob.OpenOf(other.Bytes)));
        Assert.Contains($"expected {blob.Descriptor.Digest}, got {other.Descriptor.Digest}", error.Message, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData(1000, 999)]
    [InlineData(1000, 1001)]
    [InlineData(20 * MiB, (20 * MiB) - 1)]
    [InlineData(20 * MiB, (20 * MiB) + 1)]
    [InlineData(20 * MiB, 0)]
    public async Task UploadAsync_OtherSize_IsNeverVisible(int stated, int actual)
    {
        var blob = new TestBlob(stated);
        var bytes = new byte[actual];
        blob.Bytes.AsSpan(0, Math.Min(stated, actual)).CopyTo(bytes);
        var error = await FailsAsync(Failure.BadContent, UploadAsync(blob, blob.OpenOf(bytes)));
        Assert.Contains(actual > stated ? $"more bytes came than the {stated}" : $"end after {actual}", error.Message, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Fact]
    public async Task UploadAsync_EveryRequestFailsTwiceFirst_SucceedsAndLeavesNothing()
    {
        var failures = new Dictionary<(StoreOperation, int), int>();
        _store.Before = (call, _) =>
        {
            lock (failures)
            {
                var tried = failures[(call.Operation, call.Part)] = failures.GetValueOrDefault((call.Operation, call.Part)) + 1;
                return tried > 2 ? Task.CompletedTask : throw new StoreException(tried == 1 ? StoreError.Throttled : StoreError.Unavailable, "503");
            }
        };
        foreach (var size in (int[])[1000, 20 * MiB])
        {
            var blob = new TestBlob(size);
            await UploadAsync(blob);
            AssertStored(blob);
        }
        Assert.Equal((3, 3, 9, 3), (_store.Count(StoreOperation.PutObject), _store.Count(StoreOperation.CreateMultipartUpload), _store.Count(StoreOperation.UploadPart), _store.Count(StoreOperation.CompleteMultipartUpload)));
    }

    [Fact]
    public async Task UploadAsync_EveryAnswerIsLostOnce_SucceedsAndLeavesNothing()
    {
        var lost = new HashSet<(StoreOperation, int)>();
        _store.After = (call, _) =>
        {
            lock (lost)
                return call.Operation is StoreOperation.ListMultipartUploads or StoreOperation.HeadObject || !lost.Add((call.Operation, call.Part))
                    ? Task.CompletedTask
                    : throw new StoreException(StoreError.Unavailable, "The connection was reset.");
        };
        var blob = new TestBlob(20 * MiB);
        await UploadAsync(blob);
        Assert.Equal(2, _store.Count(StoreOperation.CreateMultipartUpload));
        AssertStored(blob);
    }

    [Fact]
    public async Task UploadAsync_PartRefusedForGood_StopsReadingAndAborts()
    {
        _store.Before = (call, _) => call.Part == 1 ? throw new StoreException(StoreError.AccessDenied, "403") : Task.CompletedTask;
        // The source never ends by itself: the failure must end it.
        var blob = new TestBlob(40 * MiB);
        var error = await Assert.ThrowsAsync<StoreException>(() => Eventually.EndsAsync(UploadAsync(blob, async (offset, cancel) =>
            new StallingStream(await blob.Open(offset, cancel), 9 * MiB))));
        Assert.Equal(StoreError.AccessDenied, error.Error);
        AssertNothingLeft();
    }

    [Fact]
    public async Task UploadAsync_StoreStaysDown_FailsAfterAllTriesAndAborts()
    {
        _store.Before = (call, _) => call.Part == 2 ? throw new StoreException(StoreError.Unavailable, "500") : Task.CompletedTask;
        await FailsAsync(Failure.Unavailable, UploadAsync(new TestBlob(20 * MiB)));
        Assert.Equal(_engine.Options.Retry.Attempts, _store.Log.Count(call => call.Part == 2));
        AssertNothingLeft();
    }

    [Theory]
    [InlineData(3 * MiB)]
    [InlineData(20 * MiB)]
    public async Task UploadAsync_SourceBreaksAgainAndAgain_GoesOnWhereItBroke(int size)
    {
        var blob = new TestBlob(size);
        await UploadAsync(blob, blob.BreaksEvery(1_000_000));
        AssertStored(blob);
        Assert.Equal(Enumerable.Range(0, (size / 1_000_000) + 1).Select(n => n * 1_000_000L), blob.Opened);
    }

    [Fact]
    public async Task UploadAsync_SourceNeverProgresses_FailsAndAborts()
    {
        var blob = new TestBlob(20 * MiB);
        var opened = 0;
        var error = await Assert.ThrowsAnyAsync<PailException>(() => UploadAsync(blob, async (offset, cancel) =>
        {
            opened++;
            return new BreakingStream(await blob.Open(offset, cancel), offset == 0 ? 10 * MiB : 0, new IOException("gone"));
        }));
        Assert.Equal(Failure.Unavailable, error.Failure);
        Assert.IsType<IOException>(error.InnerException);
        Assert.Equal(_engine.Options.Retry.Attempts, opened);
        AssertNothingLeft();
    }

    [Fact]
    public async Task UploadAsync_Cancelled_IsAbortedBeforeItReturns()
    {
        using var cancel = new CancellationTokenSource();
        _store.Before = async (call, token) =>
        {
            if (call.Part == 2)
            {
                await cancel.CancelAsync();
                await Task.Delay(Timeout.Infinite, token);
            }
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(UploadAsync(new TestBlob(20 * MiB), cancel: cancel.Token)));
        AssertNothingLeft();
    }

    [Fact]
    public async Task UploadAsync_CancelledWhileItIsCreated_IsAbortedOnceItsIdIsKnown()
    {
        using var cancel = new CancellationTokenSource();
        _store.After = async (call, _) =>
        {
            if (call.Operation == StoreOperation.CreateMultipartUpload)
            {
                await cancel.CancelAsync();
                await Task.Delay(100, Cancel);
            }
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(UploadAsync(new TestBlob(20 * MiB), cancel: cancel.Token)));
        Assert.Equal(1, _store.Count(StoreOperation.CreateMultipartUpload));
        AssertNothingLeft();
    }

    [Fact]
    public async Task UploadAsync_PartArrivesAfterTheAbort_IsAbortedAgain()
    {
        using var cancel = new CancellationTokenSource();
        _store.Before = async (call, token) =>
        {
            if (call.Part == 2)
            {
                await cancel.CancelAsync();
                await Task.Delay(Timeout.Infinite, token);
            }
        };
        _store.After = (call, _) =>
        {
            if (call is { Operation: StoreOperation.AbortMultipartUpload, Number: 1 })
                _store.PutLatePart(Key);
            return Task.CompletedTask;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Eventually.EndsAsync(UploadAsync(new TestBlob(20 * MiB), cancel: cancel.Token)));
        Assert.Equal(2, _store.Count(StoreOperation.AbortMultipartUpload));
        AssertNothingLeft();
    }

    [Fact]
    public async Task UploadAsync_AbortFails_SaysWhatWasLeftBehind()
    {
        _store.Before = (call, _) => call.Operation switch
        {
            StoreOperation.UploadPart => throw new StoreException(StoreError.AccessDenied, "No parts for you."),
            StoreOperation.AbortMultipartUpload => throw new StoreException(StoreError.AccessDenied, "No abort either."),
            _ => Task.CompletedTask,
        };
        var error = await FailsAsync(Failure.Denied, UploadAsync(new TestBlob(20 * MiB)));
        Assert.Equal("No parts for you. Its unfinished upload was left behind: No abort either.", error.Message);
    }

    [Fact]
    public async Task UploadAsync_UploadSweptAway_BeginsOnceMore()
    {
        _store.Before = (call, _) =>
        {
            if (call is { Operation: StoreOperation.UploadPart, Number: 3 })
                _store.DropUploads();
            return Task.CompletedTask;
        };
        var blob = new TestBlob(20 * MiB);
        await UploadAsync(blob);
        Assert.Equal(2, _store.Count(StoreOperation.CreateMultipartUpload));
        AssertStored(blob);
    }

    [Fact]
    public async Task UploadAsync_UploadSweptAwayEachTime_Fails()
    {
        _store.Before = (call, _) =>
        {
            if (call.Part == 2)
                _store.DropUploads();
            return Task.CompletedTask;
        };
        Assert.Equal(StoreError.NoSuchUpload, (await Assert.ThrowsAsync<StoreException>(() => UploadAsync(new TestBlob(20 * MiB)))).Error);
        AssertNothingLeft();
    }

    [Fact]
    public async Task UploadAsync_ManyAtOnceWithLittleMemory_AllFinishWithinTheBounds()
    {
        var engine = new TransferEngine(new TransferOptions { MemoryLimit = 17 * MiB, Connections = 3 });
        _store.Before = (_, cancel) => Task.Delay(2, cancel);
        var blobs = Enumerable.Range(0, 24).Select(n => new TestBlob((n % 4 * 7 * MiB) + n, seed: n)).ToArray();
        await Eventually.EndsAsync(Task.WhenAll(blobs.Select((blob, n) =>
            engine.UploadAsync(_store, $"{n}", Headers, blob.Descriptor, blob.Open, _progress, Cancel))));
        foreach (var (blob, n) in blobs.Select((blob, n) => (blob, n)))
            blob.AssertIs(_store.Find($"{n}"));
        Assert.InRange(engine.Buffers.Peak, 8 * MiB, 17 * MiB);
        Assert.Equal(0, engine.Buffers.InUse);
        Assert.InRange(_store.MostAtOnce, 1, 3);
        Assert.Equal(blobs.Sum(blob => blob.Bytes.LongLength), _progress.Total);
    }

    [Fact]
    public async Task UploadAsync_SlowStore_ReadsNoFurtherThanMemoryGoes()
    {
        var engine = new TransferEngine(new TransferOptions { MemoryLimit = 16 * MiB });
        var gate = new TaskCompletionSource();
        _store.Before = (call, _) => call.Operation == StoreOperation.UploadPart ? gate.Task : Task.CompletedTask;
        var read = 0L;
        var blob = new TestBlob(40 * MiB);
        var upload = engine.UploadAsync(_store, Key, Headers, blob.Descriptor, async (offset, cancel) =>
            new CountingStream(await blob.Open(offset, cancel), count => Interlocked.Add(ref read, count)), _progress, Cancel);
        await Eventually.TrueAsync(() => Interlocked.Read(ref read) >= 16 * MiB);
        await Task.Delay(50, Cancel);
        Assert.Equal(16 * MiB, Interlocked.Read(ref read));
        gate.SetResult();
        await Eventually.EndsAsync(upload);
        AssertStored(blob);
    }

    private Task UploadAsync(TestBlob blob, BlobOpener? open = null, CancellationToken? cancel = null) =>
        _engine.UploadAsync(_store, Key, Headers, blob.Descriptor, open ?? blob.Open, _progress, cancel ?? Cancel);

    private static async Task<PailException> FailsAsync(Failure failure, Task work)
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Eventually.EndsAsync(work));
        Assert.Equal(failure, error.Failure);
        return error;
    }

    private void AssertStored(TestBlob blob)
    {
        blob.AssertIs(_store.Find(Key));
        Assert.Equal(0, _store.PendingUploads);
        Assert.Equal(0, _engine.Buffers.InUse);
    }

    private void AssertNothingLeft()
    {
        Assert.Null(_store.Find(Key));
        Assert.Equal(0, _store.PendingUploads);
        Assert.Equal(0, _engine.Buffers.InUse);
    }
}
