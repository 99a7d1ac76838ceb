using System.Net;
using System.Net.Sockets;
using System.Text;
using Pail.Stores;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.Kit;

/// <summary>The proxy does what tests rely on. In front of RGW, asked without credentials: its answer to a GET is a 403 or 404 with a body.</summary>
[NeedsServers]
public sealed class S3ProxyTests : IAsyncDisposable
{
    private readonly S3Proxy _proxy = S3Proxy.Start();
    private readonly HttpClient _http = new() { Timeout = Eventually.Limit };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Uri Object => new(_proxy.Endpoint, "no-such-bucket/some/key");

    [Fact]
    public async Task Requests_OfEveryKind_AreNamedAsS3NamesThem()
    {
        (HttpMethod Method, string Target, StoreOperation Operation)[] kinds =
        [
            (HttpMethod.Get, "b/k", StoreOperation.GetObject),
            (HttpMethod.Get, "b?list-type=2&prefix=uploads", StoreOperation.ListObjects),
            (HttpMethod.Get, "b/?uploads", StoreOperation.ListMultipartUploads),
            (HttpMethod.Get, "b/k?uploadId=x", StoreOperation.ListParts),
            (HttpMethod.Head, "b/k", StoreOperation.HeadObject),
            (HttpMethod.Put, "b/k", StoreOperation.PutObject),
            (HttpMethod.Put, "b", StoreOperation.CreateBucket),
            (HttpMethod.Put, "b?policy", StoreOperation.PutBucketPolicy),
            (HttpMethod.Put, "b/k?partNumber=1&uploadId=x", StoreOperation.UploadPart),
            (HttpMethod.Post, "b/k?uploads", StoreOperation.CreateMultipartUpload),
            (HttpMethod.Post, "b/k?uploadId=x", StoreOperation.CompleteMultipartUpload),
            (HttpMethod.Delete, "b/k?uploadId=x", StoreOperation.AbortMultipartUpload),
            (HttpMethod.Delete, "b/k", StoreOperation.DeleteObject),
        ];
        foreach (var (method, target, _) in kinds)
        {
            using var request = new HttpRequestMessage(method, new Uri(_proxy.Endpoint, target));
            request.Content = method == HttpMethod.Put || method == HttpMethod.Post ? new StringContent("body") : null;
            using var answer = await _http.SendAsync(request, Cancel);
        }
        Assert.Equal(kinds.Select(kind => (StoreOperation?)kind.Operation), _proxy.Requests.Select(request => request.Operation));
        Assert.All(_proxy.Take(), request => Assert.NotNull(request.Status));
        Assert.Empty(_proxy.Requests);
    }

    [Fact]
    public async Task Answer_Twice_ThenTheStoreIsAskedAgain()
    {
        _proxy.On(_ => true, new Fault.Answer(503, "SlowDown", RetryAfter: 7), times: 2, skip: 1);
        var statuses = new List<int>();
        for (var i = 0; i < 4; i++)
        {
            using var answer = await _http.GetAsync(Object, Cancel);
            statuses.Add((int)answer.StatusCode);
            if (i == 1)
            {
                Assert.Equal(TimeSpan.FromSeconds(7), answer.Headers.RetryAfter?.Delta);
                Assert.Contains("<Code>SlowDown</Code>", await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
            }
        }
        Assert.Equal([404, 503, 503, 404], statuses);
    }

    [Fact]
    public async Task ResetBefore_InTheBody_NothingIsAnswered()
    {
        _proxy.On(request => request.Method == "PUT", new Fault.ResetBefore(1000), times: 1);
        await Assert.ThrowsAsync<HttpRequestException>(() => _http.PutAsync(Object, new ByteArrayContent(new byte[1 << 20]), Cancel));
        Assert.Null(Assert.Single(_proxy.Requests).Status);
    }

    [Fact]
    public async Task ResetAfter_TheStoreWasAsked_NothingIsAnswered()
    {
        _proxy.On(_ => true, new Fault.ResetAfter());
        await Assert.ThrowsAsync<HttpRequestException>(() => _http.GetAsync(Object, Cancel));
    }

    [Fact]
    public async Task Truncate_InTheBody_TheConnectionEndsEarly()
    {
        _proxy.On(_ => true, new Fault.Truncate(10));
        using var answer = await _http.GetAsync(Object, HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.True(answer.Content.Headers.ContentLength > 10);
        await Assert.ThrowsAsync<HttpIOException>(async () => await (await answer.Content.ReadAsStreamAsync(Cancel)).CopyToAsync(Stream.Null, Cancel));
    }

    [Fact]
    public async Task Stall_TheClientGivesUp_TheProxyGoesOn()
    {
        _proxy.On(_ => true, new Fault.Stall(), times: 1);
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var stalled = _http.GetAsync(Object, impatient.Token);
        await _proxy.SeenAsync(_ => true, Cancel);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stalled);
        using var answer = await _http.GetAsync(Object, Cancel);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task Drip_TheBodyComesWhole()
    {
        var expected = await _http.GetStringAsync(_proxy.Endpoint, Cancel);
        _proxy.On(_ => true, new Fault.Drip(7, TimeSpan.FromMilliseconds(1)));
        Assert.Equal(expected.Length, (await _http.GetStringAsync(_proxy.Endpoint, Cancel)).Length);
    }

    [Fact]
    public async Task Gate_OnlyParallelRequestsPass()
    {
        _proxy.On(_ => true, new Fault.Gate(3));
        var early = new[] { _http.GetAsync(Object, Cancel), _http.GetAsync(Object, Cancel) };
        await _proxy.SeenAsync(_ => _proxy.Requests.Count == 2, Cancel);
        Assert.All(early, request => Assert.False(request.IsCompleted));
        (await _http.GetAsync(Object, Cancel)).Dispose();
        foreach (var answer in await Task.WhenAll(early))
            answer.Dispose();
    }

    [Fact]
    public async Task ChunkedBody_AndExpectation_PassThrough()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(_proxy.Endpoint.Host, _proxy.Endpoint.Port, Cancel);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"PUT /b/k HTTP/1.1\r\nHost: {_proxy.Endpoint.Authority}\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), Cancel);
        using var reader = new StreamReader(stream);
        Assert.Equal("HTTP/1.1 100 Continue", await reader.ReadLineAsync(Cancel));
        Assert.Equal("", await reader.ReadLineAsync(Cancel));
        Assert.StartsWith("HTTP/1.1 4", await reader.ReadLineAsync(Cancel), StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _proxy.DisposeAsync();
    }
}
