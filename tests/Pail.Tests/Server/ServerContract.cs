using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Server;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.Server;

/// <summary>What a registry server promises, whatever bucket it is over: run on a folder and on Ceph RGW, on both layouts, with redirects and without.</summary>
public abstract partial class ServerContract : ServerTests
{
    private protected ServerContract(object bucket)
        : base(bucket)
    {
    }
}

public sealed class FolderV2ServerTests() : ServerContract(new FolderBucket());

public sealed class FolderPoolServerTests() : ServerContract(new FolderBucket())
{
    private protected override LayoutKind Layout => LayoutKind.Pool;
}

[NeedsServers]
public sealed class CephV2RedirectServerTests() : ServerContract(new CephBucket())
{
    private protected override ServerOptions Configure(ServerOptions options) => options with { Redirect = (IPresigner)Store };

    [Fact]
    public async Task Blob_NamedByAManifestServed_IsRedirectedWithoutARequest()
    {
        await Server.PushAsync(App, "1");
        await using var other = await StartAsync();
        var manifest = await other.GetAsync($"/v2/{App}/manifests/1");
        var digest = manifest.Json.GetProperty("layers")[0].GetProperty("digest").GetString();
        Answer answer = null!;
        Assert.Equal((0, 0), await other.CostAsync(async () => answer = await other.GetAsync($"/v2/{App}/blobs/{digest}")));
        answer.Is(307);
        Assert.Equal("0", answer["Content-Length"]);
        Assert.Equal(digest, answer["Docker-Content-Digest"]);
        Assert.Equal(100, (await other.GetAsync(answer["Location"]!)).Is(200).Body.Length);
    }

    [Fact]
    public async Task Blob_Unknown_IsNotRedirected()
    {
        Answer answer = null!;
        Assert.Equal((0, 1), await Server.CostAsync(async () => answer = await Server.GetAsync($"/v2/{App}/blobs/{Digest.Of("none"u8)}")));
        answer.Is(404, "BLOB_UNKNOWN");
    }

    [Fact]
    public async Task Blob_SeenByHead_IsRedirectedWithoutARequest()
    {
        var blob = await Server.AddBlobAsync(App, [1, 2, 3]);
        (await Server.HeadAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(200);
        Assert.Equal((0, 0), await Server.CostAsync(async () => (await Server.GetAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(307)));
        Assert.Equal((0, 0), await Server.CostAsync(async () => (await Server.GetAsync($"/v2/{App}/blobs/{blob.Digest}", ("If-None-Match", $"\"{blob.Digest}\""))).Is(304)));
    }

    [Fact]
    public async Task Redirect_ForAnotherEndpoint_NamesThatOne()
    {
        var blob = await Server.AddBlobAsync(App, [1, 2, 3]);
        using var elsewhere = Pail.S3.S3Store.Open(S3Server.Ceph.Options("acme") with { PublicEndpoint = "https://images.example" }, Meter);
        await using var server = await StartAsync(options => options with { Redirect = elsewhere, RedirectLifetime = TimeSpan.FromSeconds(77) });
        var location = new Uri((await server.GetAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(307)["Location"]!);
        Assert.Equal("https://images.example", location.GetLeftPart(UriPartial.Authority));
        Assert.Contains("X-Amz-Expires=77", location.Query, StringComparison.Ordinal);
    }
}

[NeedsServers]
public sealed class CephPoolStreamServerTests() : ServerContract(new CephBucket())
{
    private protected override LayoutKind Layout => LayoutKind.Pool;

    [Fact]
    public async Task Blob_Streamed_IsOneGet()
    {
        var blob = await Server.AddBlobAsync(App, [1, 2, 3]);
        Assert.Equal((0, 1), await Server.CostAsync(async () => Assert.Equal([1, 2, 3], (await Server.GetAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(200).Body)));
        Assert.Equal((0, 1), await Server.CostAsync(async () => Assert.Equal([2, 3], (await Server.GetAsync($"/v2/{App}/blobs/{blob.Digest}", ("Range", "bytes=1-"))).Is(206).Body)));
    }
}
