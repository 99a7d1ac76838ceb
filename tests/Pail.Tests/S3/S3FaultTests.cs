using System.Buffers;
using Pail.Oci;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.S3;

/// <summary>What a store and the line to it can do wrong, in front of Ceph RGW. Nothing is retried here; each failure says whether it may be.</summary>
[NeedsServers]
public sealed class S3FaultTests : IAsyncLifetime
{
    private static readonly ObjectHeaders Plain = new(MediaTypes.OctetStream);
    private static readonly ReadOnlySequence<byte> Body = new("body"u8.ToArray());

    private readonly string _bucket = S3Server.NewName();
    private readonly S3Proxy _proxy = S3Proxy.Start();
    private readonly S3Store _store;

    public S3FaultTests() => _store = Open(stall: Eventually.Limit);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _store.CreateBucketAsync(Cancel);
        await _store.PutAsync("k", new(new byte[100_000]), Plain, PutCondition.None, Cancel);
    }

    public async ValueTask DisposeAsync()
    {
        _store.Dispose();
        await _proxy.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
    }

    private S3Store Open(TimeSpan stall) =>
        S3Store.Open(S3Server.Ceph.Options(_bucket) with { Endpoint = _proxy.Endpoint.ToString(), StallTimeout = stall }, new RequestMeter());

    /// <summary>Requests by the SDK and by the wire, with a body and without.</summary>
    private Func<Task>[] Calls =>
    [
        () => _store.HeadAsync("k", Cancel),
        () => _store.GetAsync("k", null, Cancel),
        () => _store.PutAsync("new", Body, Plain, PutCondition.None, Cancel),
        () => _store.ListAsync(new(""), Cancel),
        () => _store.CreateUploadAsync("k", Plain, Cancel),
        () => _store.UploadPartAsync(new("k", "id"), 1, 0, new(new byte[2 << 20]), Cancel),
    ];

    private static async Task<StoreException> FailsAsync(StoreError error, Func<Task> call)
    {
        var failure = await Assert.ThrowsAsync<StoreException>(call);
        Assert.True(failure.Error == error, $"{error} was expected, not {failure.Error}: {failure.Message}");
        Assert.DoesNotContain('\n', failure.Message);
        Assert.DoesNotContain("Signature", failure.ToString(), StringComparison.OrdinalIgnoreCase);
        return failure;
    }

    [Theory]
    [InlineData(503, "SlowDown")]
    [InlineData(429, "TooManyRequests")]
    public async Task Throttling_EveryCall_SaysHowLongToWait(int status, string code)
    {
        _proxy.On(_ => true, new Fault.Answer(status, code, RetryAfter: 7));
        foreach (var call in Calls)
        {
            var failure = await FailsAsync(StoreError.Throttled, call);
            Assert.True(failure.IsTransient);
            Assert.Equal(TimeSpan.FromSeconds(7), failure.RetryAfter);
        }
    }

    [Theory]
    [InlineData(500, "InternalError")]
    [InlineData(502, "BadGateway")]
    [InlineData(504, "GatewayTimeout")]
    public async Task ServerError_EveryCall_IsTransientAndAskedOnce(int status, string code)
    {
        _proxy.Take();
        _proxy.On(_ => true, new Fault.Answer(status, code));
        foreach (var call in Calls)
            Assert.True((await FailsAsync(StoreError.Unavailable, call)).IsTransient);
        Assert.Equal(Calls.Length, _proxy.Requests.Count);
    }

    [Fact]
    public async Task Reset_EveryCall_IsTransientAndAskedOnce()
    {
        _proxy.Take();
        _proxy.On(_ => true, new Fault.ResetBefore(1000));
        foreach (var call in Calls)
            Assert.Contains(_proxy.Endpoint.Authority, (await FailsAsync(StoreError.Unavailable, call)).Message, StringComparison.Ordinal);
        Assert.Equal(Calls.Length, _proxy.Requests.Count);
    }

    [Fact]
    public async Task Silence_EveryCall_EndsAsUnavailable()
    {
        using var impatient = S3Store.Open(
            S3Server.Ceph.Options(_bucket) with { Endpoint = _proxy.Endpoint.ToString(), AnswerTimeout = TimeSpan.FromMilliseconds(200) },
            new RequestMeter());
        _proxy.On(_ => true, new Fault.Stall());
        foreach (var call in (Func<Task>[])[() => impatient.HeadAsync("k", Cancel), () => impatient.ListAsync(new(""), Cancel), () => impatient.PutAsync("k", Body, Plain, PutCondition.None, Cancel)])
            Assert.Contains("stalled", (await FailsAsync(StoreError.Unavailable, call)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_BodyEndsEarly_Throws()
    {
        _proxy.On(_ => true, new Fault.Truncate(50_000));
        await using var content = await _store.GetAsync("k", null, Cancel);
        Assert.Contains("of 100000 bytes", (await FailsAsync(StoreError.Unavailable, () => content!.Body.CopyToAsync(Stream.Null, Cancel))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StoreOperation.PutObject)]
    [InlineData(StoreOperation.CopyObject)]
    public async Task Request_SlowerThanItsLimit_GetsMoreTimeWithEachTry(StoreOperation slow)
    {
        var second = TimeSpan.FromSeconds(1);
        using var store = S3Store.Open(
            S3Server.Ceph.Options(_bucket) with { Endpoint = _proxy.Endpoint.ToString(), ConnectTimeout = second / 2, AnswerTimeout = second / 2, StallTimeout = second / 2, AssemblyTimeout = second / 2 },
            new RequestMeter());
        var retrying = RetryingStore.Over(store, new Retry(new RetryOptions { FirstDelay = TimeSpan.FromMilliseconds(1) }));
        _proxy.On(request => request.Operation == slow, new Fault.Delay(2 * second));
        var cancel = TestContext.Current.CancellationToken;
        Assert.NotNull(await retrying.PutAsync("a", new((byte[])[1]), new("text/plain"), PutCondition.None, cancel));
        Assert.True(await retrying.Abilities.Copy!.CopyAsync("a", "b", new("text/plain"), cancel));
    }

    [Fact]
    public async Task Get_BodyStalls_Throws()
    {
        using var impatient = Open(stall: TimeSpan.FromSeconds(2));
        _proxy.On(_ => true, new Fault.StallBody(50_000));
        await using var content = await impatient.GetAsync("k", null, Cancel);
        Assert.Contains("no byte arrived", (await FailsAsync(StoreError.Unavailable, () => content!.Body.CopyToAsync(Stream.Null, Cancel))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_SlowReader_IsNoStall()
    {
        var stall = TimeSpan.FromSeconds(5);
        using var impatient = Open(stall);
        await using var content = await impatient.GetAsync("k", null, Cancel);
        var half = new byte[50_000];
        await content!.Body.ReadExactlyAsync(half, Cancel);
        await Task.Delay(stall + TimeSpan.FromSeconds(1), Cancel);
        await content.Body.ReadExactlyAsync(half, Cancel);
        Assert.Equal(0, await content.Body.ReadAsync(half, Cancel));
    }

    [Fact]
    public async Task Get_CancelledWhileReading_IsCancelled()
    {
        _proxy.On(_ => true, new Fault.StallBody(10));
        using var source = new CancellationTokenSource();
        await using var content = await _store.GetAsync("k", null, source.Token);
        var reading = content!.Body.CopyToAsync(Stream.Null, Cancel);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task UploadPart_NobodyTakesTheBytes_Throws()
    {
        await using var silent = new FakeStore(_ => null);
        using var store = S3Store.Open(silent.Options() with { StallTimeout = TimeSpan.FromMilliseconds(300), AnswerTimeout = TimeSpan.FromSeconds(100) }, new RequestMeter());
        var failure = await FailsAsync(StoreError.Unavailable, () => store.UploadPartAsync(new("k", "id"), 1, 0, new(new byte[64 << 20]), Cancel));
        Assert.Contains("stalled", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Put_RefusedBeforeTheBody_SaysWhy()
    {
        await using var fake = new FakeStore(_ => FakeStore.Error(403, "AccessDenied"));
        using var store = fake.Open();
        await FailsAsync(StoreError.AccessDenied, () => store.UploadPartAsync(new("k", "id"), 1, 0, new(new byte[64 << 20]), Cancel));
    }

    [Theory]
    [InlineData(409, "ConditionalRequestConflict", StoreError.Unavailable)]
    [InlineData(501, "NotImplemented", StoreError.ConditionUnsupported)]
    [InlineData(400, "BadDigest", StoreError.ChecksumMismatch)]
    [InlineData(400, "XAmzContentSHA256Mismatch", StoreError.ChecksumMismatch)]
    [InlineData(400, "RequestTimeout", StoreError.Unavailable)]
    [InlineData(400, "ExpiredToken", StoreError.BadCredentials)]
    [InlineData(403, "RequestTimeTooSkewed", StoreError.BadCredentials)]
    [InlineData(403, "AccessDenied", StoreError.AccessDenied)]
    [InlineData(400, "InvalidRequest", StoreError.Rejected)]
    public async Task PutIfAbsent_Refused_IsToldApart(int status, string code, StoreError expected)
    {
        _proxy.On(_ => true, new Fault.Answer(status, code));
        await FailsAsync(expected, () => _store.PutAsync("new", Body, Plain, PutCondition.IfAbsent, Cancel));
    }

    [Fact]
    public async Task Complete_SuccessThatIsAnError_Throws()
    {
        var (upload, part) = await BeginAsync();
        _proxy.On(request => request.Operation == StoreOperation.CompleteMultipartUpload, new Fault.Answer(200, "InternalError"), times: 1);
        Assert.True((await FailsAsync(StoreError.Unavailable, () => _store.CompleteUploadAsync(upload, [part], Cancel))).IsTransient);
        Assert.Null(await _store.HeadAsync("u", Cancel));
        await _store.CompleteUploadAsync(upload, [part], Cancel);
        Assert.Equal(4, (await _store.HeadAsync("u", Cancel))!.Size);
    }

    [Fact]
    public async Task Complete_AnswerLost_SucceedsWhenTriedAgain()
    {
        var (upload, part) = await BeginAsync();
        _proxy.On(request => request.Operation == StoreOperation.CompleteMultipartUpload, new Fault.ResetAfter(), times: 1);
        await FailsAsync(StoreError.Unavailable, () => _store.CompleteUploadAsync(upload, [part], Cancel));
        Assert.EndsWith("-1", await _store.CompleteUploadAsync(upload, [part], Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Complete_DoneThoughAnErrorIsAnswered_Succeeds()
    {
        var (upload, part) = await BeginAsync();
        _proxy.On(request => request.Operation == StoreOperation.CompleteMultipartUpload, new Fault.AnswerAfter(500, "InternalError"), times: 1);
        Assert.EndsWith("-1", await _store.CompleteUploadAsync(upload, [part], Cancel), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_SuccessThatIsAnError_Throws()
    {
        var (upload, _) = await BeginAsync();
        _proxy.On(request => request.Operation is StoreOperation.CopyObject or StoreOperation.UploadPartCopy, new Fault.Answer(200, "InternalError"));
        await FailsAsync(StoreError.Unavailable, () => _store.CopyAsync("k", "to", Plain, Cancel));
        await FailsAsync(StoreError.Unavailable, () => _store.CopyPartAsync("k", ByteRange.Of(0, 4), upload, 2, 0, Cancel));
    }

    [Fact]
    public async Task Get_RangeIgnored_Throws()
    {
        await using var fake = new FakeStore(_ => FakeStore.Answer(200, "whole"));
        using var store = fake.Open();
        await FailsAsync(StoreError.Unavailable, () => store.GetAsync("k", ByteRange.Of(1, 2), Cancel));
    }

    [Fact]
    public async Task Error_InHtml_IsReadByItsStatus()
    {
        await using var fake = new FakeStore(_ => FakeStore.Answer(502, "<html><body>Bad & Gateway", "Content-Type: text/html\r\n"));
        using var store = fake.Open();
        await FailsAsync(StoreError.Unavailable, () => store.GetAsync("k", null, Cancel));
        await FailsAsync(StoreError.Unavailable, () => store.ListAsync(new(""), Cancel));
        await FailsAsync(StoreError.Unavailable, () => store.HeadAsync("k", Cancel));
    }

    [Fact]
    public async Task List_AnswerIsNoXml_IsTransient()
    {
        await using var fake = new FakeStore(_ => FakeStore.Answer(200, "<ListBucketResult><Contents><Key>a"));
        using var store = fake.Open();
        await FailsAsync(StoreError.Unavailable, () => store.ListAsync(new(""), Cancel));
    }

    private async Task<(UploadId Upload, UploadedPart Part)> BeginAsync()
    {
        var upload = new UploadId("u", await _store.CreateUploadAsync("u", Plain, Cancel));
        return (upload, new UploadedPart(1, await _store.UploadPartAsync(upload, 1, 0, Body, Cancel), 4));
    }
}
