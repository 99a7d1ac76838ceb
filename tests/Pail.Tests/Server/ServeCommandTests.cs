using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.Server;

/// <summary><c>pail serve</c>, run as people do.</summary>
[NeedsServers]
[Trait("Also", "Native")]
public sealed class ServeCommandTests : IAsyncDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private readonly string _folder = Directory.CreateTempSubdirectory("pail-serve-").FullName;
    private PailServer? _server;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task<string> ServeAsync(params string[] arguments)
    {
        _server = await PailServer.StartAsync(PailCli.Direct, arguments);
        return $"http://{_server.Host}";
    }

    [Fact]
    public async Task Folder_PushedToAndPulledFrom_EndsWellWhenInterrupted()
    {
        var folder = Path.Combine(_folder, "made", "here");
        var address = await ServeAsync(folder, "--explain-cost");
        var start = await _http.PostAsync($"{address}/v2/a/blobs/uploads/?digest={Pail.Oci.Digest.Of("x"u8)}", new ByteArrayContent("x"u8.ToArray()), Cancel);
        Assert.Equal(HttpStatusCode.Created, start.StatusCode);
        Assert.Equal("x", await _http.GetStringAsync(new Uri(new Uri(address), start.Headers.Location!), Cancel));
        var ended = await _server!.StopAsync();
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
                var ended = await _server!.StopAsync();
                Assert.Equal("", ended.Output);
                Assert.Contains("PAIL_SECRET", ended.Error, StringComparison.Ordinal);
                await _server.DisposeAsync();
                _server = null;
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
    [InlineData("PAIL_READ_ONLY", "true", null)]
    [InlineData("PAIL_READ_ONLY", "1", "--no-delete")]
    [InlineData("PAIL_CONFIG", "{\"read-only\": true}", null)]
    public async Task Switch_OfTheEnvironmentOrTheFile_Counts(string variable, string value, string? option)
    {
        if (variable == "PAIL_CONFIG")
        {
            var file = Path.Combine(_folder, "pail.conf");
            await File.WriteAllTextAsync(file, value, Cancel);
            value = file;
        }
        var cli = new PailCli(TestEnvironment.S3) { Variables = new Dictionary<string, string> { [variable] = value } };
        _server = await PailServer.StartAsync(cli, [_folder, .. option is null ? Array.Empty<string>() : [option]]);
        using var refused = await _http.PostAsync(new Uri(_server.Address, "/v2/a/blobs/uploads/"), null, Cancel);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, refused.StatusCode);
        await _server.DisposeAsync();
        _server = await PailServer.StartAsync(cli, [_folder, "--read-only=false"]);
        using var taken = await _http.PostAsync(new Uri(_server.Address, "/v2/a/blobs/uploads/"), null, Cancel);
        Assert.Equal(HttpStatusCode.Accepted, taken.StatusCode);
    }

    [Fact]
    public async Task Switch_ThatIsNeitherTrueNorFalse_IsRefused()
    {
        var cli = new PailCli(TestEnvironment.S3) { Variables = new Dictionary<string, string> { ["PAIL_READ_ONLY"] = "ja" } };
        Assert.Contains("PAIL_READ_ONLY", (await cli.RunAsync("serve", _folder)).Ended(2).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nfs://x")]
    [InlineData(".", "--listen", "192.0.2.1:5000")]
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
        if (_server is not null)
            await _server.DisposeAsync();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
