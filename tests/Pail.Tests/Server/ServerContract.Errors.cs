using System.Net.Sockets;
using System.Text;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Tests.Server;

public abstract partial class ServerContract
{
    private const string Sixty4 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// <summary>The status of a request sent as it is: HttpClient would tidy it up.</summary>
    private async Task<(int Status, string Text)> RawAsync(string method, string target)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(Server.Address.Host, Server.Address.Port, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), TestContext.Current.CancellationToken);
        var text = await new StreamReader(stream).ReadToEndAsync(TestContext.Current.CancellationToken);
        return (int.Parse(text.Split(' ')[1]), text);
    }

    [Fact]
    public async Task Root_IsThere()
    {
        var answer = (await Server.GetAsync("/v2/")).Is(200);
        Assert.Equal("{}", answer.Text);
        Assert.Equal("application/json", answer["Content-Type"]);
        Assert.Equal("registry/2.0", answer["Docker-Distribution-Api-Version"]);
        Assert.Equal("2", (await Server.HeadAsync("/v2/")).Is(200)["Content-Length"]);
        Assert.Equal("/v2/", (await Server.GetAsync("/v2")).Is(301)["Location"]);
    }

    [Theory]
    [InlineData("GET", "/v2/App/manifests/1", 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/a//b/tags/list", 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/-a/blobs/sha256:" + Sixty4, 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/tags/list", 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/manifests/1", 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/a/manifests/", 404, "MANIFEST_UNKNOWN")]
    [InlineData("PUT", "/v2/a/manifests/", 400, "TAG_INVALID")]
    [InlineData("GET", "/v2/a/manifests/-x", 404, "MANIFEST_UNKNOWN")]
    [InlineData("GET", "/v2/a/manifests/.INVALID_MANIFEST_NAME", 404, "MANIFEST_UNKNOWN")]
    [InlineData("PUT", "/v2/a/manifests/.INVALID_MANIFEST_NAME", 400, "TAG_INVALID")]
    [InlineData("DELETE", "/v2/a/manifests/-x", 400, "TAG_INVALID")]
    [InlineData("GET", "/v2/a/manifests/sha256:abc", 404, "MANIFEST_UNKNOWN")]
    [InlineData("GET", "/v2/A/manifests/-x", 400, "NAME_INVALID")]
    [InlineData("PUT", "/v2/a/manifests/sha256:abc", 400, "DIGEST_INVALID")]
    [InlineData("DELETE", "/v2/a/manifests/md5:abc", 400, "DIGEST_INVALID")]
    [InlineData("GET", "/v2/a/blobs/sha256:" + Sixty4 + "0", 400, "DIGEST_INVALID")]
    [InlineData("GET", "/v2/a/blobs/sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", 400, "DIGEST_INVALID")]
    [InlineData("GET", "/v2/a/blobs/none", 400, "DIGEST_INVALID")]
    [InlineData("GET", "/v2/a/nonsense", 404, "NOT_FOUND")]
    [InlineData("GET", "/", 404, "NOT_FOUND")]
    [InlineData("GET", "/v1/a/tags/list", 404, "NOT_FOUND")]
    [InlineData("GET", "/V2/", 404, "NOT_FOUND")]
    [InlineData("POST", "/v2/", 405, "UNSUPPORTED")]
    [InlineData("DELETE", "/v2/_catalog", 405, "UNSUPPORTED")]
    [InlineData("PUT", "/v2/a/tags/list", 405, "UNSUPPORTED")]
    [InlineData("POST", "/v2/a/manifests/1", 405, "UNSUPPORTED")]
    [InlineData("PUT", "/v2/a/blobs/sha256:" + Sixty4, 405, "UNSUPPORTED")]
    [InlineData("GET", "/v2/a/blobs/uploads/", 405, "UNSUPPORTED")]
    [InlineData("BREW", "/v2/a/manifests/1", 405, "UNSUPPORTED")]
    [InlineData("GET", "/v2/%61/nonsense", 404, "NOT_FOUND")]
    [InlineData("GET", "/v2/a%2Fb/tags/list", 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/a%2f..%2f..%2fetc/tags/list", 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/a/%2e%2e/%2e%2e/etc/passwd", 404, "NOT_FOUND")]
    [InlineData("GET", "/v2/..%5c..%5c/tags/list", 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/a/manifests/..%2f..%2fpail.json", 404, "MANIFEST_UNKNOWN")]
    [InlineData("PUT", "/v2/a/manifests/..%2f..%2fpail.json", 400, "TAG_INVALID")]
    [InlineData("GET", "/v2/a%0a/tags/list", 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/%c3%a9/tags/list", 400, "NAME_INVALID")]
    [InlineData("GET", "/v2/a%3Ab/tags/list", 400, "NAME_INVALID")]
    public async Task Request_ThatMakesNoSense_IsToldSoAsJson(string method, string target, int status, string code)
    {
        var (actual, text) = await RawAsync(method, target);
        Assert.True(status == actual, text);
        Assert.Contains($"{{\"errors\":[{{\"code\":\"{code}\",", text, StringComparison.Ordinal);
        Assert.Contains("\r\nDocker-Distribution-Api-Version: registry/2.0\r\n", text, StringComparison.Ordinal);
        Assert.Equal(status == 405, text.Contains("\r\nAllow: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Path_Encoded_IsTheSamePath()
    {
        var digest = await Server.PushAsync(App, "1");
        Assert.Equal(200, (await RawAsync("GET", $"/v2/team/%61pp/manifests/sha256%3A{digest.Hex}")).Status);
        Assert.Equal(200, (await RawAsync("GET", $"/v2/team/app/manifests/%31")).Status);
    }

    [Fact]
    public async Task Connection_AfterAnError_GoesOn()
    {
        var bytes = await Server.AddImageAsync(App);
        using var socket = new TcpClient();
        await socket.ConnectAsync(Server.Address.Host, Server.Address.Port, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        foreach (var digest in new[] { Digest.Of("x"u8), Digest.Of(bytes) })
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes($"PUT /v2/{App}/manifests/{digest} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {bytes.Length}\r\n\r\n"), TestContext.Current.CancellationToken);
            Assert.StartsWith("HTTP/1.1 100", await ReadHeadAsync(stream), StringComparison.Ordinal);
            await stream.WriteAsync(bytes, TestContext.Current.CancellationToken);
            var head = await ReadHeadAsync(stream);
            if (digest == Digest.Of(bytes))
            {
                Assert.StartsWith("HTTP/1.1 201", head, StringComparison.Ordinal);
                continue;
            }
            Assert.StartsWith("HTTP/1.1 400", head, StringComparison.Ordinal);
            var length = int.Parse(head.Split("Content-Length: ")[1].Split("\r\n")[0]);
            await stream.ReadExactlyAsync(new byte[length], TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Connection_AfterAManifestThatGrewTooLarge_GoesOn()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(Server.Address.Host, Server.Address.Port, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"PUT /v2/{App}/manifests/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), TestContext.Current.CancellationToken);
        for (var sent = 0; sent <= Manifest.MaxSize; sent += 1 << 16)
            await stream.WriteAsync(Encoding.Latin1.GetBytes("10000\r\n" + new string('x', 1 << 16) + "\r\n"), TestContext.Current.CancellationToken);
        await stream.WriteAsync("0\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
        var answers = await new StreamReader(stream).ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 413", answers, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200", answers, StringComparison.Ordinal);
    }

    private static async Task<string> ReadHeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, TestContext.Current.CancellationToken);
            head.Append((char)one[0]);
        }
        return head.ToString();
    }

    [Theory]
    [InlineData("not a manifest")]
    [InlineData("{\"schemaVersion\":2}")]
    [InlineData("")]
    public async Task Damage_InTheBucket_IsToldAndMendedByAPush(string damage)
    {
        var bytes = await Server.AddImageAsync(App);
        var digest = Digest.Of(bytes);
        (await Server.PutAsync($"/v2/{App}/manifests/1", bytes)).Is(201);
        foreach (var name in (Reference[])[Reference.Parse("1"), Reference.Of(digest)])
            await Store.PutAsync(Server.Bucket.Layout.ManifestKey(RepositoryName.Parse(App), name), new(Encoding.UTF8.GetBytes(damage)), new(MediaTypes.OciManifest), PutCondition.None, TestContext.Current.CancellationToken);
        await using var server = await StartAsync();
        // In a pool anything may lie beside the manifests.
        var byDigest = await server.GetAsync($"/v2/{App}/manifests/{digest}");
        if (Layout == LayoutKind.Pool)
            byDigest.Is(404, "MANIFEST_UNKNOWN");
        else
            byDigest.Is(500, "UNKNOWN");
        (await server.GetAsync($"/v2/{App}/manifests/1")).Is(500, "UNKNOWN");
        (await server.PutAsync($"/v2/{App}/manifests/1", bytes)).Is(201);
        Assert.Equal(bytes, (await server.GetAsync($"/v2/{App}/manifests/1")).Is(200).Body);
        await using var other = await StartAsync();
        Assert.Equal(bytes, (await other.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200).Body);
    }

    [Fact]
    public async Task Damage_InTheBucket_CanBeDeleted()
    {
        var bytes = await Server.AddImageAsync(App);
        var digest = Digest.Of(bytes);
        foreach (var tag in new[] { "whole", "damaged" })
            (await Server.PutAsync($"/v2/{App}/manifests/{tag}", bytes)).Is(201);
        var other = await Server.PushAsync(App, "other");
        foreach (var name in (Reference[])[Reference.Parse("damaged"), Reference.Of(digest)])
            await Store.PutAsync(Server.Bucket.Layout.ManifestKey(RepositoryName.Parse(App), name), new("not a manifest"u8.ToArray()), new(MediaTypes.OciManifest), PutCondition.None, TestContext.Current.CancellationToken);
        await using var server = await StartAsync();
        var answer = await server.DeleteAsync($"/v2/{App}/manifests/{digest}");
        if (Layout == LayoutKind.Pool)
        {
            // In a pool anything may lie beside the manifests; tags can be deleted one by one.
            answer.Is(404, "MANIFEST_UNKNOWN");
            (await server.DeleteAsync($"/v2/{App}/manifests/whole")).Is(202);
            (await server.DeleteAsync($"/v2/{App}/manifests/damaged")).Is(202);
        }
        else
        {
            answer.Is(202);
            (await server.GetAsync($"/v2/{App}/manifests/{digest}")).Is(404, "MANIFEST_UNKNOWN");
        }
        foreach (var tag in new[] { "whole", "damaged" })
            (await server.GetAsync($"/v2/{App}/manifests/{tag}")).Is(404, "MANIFEST_UNKNOWN");
        Assert.Equal(["other"], (await PageAsync($"/v2/{App}/tags/list", "tags")).Names);
        (await server.GetAsync($"/v2/{App}/manifests/{other}")).Is(200);
    }
}
