using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Pail.Tests.Kit;
using Pail.Tests.S3;

namespace Pail.Tests.Server;

/// <summary><c>pail serve</c>, run as people do.</summary>
public sealed class ServeCommandTests : IAsyncDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private readonly string _folder = Directory.CreateTempSubdirectory("pail-serve-").FullName;
    private Child? _child;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<string> ServeAsync(params string[] arguments)
    {
        var port = FreePort();
        _child = PailCli.Direct.Start(["serve", .. arguments, "--listen", $"127.0.0.1:{port}"]);
        for (var address = $"http://127.0.0.1:{port}"; ; await Task.Delay(50, Cancel))
            try
            {
                Assert.Equal(HttpStatusCode.OK, (await _http.GetAsync(address + "/healthz", Cancel)).StatusCode);
                return address;
            }
            catch (HttpRequestException e) when (e.InnerException is SocketException && !_child.HasExited)
            {
                // Not up yet.
            }
    }

    [Fact]
    public async Task Folder_PushedToAndPulledFrom_EndsWellWhenInterrupted()
    {
        var folder = Path.Combine(_folder, "made", "here");
        var address = await ServeAsync(folder, "--explain-cost");
        var start = await _http.PostAsync($"{address}/v2/a/blobs/uploads/?digest={Pail.Oci.Digest.Of("x"u8)}", new ByteArrayContent("x"u8.ToArray()), Cancel);
        Assert.Equal(HttpStatusCode.Created, start.StatusCode);
        Assert.Equal("x", await _http.GetStringAsync(new Uri(new Uri(address), start.Headers.Location!), Cancel));
        _child!.Interrupt();
        var ended = (await _child.EndAsync()).Succeeded();
        var lines = ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("message").GetString()).ToList();
        Assert.Equal(2, lines.Count(message => message == "request"));
        Assert.Contains($"Serving file:{folder} at {address}", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task S3_Blob_IsRedirectedUnlessToldOtherwise()
    {
        var bucket = S3Server.NewName();
        using (var store = S3Server.Ceph.Open(bucket))
            await store.CreateBucketAsync(Cancel);
        try
        {
            foreach (var redirect in new[] { true, false })
            {
                var address = await ServeAsync([$"s3://{bucket}", "--log", "off", .. redirect ? Array.Empty<string>() : ["--no-redirect"]]);
                var start = await _http.PostAsync($"{address}/v2/a/blobs/uploads/?digest={Pail.Oci.Digest.Of("x"u8)}", new ByteArrayContent("x"u8.ToArray()), Cancel);
                var got = await _http.GetAsync(new Uri(new Uri(address), start.Headers.Location!), Cancel);
                Assert.Equal(redirect ? HttpStatusCode.TemporaryRedirect : HttpStatusCode.OK, got.StatusCode);
                Assert.Equal("x", await _http.GetStringAsync(got.Headers.Location ?? new Uri(new Uri(address), start.Headers.Location!), Cancel));
                _child!.Interrupt();
                var ended = (await _child.EndAsync()).Succeeded();
                Assert.Equal("", ended.Output);
                Assert.Contains("PAIL_SECRET", ended.Error, StringComparison.Ordinal);
                await _child.DisposeAsync();
                _child = null;
            }
        }
        finally
        {
            await S3Server.Ceph.RemoveAsync(bucket);
        }
    }

    [Fact]
    public async Task Address_TakenByAnother_IsSaidInOneLine()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var ended = (await PailCli.Direct.RunAsync("serve", _folder, "--listen", taken.LocalEndpoint.ToString()!)).Ended(6);
        Assert.Contains("in use", ended.Error, StringComparison.Ordinal);
        Assert.Single(ended.Error.Trim().Split('\n'));
    }

    [Theory]
    [InlineData("nfs://x")]
    [InlineData("s3://acme/repo:tag")]
    [InlineData(".", "--tag-cache", "soon")]
    [InlineData(".", "--listen", "everywhere")]
    [InlineData(".", "--tls-cert", "x.pem")]
    [InlineData(".", "--config", "/nonexistent")]
    [InlineData(".", "--secret", "on-the-command-line")]
    public async Task Setting_ThatMakesNoSense_IsSaidInOneLine(params string[] arguments)
    {
        var ended = (await PailCli.Direct.RunAsync(["serve", .. arguments])).Ended(2);
        Assert.Single(ended.Error.Trim().Split('\n'));
    }

    public async ValueTask DisposeAsync()
    {
        if (_child is not null)
            await _child.DisposeAsync();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
