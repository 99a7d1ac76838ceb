using Pail.Oci;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;
using Pail.Tests.S3;
using Pail.Transfer;

namespace Pail.Tests.Transfer;

/// <summary>The engine over a real S3 server, each kind of request harmed in turn on the way there.</summary>
[NeedsServers]
public sealed class S3TransferTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private const string Key = "v2/app/blobs/it";

    private static readonly Dictionary<string, Fault> Faults = new()
    {
        ["500"] = new Fault.Answer(500, "InternalError"),
        ["SlowDown"] = new Fault.Answer(503, "SlowDown", RetryAfter: 1),
        ["429"] = new Fault.Answer(429, "TooManyRequests"),
        ["reset"] = new Fault.ResetBefore(100_000),
        ["answer lost"] = new Fault.ResetAfter(),
        ["500 though done"] = new Fault.AnswerAfter(500, "InternalError"),
        ["stalled"] = new Fault.Stall(),
        ["stalled answer"] = new Fault.StallBody(MiB),
        ["truncated answer"] = new Fault.Truncate(MiB),
    };

    private readonly string _bucket = S3Server.NewName();
    private readonly S3Proxy _proxy = S3Proxy.Start();
    private readonly TransferEngine _engine = new(new TransferOptions { Retry = new() { FirstDelay = TimeSpan.FromMilliseconds(10) } });
    private S3Store _direct = null!;
    private S3Store _harmed = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<StoreOperation, string> Uploads()
    {
        var data = new TheoryData<StoreOperation, string>();
        foreach (var operation in (StoreOperation[])[StoreOperation.PutObject, StoreOperation.CreateMultipartUpload, StoreOperation.UploadPart, StoreOperation.CompleteMultipartUpload])
            foreach (var fault in Faults.Keys.Where(name => !name.EndsWith(" answer", StringComparison.Ordinal)))
                data.Add(operation, fault);
        return data;
    }

    public static TheoryData<string> Downloads() => [.. Faults.Keys];

    public async ValueTask InitializeAsync()
    {
        _direct = S3Server.Ceph.Open(_bucket);
        Assert.True(await _direct.CreateBucketAsync(Cancel));
        _harmed = S3Store.Open(
            S3Server.Ceph.Options(_bucket) with
            {
                Endpoint = _proxy.Endpoint.AbsoluteUri,
                ConnectTimeout = Eventually.Stalled,
                StallTimeout = Eventually.Stalled,
                AnswerTimeout = Eventually.Stalled,
                AssemblyTimeout = Eventually.Stalled,
            },
            new RequestMeter());
    }

    public async ValueTask DisposeAsync()
    {
        _harmed.Dispose();
        _direct.Dispose();
        await _proxy.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
    }

    [Theory]
    [MemberData(nameof(Uploads))]
    public async Task Upload_ARequestIsHarmed_SucceedsAndLeavesNothing(StoreOperation operation, string fault)
    {
        _proxy.On(request => request.Operation == operation, Faults[fault], times: 2);
        var blob = new TestBlob(operation == StoreOperation.PutObject ? 1000 : (20 * MiB) + 1);
        await UploadAsync(blob, Cancel);
        await AssertStoredAsync(blob);
        Assert.Empty(await _direct.ListUploadsAsync("", Cancel));
    }

    [Theory]
    [MemberData(nameof(Downloads))]
    public async Task Download_RequestsAreHarmed_GoesOnWhereItBroke(string fault)
    {
        var blob = new TestBlob((20 * MiB) + 1);
        await UploadAsync(blob, Cancel);
        _proxy.On(request => request.Operation == StoreOperation.GetObject, Faults[fault], times: 3);
        await using var stream = new VerifyingStream(_engine.OpenRead(_harmed, Key, blob.Bytes.Length), blob.Descriptor);
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy, Cancel);
        blob.AssertIs(copy.ToArray());
    }

    [Fact]
    public async Task Upload_PartsRefusedForGood_LeavesNothing()
    {
        _proxy.On(request => request.Operation == StoreOperation.UploadPart, new Fault.Answer(403, "AccessDenied"), skip: 1);
        Assert.Equal(StoreError.AccessDenied, (await Assert.ThrowsAsync<StoreException>(() => UploadAsync(new TestBlob(40 * MiB), Cancel))).Error);
        await AssertNothingAsync();
    }

    [Fact]
    public async Task Upload_CancelledInTheMiddle_LeavesNothing()
    {
        using var cancel = new CancellationTokenSource();
        _proxy.On(request => request.Operation == StoreOperation.UploadPart, new Fault.Delay(TimeSpan.FromMilliseconds(300)), skip: 1);
        var upload = UploadAsync(new TestBlob(40 * MiB), cancel.Token);
        await _proxy.SeenAsync(request => request.Operation == StoreOperation.UploadPart, Cancel);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => upload);
        await AssertNothingAsync();
        // Parts that were on the way when it was cancelled have arrived by now, if ever.
        await Task.Delay(600, Cancel);
        await AssertNothingAsync();
    }

    [Fact]
    public async Task Upload_OtherBytes_AreNeverVisible()
    {
        var blob = new TestBlob(20 * MiB);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => _engine.UploadAsync(
            _harmed, Key, new ObjectHeaders(MediaTypes.OctetStream), blob.Descriptor, blob.OpenOf(new TestBlob(20 * MiB, seed: 2).Bytes), new SumProgress(), Cancel));
        Assert.Equal(Failure.BadContent, error.Failure);
        await AssertNothingAsync();
    }

    [Fact]
    public async Task Transfer_16Connections_MoveAtOnce()
    {
        var blob = new TestBlob(16 * 8 * MiB);
        _proxy.On(request => request.Operation == StoreOperation.UploadPart, new Fault.Gate(16), times: 16);
        await UploadAsync(blob, Cancel);
        _proxy.On(request => request.Operation == StoreOperation.GetObject, new Fault.Gate(16), times: 16);
        await using var stream = new VerifyingStream(_engine.OpenRead(_harmed, Key, blob.Bytes.Length), blob.Descriptor);
        await stream.CopyToAsync(Stream.Null, Cancel);
    }

    private Task UploadAsync(TestBlob blob, CancellationToken cancel) =>
        _engine.UploadAsync(_harmed, Key, new ObjectHeaders(MediaTypes.OctetStream), blob.Descriptor, blob.Open, new SumProgress(), cancel);

    private async Task AssertStoredAsync(TestBlob blob)
    {
        await using var content = await _direct.GetAsync(Key, null, Cancel);
        using var copy = new MemoryStream();
        await content!.Body.CopyToAsync(copy, Cancel);
        blob.AssertIs(copy.ToArray());
    }

    private async Task AssertNothingAsync()
    {
        Assert.Null(await _direct.HeadAsync(Key, Cancel));
        Assert.Empty(await _direct.ListUploadsAsync("", Cancel));
        Assert.Equal(0, _engine.Buffers.InUse);
    }
}
