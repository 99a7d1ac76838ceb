using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Pail.Oci;
using Pail.Server;
using Pail.Tests.Kit;

namespace Pail.Tests.Server;

/// <summary>Health, log, limits, TLS, proxies, and stopping.</summary>
public sealed class RunningTests() : ServerTests(new FolderBucket())
{
    private string Folder => ((FolderBucket)Bucket).Folder;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Health_BucketGone_IsAliveButNotReady()
    {
        (await Server.GetAsync("/healthz")).Is(200);
        (await Server.GetAsync("/readyz")).Is(200);
        Directory.Move(Folder, Folder + ".away");
        try
        {
            await using var server = await StartAsync();
            (await server.GetAsync("/healthz")).Is(200);
            Assert.Contains("bucket", (await server.GetAsync("/readyz")).Is(503).Text, StringComparison.Ordinal);
            (await server.GetAsync($"/v2/{App}/manifests/1")).Is(503, "UNAVAILABLE");
        }
        finally
        {
            Directory.Move(Folder + ".away", Folder);
        }
    }

    [Fact]
    public async Task Ready_AskedOften_AsksTheBucketOnce() =>
        Assert.Equal((0, 1), await Server.CostAsync(async () => await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Server.GetAsync("/readyz")))));

    [Fact]
    public async Task Log_OneLineARequest_WithoutSecrets()
    {
        await Server.PushAsync(App, "1");
        using var output = new MemoryStream();
        await using (var server = await StartAsync(options => options with { Log = output, Meter = Meter }))
        {
            var answer = await server.GetAsync($"/v2/{App}/manifests/1?secret=x", ("X-Request-Id", "my-id"), ("Authorization", "Basic c2VjcmV0"));
            Assert.Equal("my-id", answer["X-Request-Id"]);
            await server.GetAsync($"/v2/{App}/blobs/uploads/sealed-secret-session");
            await server.HeadAsync($"/v2/{App}/manifests/none");
            await server.GetAsync("/healthz");
        }
        var text = Encoding.UTF8.GetString(output.ToArray());
        Assert.DoesNotContain("secret", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("c2VjcmV0", text, StringComparison.Ordinal);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).Where(line => line.GetProperty("message").GetString() == "request").ToList();
        Assert.Equal(3, lines.Count);
        Assert.Equal("my-id", lines[0].GetProperty("id").GetString());
        Assert.Equal($"/v2/{App}/manifests/1", lines[0].GetProperty("path").GetString());
        Assert.Equal("GET", lines[0].GetProperty("method").GetString());
        Assert.Equal(200, lines[0].GetProperty("status").GetInt32());
        Assert.True(lines[0].GetProperty("bytes").GetInt64() > 100);
        Assert.True(lines[0].GetProperty("ms").GetDouble() >= 0);
        Assert.Equal("127.0.0.1", lines[0].GetProperty("client").GetString());
        Assert.Equal(0, lines[0].GetProperty("s3_a").GetInt64());
        Assert.Equal(1, lines[0].GetProperty("s3_b").GetInt64());
        Assert.Equal($"/v2/{App}/blobs/uploads/…", lines[1].GetProperty("path").GetString());
        Assert.Equal(404, lines[2].GetProperty("status").GetInt32());
        Assert.Equal(0, lines[2].GetProperty("bytes").GetInt64());
    }

    [Fact]
    public async Task TrustedProxy_LocationsAreAsTheClientAsks()
    {
        var bytes = await Server.AddImageAsync(App);
        await using var server = await StartAsync(options => options with { TrustedProxies = [IPNetwork.Parse("127.0.0.0/8")] });
        (string, string)[] forwarded = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "registry.example"), ("Content-Type", MediaTypes.OciManifest)];
        var answer = await server.SendAsync(HttpMethod.Put, $"/v2/{App}/manifests/1", bytes, forwarded);
        Assert.Equal($"https://registry.example/v2/{App}/manifests/{Digest.Of(bytes)}", answer.Is(201)["Location"]);
        Assert.Equal($"/v2/{App}/manifests/{Digest.Of(bytes)}", (await Server.SendAsync(HttpMethod.Put, $"/v2/{App}/manifests/1", bytes, forwarded)).Is(201)["Location"]);
    }

    [Fact]
    public async Task Headers_TooLarge_Are431()
    {
        await using var server = await StartAsync(options => options with { MaxHeaderBytes = 8192 });
        (await server.GetAsync("/v2/", ("X-Large", new string('x', 9000)))).Is(431);
        (await server.GetAsync("/v2/", ("X-Large", new string('x', 7000)))).Is(200);
    }

    [Fact]
    public async Task Connections_TooMany_AreClosed()
    {
        await using var server = await StartAsync(options => options with { MaxConnections = 2 });
        var open = new List<TcpClient>();
        for (var i = 0; i < 2; i++)
        {
            open.Add(new TcpClient());
            await open[^1].ConnectAsync(server.Address.Host, server.Address.Port, Cancel);
            Assert.StartsWith("HTTP/1.1 200", await AskAsync(open[^1]), StringComparison.Ordinal);
        }
        using var third = new TcpClient();
        await third.ConnectAsync(server.Address.Host, server.Address.Port, Cancel);
        var refused = "";
        try
        {
            refused = await AskAsync(third);
        }
        catch (IOException)
        {
        }
        Assert.Equal("", refused);
        open.ForEach(socket => socket.Dispose());
    }

    private static async Task<string> AskAsync(TcpClient socket)
    {
        await socket.GetStream().WriteAsync("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Cancel);
        var buffer = new byte[4096];
        return Encoding.ASCII.GetString(buffer, 0, await socket.GetStream().ReadAsync(buffer, Cancel));
    }

    [Theory]
    [InlineData("POST", "?digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")]
    [InlineData("PATCH", "")]
    public async Task Upload_ThatRests_IsCutOffAndGivesItsMemoryBack(string method, string query)
    {
        await using var server = await StartAsync(options => options with { BodyRest = TimeSpan.FromMilliseconds(300) });
        var path = $"/v2/{App}/blobs/uploads/";
        if (method == "PATCH")
            path = (await server.SendAsync(HttpMethod.Post, path, [])).Is(202)["Location"]!;
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.Address.Host, server.Address.Port, Cancel);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"{method} {path}{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n" + new string('x', 100_000)), Cancel);
        var buffer = new byte[4096];
        var length = await socket.GetStream().ReadAtLeastAsync(buffer, 12, cancellationToken: Cancel);
        Assert.StartsWith("HTTP/1.1 408", Encoding.ASCII.GetString(buffer, 0, length), StringComparison.Ordinal);
        await Eventually.TrueAsync(() => server.Bucket.Engine.Buffers.InUse == 0);
    }

    [Fact]
    public async Task Stop_WhileATransferRuns_LetsItEnd()
    {
        var content = RandomNumberGenerator.GetBytes(20 << 20);
        var server = await StartAsync(options => options with { DrainTime = Eventually.Limit });
        var blob = await server.AddBlobAsync(App, content);
        using var http = new HttpClient { BaseAddress = server.Address };
        using var answer = await http.GetAsync($"/v2/{App}/blobs/{blob.Digest}", HttpCompletionOption.ResponseHeadersRead, Cancel);
        var stopping = server.App.StopAsync(CancellationToken.None);
        await using var body = await answer.Content.ReadAsStreamAsync(Cancel);
        using var got = new MemoryStream();
        await body.CopyToAsync(got, Cancel);
        Assert.Equal(content, got.ToArray());
        await stopping;
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("/v2/", Cancel));
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Stop_TransferThatDoesNotMove_IsCutOffInTime()
    {
        var server = await StartAsync(options => options with { DrainTime = TimeSpan.FromMilliseconds(200) });
        var blob = await server.AddBlobAsync(App, new byte[20 << 20]);
        using var http = new HttpClient { BaseAddress = server.Address };
        using var answer = await http.GetAsync($"/v2/{App}/blobs/{blob.Digest}", HttpCompletionOption.ResponseHeadersRead, Cancel);
        await server.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(async () => await (await answer.Content.ReadAsStreamAsync(Cancel)).CopyToAsync(Stream.Null, Cancel));
    }

    [Fact]
    public async Task Tls_CertificateWithItsChain_IsShown()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=Test Root", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = rootRequest.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(9));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.Create(root, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(8), [1, 2, 3, 4]);
        var files = new TlsFiles(Path.Combine(Folder, ".crt"), Path.Combine(Folder, ".key"));
        await File.WriteAllTextAsync(files.Certificate, certificate.ExportCertificatePem() + "\n" + root.ExportCertificatePem(), Cancel);
        await File.WriteAllTextAsync(files.Key, key.ExportPkcs8PrivateKeyPem(), Cancel);
        await using var server = await StartAsync(options => options with { Tls = files });
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.Address.Host, server.Address.Port, Cancel);
        await using var tls = new SslStream(socket.GetStream());
        var sent = 0;
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { root }, RevocationMode = X509RevocationMode.NoCheck },
                RemoteCertificateValidationCallback = (_, _, chain, _) => (sent = chain!.ChainElements.Count) == 2,
            },
            Cancel);
        Assert.Equal(2, sent);
        await tls.WriteAsync("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Cancel);
        var buffer = new byte[100];
        var length = await tls.ReadAtLeastAsync(buffer, 12, cancellationToken: Cancel);
        Assert.StartsWith("HTTP/1.1 200", Encoding.ASCII.GetString(buffer, 0, length), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tls_KeyOfAnotherCertificate_IsRefusedAtTheStart()
    {
        var files = new TlsFiles(Path.Combine(Folder, ".crt"), Path.Combine(Folder, ".key"));
        var error = await Assert.ThrowsAnyAsync<PailException>(() => StartAsync(options => options with { Tls = files }));
        Assert.Equal(Failure.BadInput, error.Failure);
    }
}
