using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Edge;

/// <summary>What real clients, and bare requests, get from an edge in front of a bucket.</summary>
[UsesDebian13]
public abstract class EdgeTests(EdgeRegistry registry) : IDisposable
{
    private const string Forever = "max-age=31536000";

    // The servers have no TLS.
    private static readonly string[] Plainly = ["--allow-http-registry", "--allow-insecure-registry"];

    private readonly TestFolder _folder = new();
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri($"http://{registry.Host}/") };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> EveryClient { get; } = new(ContainerClient.Names);

    [Theory]
    [MemberData(nameof(EveryClient))]
    public Task Pull_ByClient_GetsTheImagePushed(string client) => registry.AssertPullsAsync(ContainerClient.Of(client, _folder), "two");

    // Manifests by the server, blobs by the edge as a CDN.
    [Fact]
    public async Task Serve_WithTheEdgeAsItsCdn_ClientsPull()
    {
        await using var server = await PailServer.StartAsync(PailCli.Direct, [registry.Address, "--log", "off", "--redirect-base", $"http://{registry.Host}/"]);
        var (layout, root) = registry.Image("one");
        using var redirected = await _http.GetAsync(new Uri(server.Address, $"v2/team/app/blobs/{layout.Read(root).Layers[0].Digest}"), Cancel);
        Assert.Equal(HttpStatusCode.TemporaryRedirect, redirected.StatusCode);
        Assert.Equal(registry.Host, redirected.Headers.Location!.Authority);
        var skopeo = new Skopeo(_folder);
        await skopeo.PullAsync($"{server.Host}/team/app:one");
        Assert.Equal(registry.Config("one").ToString(), await skopeo.ConfigDigestAsync(""));
    }

    [Fact]
    public async Task Oras_PullsListsAndDiscovers()
    {
        await File.WriteAllTextAsync(_folder["sbom.json"], """{"whale":1}""", Cancel);
        var oras = new Tool("oras", _folder);
        string attached;
        await using (var server = await PailServer.StartAsync(PailCli.Direct, [registry.Address, "--log", "off"]))
        {
            using var said = JsonDocument.Parse(await oras.DoAsync("attach", "--plain-http", "--format", "json", "--artifact-type", "application/vnd.example.sbom", $"{server.Host}/team/app:one", "sbom.json:application/json"));
            attached = said.RootElement.GetProperty("digest").GetString()!;
        }
        using var found = JsonDocument.Parse(await oras.DoAsync("discover", "--plain-http", "--format", "json", registry.Reference("one")));
        Assert.Equal([attached], found.RootElement.GetProperty("manifests").EnumerateArray().Select(entry => entry.GetProperty("digest").GetString()));
        using var none = JsonDocument.Parse(await oras.DoAsync("discover", "--plain-http", "--format", "json", registry.Reference("twelve")));
        Assert.Empty(none.RootElement.GetProperty("manifests").EnumerateArray());
        Assert.Equal(registry.Image("two").Root.Digest.ToString(), (await oras.DoAsync("resolve", "--plain-http", registry.Reference("two"))).Trim());
        await oras.DoAsync("pull", "--plain-http", "--output", "pulled", $"{registry.Host}/team/app@{attached}");
        Assert.Equal("""{"whale":1}""", await File.ReadAllTextAsync(Path.Combine(_folder["pulled"], "sbom.json"), Cancel));
        if (registry.Pages || !registry.IsPool)
            Assert.Contains("twelve", (await oras.DoAsync("repo", "tags", "--plain-http", $"{registry.Host}/team/app")).Split('\n'));
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("oci-1-1")]
    public async Task Cosign_VerifiesASignature_AndFindsNoneWhereThereIsNone(string mode)
    {
        var cosign = new Tool("cosign", _folder);
        foreach (var name in (string[])["cosign", "other"])
            await cosign.DoAsync("generate-key-pair", "--output-key-prefix", name);
        string[] experimental = mode == "oci-1-1" ? ["--experimental-oci11"] : [];
        var (layout, repository) = (new TestLayout(_folder["image"]), $"signed/{mode}");
        var digest = layout.Tag(layout.Image()).Digest;
        await using (var server = await PailServer.StartAsync(PailCli.Direct, [registry.Address, "--log", "off"]))
        {
            await PailCli.Direct.DoAsync("push", layout.Address(), $"docker://{server.Host}/{repository}:1");
            await new Tool("env", _folder).DoAsync(["COSIGN_EXPERIMENTAL=1", "cosign", "sign", "--yes", "--tlog-upload=false", $"--registry-referrers-mode={mode}", .. Plainly, "--key", "cosign.key", $"{server.Host}/{repository}@{digest}"]);
        }
        using var verified = JsonDocument.Parse((await VerifyAsync("cosign.pub", $"{repository}:1")).Succeeded().Output);
        Assert.Equal(digest.ToString(), verified.RootElement[0].GetProperty("critical").GetProperty("image").GetProperty("docker-manifest-digest").GetString());
        Assert.NotEqual(0, (await VerifyAsync("other.pub", $"{repository}:1")).ExitCode);
        Assert.Contains("no ", (await VerifyAsync("cosign.pub", "team/app:twelve")).Ended(10).Error, StringComparison.Ordinal);

        Task<Finished> VerifyAsync(string key, string name) =>
            cosign.RunAsync(["verify", "--insecure-ignore-tlog=true", .. experimental, .. Plainly, "--key", key, $"{registry.Host}/{name}"]);
    }

    [Theory]
    [InlineData("one")]
    [InlineData("two")]
    [InlineData("artifact")]
    public async Task Get_EveryManifestAndBlob_IsAsPushed_WithItsDigest(string kind)
    {
        var (layout, root) = registry.Image(kind);
        await GetsAsync(layout, $"v2/team/app/manifests/{kind}", root, forever: false);
        // Every repository of a pool leads to the one pool.
        var left = new Queue<Descriptor>([root]);
        while (left.TryDequeue(out var next))
        {
            await GetsAsync(layout, $"v2/team/app/manifests/{next.Digest}", next, forever: true);
            var manifest = layout.Read(next);
            foreach (var child in manifest.Manifests)
                left.Enqueue(child);
            foreach (var blob in manifest.Blobs)
            {
                await GetsAsync(layout, $"v2/team/app/blobs/{blob.Digest}", blob with { MediaType = MediaTypes.OctetStream }, forever: true);
                if (registry.IsPool)
                    await GetsAsync(layout, $"v2/any/thing/blobs/{blob.Digest}", blob with { MediaType = MediaTypes.OctetStream }, forever: true);
            }
        }
    }

    // requests.json holds what the clients of the tests above, one of each version, asked nginx for, as its log had it.
    [Fact]
    public async Task Get_WhatRealClientsAskedFor_IsAnsweredAsNginxAnswered()
    {
        var (layout, root) = registry.Image("two");
        var child = layout.Read(root).Manifests[0];
        using var requests = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(TestEnvironment.Sources, "tests", "Pail.Tests", "Edge", "requests.json"), Cancel));
        foreach (var recorded in requests.RootElement.EnumerateArray())
        {
            string? Said(string name) => recorded.TryGetProperty(name, out var value) ? value.GetString() : null;
            var path = Said("path")!.Replace("{manifest}", $"{child.Digest}", StringComparison.Ordinal).Replace("{layer}", $"{layout.Read(child).Layers[0].Digest}", StringComparison.Ordinal).Replace("{tag}", $"sha256-{child.Digest.Hex}", StringComparison.Ordinal);
            if (path.EndsWith("/tags/list", StringComparison.Ordinal) && registry.IsPool && !registry.Pages)
                continue;
            using var answer = await SendAsync(new HttpMethod(Said("method")!), path, request =>
            {
                if (Said("authorization") is null)
                    request.Headers.Authorization = null;
                foreach (var (header, value) in ((string, string?)[])[("Accept", Said("accept")), ("Range", Said("range")), ("User-Agent", Said("client"))])
                    if (value is not null)
                        request.Headers.TryAddWithoutValidation(header, value);
            });
            // Without a referrer a pool has no list of them, which is a 404 of its own.
            var expected = path.Contains("/referrers/", StringComparison.Ordinal) && registry.IsPool ? 404 : recorded.GetProperty("status").GetInt32();
            Assert.True(expected == (int)answer.StatusCode, $"{Said("client")}: {Said("method")} {path} was answered {(int)answer.StatusCode}, not {expected}");
            if (expected == 200 && path.Contains("/manifests/", StringComparison.Ordinal))
                Assert.NotNull(Digested(answer));
        }
    }

    [Fact]
    public async Task Get_Range_IsThatRange()
    {
        var (layout, root) = registry.Image("one");
        var layer = layout.Read(root).Layers[0];
        var bytes = await File.ReadAllBytesAsync(layout.PathOf(layer.Digest), Cancel);
        foreach (var (range, expected) in ((RangeHeaderValue, byte[])[])[(new(10, 19), bytes[10..20]), (new(layer.Size - 5, null), bytes[^5..]), (new(null, 7), bytes[^7..])])
        {
            using var answer = await SendAsync(HttpMethod.Get, $"v2/team/app/blobs/{layer.Digest}", request => request.Headers.Range = range);
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
            Assert.Equal(layer.Digest.ToString(), Digested(answer));
            Assert.Equal(layer.Size, answer.Content.Headers.ContentRange?.Length);
            Assert.Equal(expected, await answer.Content.ReadAsByteArrayAsync(Cancel));
        }
        using var beyond = await SendAsync(HttpMethod.Get, $"v2/team/app/blobs/{layer.Digest}", request => request.Headers.Range = new(layer.Size, null));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, beyond.StatusCode);
        Assert.Null(beyond.Headers.CacheControl?.MaxAge);
    }

    [Theory]
    [InlineData("manifests/none", "MANIFEST_UNKNOWN")]
    [InlineData("manifests/sha256-0000000000000000000000000000000000000000000000000000000000000000.sig", "MANIFEST_UNKNOWN")]
    [InlineData("manifests/sha256:0000000000000000000000000000000000000000000000000000000000000000", "MANIFEST_UNKNOWN")]
    [InlineData("referrers/sha256:0000000000000000000000000000000000000000000000000000000000000000", "MANIFEST_UNKNOWN")]
    [InlineData("blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000", "BLOB_UNKNOWN")]
    public async Task Get_WhatIsMissing_Is404AsTheSpecificationHasIt(string path, string code)
    {
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Head])
        {
            using var answer = await SendAsync(method, $"v2/team/app/{path}");
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
            Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
            Assert.Null(Digested(answer));
            Assert.Null(answer.Headers.CacheControl?.MaxAge);
            if (method == HttpMethod.Get)
                Assert.Contains(await CodeAsync(answer), registry is CloudFrontV2Edge or CloudFrontPoolEdge ? [code, "MANIFEST_UNKNOWN"] : (string[])[code]);
        }
    }

    [Fact]
    public async Task Get_TheApi_Answers()
    {
        using var root = await SendAsync(HttpMethod.Get, "v2/");
        Assert.Equal((HttpStatusCode.OK, "{}", "application/json"), (root.StatusCode, await root.Content.ReadAsStringAsync(Cancel), root.Content.Headers.ContentType?.MediaType));
        using var moved = await SendAsync(HttpMethod.Get, "v2");
        Assert.Equal(HttpStatusCode.MovedPermanently, moved.StatusCode);
        Assert.EndsWith("/v2/", moved.Headers.Location!.OriginalString, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("POST")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    public async Task Write_AnyMethod_IsUnsupported(string method)
    {
        using var answer = await SendAsync(new HttpMethod(method), "v2/team/app/manifests/one");
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "UNSUPPORTED"), (answer.StatusCode, await CodeAsync(answer)));
    }

    [Fact]
    public async Task Get_WhatIsNoPathOfARegistry_IsNotServed()
    {
        foreach (var path in (string[])["", "pail.json", "pail/gc/state", "v2/team", "v2/team/app/manifests/", "v2/team/app/manifests/one/", "v2/%2e%2e/pail.json", "v2/x/manifests/..%2f..%2f..%2fpail.json", "v2/x/blobs/../../../pail.json",
            "v2/x/manifests/%2e%2e", "v2/team/app/manifests/one%3Facl", "?acl", "v2/team/app/manifests/one%00", "//pail.json", "v2/Team/app/manifests/one", "blobs/x", "manifests/team/app/one/manifest.json"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"http://{registry.Host}/{path}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));
            using var answer = await _http.SendAsync(request, Cancel);
            Assert.True(answer.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest, $"{path}: {answer.StatusCode}");
        }
        // What a query means to a store it does not mean to an edge.
        using var acl = await SendAsync(HttpMethod.Get, "v2/team/app/manifests/one?acl&response-content-type=text/html");
        Assert.Equal(registry.Image("one").Root.MediaType, acl.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Get_Tags_AsFarAsTheEdgeCan()
    {
        using var answer = await SendAsync(HttpMethod.Get, "v2/team/app/tags/list");
        if (registry.IsPool && !registry.Pages)
        {
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
            return;
        }
        string[] all = ["artifact", "one", "runnable", "twelve", "two"];
        Assert.Superset(all.ToHashSet(), (await TagsAsync(answer)).ToHashSet());
        using var none = await SendAsync(HttpMethod.Get, "v2/team/app/tags/list?n=0");
        Assert.Empty(await TagsAsync(none));
        using var repositories = await SendAsync(HttpMethod.Get, "v2/_catalog");
        Assert.Contains("\"team/app\"", await repositories.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        using var unknown = await SendAsync(HttpMethod.Get, "v2/none/tags/list");
        Assert.Equal((HttpStatusCode.NotFound, registry is CloudFrontV2Edge ? "MANIFEST_UNKNOWN" : "NAME_UNKNOWN"), (unknown.StatusCode, await CodeAsync(unknown)));
        if (!registry.Pages)
            return;
        using var page = await SendAsync(HttpMethod.Get, "v2/team/app/tags/list?n=2&last=one");
        Assert.Equal(["runnable"], (await TagsAsync(page)).Take(1));
        Assert.StartsWith("</v2/team/app/tags/list?n=2&last=", page.Headers.GetValues("Link").Single(), StringComparison.Ordinal);
        using var end = await SendAsync(HttpMethod.Get, "v2/team/app/tags/list?n=2&last=twelve");
        Assert.Equal(["two"], await TagsAsync(end));
        Assert.False(end.Headers.Contains("Link"));
    }

    public void Dispose()
    {
        _http.Dispose();
        _folder.Dispose();
    }

    private static string? Digested(HttpResponseMessage answer) => answer.Headers.TryGetValues("Docker-Content-Digest", out var values) ? values.Single() : null;

    private static async Task<string?> CodeAsync(HttpResponseMessage answer)
    {
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Cancel));
        return body.RootElement.GetProperty("errors")[0].GetProperty("code").GetString();
    }

    private static async Task<string[]> TagsAsync(HttpResponseMessage answer)
    {
        using var body = JsonDocument.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancel));
        return [.. body.RootElement.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!)];
    }

    // As a client with a login for this host sends it: S3 answers 400 to such a header.
    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, Action<HttpRequestMessage>? change = null)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("somebody:secret")));
        change?.Invoke(request);
        return _http.SendAsync(request, Cancel);
    }

    private async Task GetsAsync(TestLayout layout, string path, Descriptor expected, bool forever)
    {
        string? tag = null;
        foreach (var method in (HttpMethod[])[HttpMethod.Head, HttpMethod.Get, HttpMethod.Get])
        {
            using var answer = await SendAsync(method, path);
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{path} was answered {answer.StatusCode}");
            Assert.Equal(expected.MediaType, answer.Content.Headers.ContentType?.ToString());
            Assert.Equal(expected.Size, answer.Content.Headers.ContentLength);
            Assert.Equal(expected.Digest.ToString(), Digested(answer));
            var kept = Assert.Single(answer.Headers.GetValues("Cache-Control"));
            Assert.Equal(forever, kept.Contains(Forever, StringComparison.Ordinal));
            Assert.Equal(!forever, kept.Contains("no-cache", StringComparison.Ordinal));
            if (method == HttpMethod.Get)
                Assert.Equal(await File.ReadAllBytesAsync(layout.PathOf(expected.Digest), Cancel), await answer.Content.ReadAsByteArrayAsync(Cancel));
            tag = answer.Headers.ETag!.Tag;
        }
        using var same = await SendAsync(HttpMethod.Get, path, request => request.Headers.IfNoneMatch.Add(new(tag!)));
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
    }
}

[NeedsServers]
public sealed class NginxV2EdgeTests(NginxV2Edge registry) : EdgeTests(registry), IClassFixture<NginxV2Edge>;

[NeedsServers]
public sealed class NginxPoolEdgeTests(NginxPoolEdge registry) : EdgeTests(registry), IClassFixture<NginxPoolEdge>;

[NeedsServers]
public sealed class CaddyV2EdgeTests(CaddyV2Edge registry) : EdgeTests(registry), IClassFixture<CaddyV2Edge>;

[NeedsServers]
public sealed class CaddyPoolEdgeTests(CaddyPoolEdge registry) : EdgeTests(registry), IClassFixture<CaddyPoolEdge>;

[NeedsServers]
public sealed class CloudFrontV2EdgeTests(CloudFrontV2Edge registry) : EdgeTests(registry), IClassFixture<CloudFrontV2Edge>;

[NeedsServers]
public sealed class CloudFrontPoolEdgeTests(CloudFrontPoolEdge registry) : EdgeTests(registry), IClassFixture<CloudFrontPoolEdge>;

[NeedsServers]
public sealed class CloudflareV2EdgeTests(CloudflareV2Edge registry) : EdgeTests(registry), IClassFixture<CloudflareV2Edge>;

[NeedsServers]
public sealed class CloudflarePoolEdgeTests(CloudflarePoolEdge registry) : EdgeTests(registry), IClassFixture<CloudflarePoolEdge>;
