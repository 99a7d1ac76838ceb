using Microsoft.Extensions.Time.Testing;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Server;

/// <summary>The S3 requests that work through the server makes, as docs/costs.md states them.</summary>
public abstract partial class ServerContract
{
    // In a pool a tag is two objects.
    private int Tag => Layout == LayoutKind.Pool ? 2 : 1;

    private async Task SeeBlobsAsync(byte[] manifest)
    {
        foreach (var blob in Manifest.Parse(manifest).Blobs)
            (await Server.HeadAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(200);
    }

    [Fact]
    public async Task Cost_ManifestByTagBlobsJustSeen_IsTwoAAndOneB()
    {
        var bytes = await Server.AddImageAsync(App);
        await SeeBlobsAsync(bytes);
        Assert.Equal((1 + Tag, 1), await Server.CostAsync(async () => (await Server.PutAsync($"/v2/{App}/manifests/1", bytes)).Is(201)));
    }

    [Fact]
    public async Task Cost_TagMovedBlobsJustPushed_IsOneBMoreOnceTheTagIsKnown()
    {
        await PushAsync(Server, (1 + Tag, 0));
        await PushAsync(Server, (1 + Tag, 1));
        // Another replica finds out by a PUT that is refused.
        await using var other = await StartAsync();
        await PushAsync(other, (2 + Tag, 1));
        await PushAsync(other, (1 + Tag, 1));

        async Task PushAsync(TestServer server, (long, long) cost)
        {
            var image = MemoryImage.Simple();
            foreach (var blob in image.Blobs)
                (await server.SendAsync(HttpMethod.Post, $"/v2/{App}/blobs/uploads/?digest={blob.Key}", blob.Value)).Is(201);
            Assert.Equal(cost, await server.CostAsync(async () => (await server.PutAsync($"/v2/{App}/manifests/1", image.Root!.Bytes.ToArray())).Is(201)));
        }
    }

    private static async Task PushAsSkopeoDoesAsync(TestServer server, IEnumerable<byte[]> blobs, byte[] manifest)
    {
        foreach (var blob in blobs)
        {
            var digest = Digest.Of(blob);
            if ((await server.HeadAsync($"/v2/{App}/blobs/{digest}")).Status == 200)
                continue;
            var location = (await server.SendAsync(HttpMethod.Post, $"/v2/{App}/blobs/uploads/", [])).Is(202)["Location"]!;
            location = (await server.SendAsync(HttpMethod.Patch, location, blob, ("Content-Type", "application/octet-stream"), ("Transfer-Encoding", "chunked"))).Is(202)["Location"]!;
            (await server.SendAsync(HttpMethod.Put, $"{location}?digest={digest}", [])).Is(201);
        }
        (await server.PutAsync($"/v2/{App}/manifests/1", manifest)).Is(201);
    }

    [Fact]
    public async Task Cost_PushOfATwoBlobImage_IsFourAAndTwoB_AgainNoAAndThreeB()
    {
        var blobs = new[] { System.Security.Cryptography.RandomNumberGenerator.GetBytes(100_000), "{}"u8.ToArray() };
        var manifest = ManifestJson.Image(Nothing, [new(MediaTypes.OciLayerGzip, Digest.Of(blobs[0]), blobs[0].Length)]);
        Assert.Equal((3 + Tag, 2), await Server.CostAsync(() => PushAsSkopeoDoesAsync(Server, blobs, manifest)));
        Assert.Equal((0, 1), await Server.CostAsync(() => PushAsSkopeoDoesAsync(Server, blobs, manifest)));
        await using var other = await StartAsync();
        Assert.Equal((0, 3), await other.CostAsync(() => PushAsSkopeoDoesAsync(other, blobs, manifest)));
        // Another image on the same layer, both pushed before.
        var second = ManifestJson.Image(Nothing, [new(MediaTypes.OciLayerGzip, Digest.Of(blobs[0]), blobs[0].Length)], ",\"annotations\":{\"n\":\"2\"}");
        Assert.Equal((1 + Tag, 1), await Server.CostAsync(async () => (await Server.PutAsync($"/v2/{App}/manifests/2", second)).Is(201)));
        Assert.Equal((0, 1), await Server.CostAsync(async () => (await Server.PutAsync($"/v2/{App}/manifests/2", second)).Is(201)));
    }

    [Fact]
    public async Task Cost_ManifestWithSubject_IsThreeAAndTwoB()
    {
        var bytes = await Server.AddImageAsync(App, more: $",\"subject\":{ManifestJson.Of(new(MediaTypes.OciManifest, Digest.Of("s"u8), 1))}");
        await SeeBlobsAsync(bytes);
        Assert.Equal((2 + Tag, 2), await Server.CostAsync(async () => (await Server.PutAsync($"/v2/{App}/manifests/1", bytes)).Is(201)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public async Task Cost_UnchangedImageOfNBlobs_IsNPlusOneB(int layers)
    {
        var bytes = await Server.AddImageAsync(App, layers);
        (await Server.PutAsync($"/v2/{App}/manifests/1", bytes)).Is(201);
        await using var other = await StartAsync();
        var cost = await other.CostAsync(async () =>
        {
            foreach (var blob in Manifest.Parse(bytes).Blobs)
                (await other.HeadAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(200);
            (await other.PutAsync($"/v2/{App}/manifests/1", bytes)).Is(201);
        });
        Assert.Equal((0, layers + 2), cost); // and the config
        // The blobs asked for at one replica, the manifest put at another.
        await using var third = await StartAsync();
        Assert.Equal((0, 1), await third.CostAsync(async () => (await third.PutAsync($"/v2/{App}/manifests/1", bytes)).Is(201)));
        await using var fourth = await StartAsync();
        Assert.Equal((0, 1), await fourth.CostAsync(async () => (await fourth.PutAsync($"/v2/{App}/manifests/{Digest.Of(bytes)}", bytes)).Is(201)));
    }

    [Fact]
    public async Task Cost_Pull_IsOneForTheTagAndNoneAfter()
    {
        var digest = await Server.PushAsync(App, "1");
        await using var other = await StartAsync();
        Assert.Equal((0, 1), await other.CostAsync(async () => (await other.HeadAsync($"/v2/{App}/manifests/1")).Is(200)));
        Assert.Equal((0, 0), await other.CostAsync(async () => (await other.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200)));
        Assert.Equal((0, 1), await other.CostAsync(async () => (await other.GetAsync($"/v2/{App}/manifests/1")).Is(200)));
        await using var third = await StartAsync();
        Assert.Equal((0, 1), await third.CostAsync(async () => (await third.GetAsync($"/v2/{App}/manifests/{digest}")).Is(200)));
        Assert.Equal((0, 0), await third.CostAsync(async () => (await third.HeadAsync($"/v2/{App}/manifests/{digest}")).Is(200)));
    }

    [Fact]
    public async Task Cost_BlobHead_IsOneThenNone()
    {
        var blob = await Server.AddBlobAsync(App, [1]);
        Assert.Equal((0, 1), await Server.CostAsync(async () => (await Server.HeadAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(200)));
        Assert.Equal((0, 0), await Server.CostAsync(async () => (await Server.HeadAsync($"/v2/{App}/blobs/{blob.Digest}")).Is(200)));
    }

    [Fact]
    public async Task Cost_MissingBlobAskedForTwiceInARow_IsOne()
    {
        var none = $"/v2/{App}/blobs/{Digest.Of("none"u8)}";
        var other = $"/v2/{App}/blobs/{Digest.Of("other"u8)}";
        var clock = new FakeTimeProvider();
        await using var server = await StartAsync(time: clock);
        (string, string)[] skopeo = [("Docker-Distribution-Api-Version", "registry/2.0")];
        Task<(long, long)> CostOfAsync((string, string)[] headers, params string[] paths) => Server.CostAsync(async () =>
        {
            foreach (var path in paths)
                (await server.HeadAsync(path, headers)).Is(404);
        });
        Assert.Equal((0, 1), await CostOfAsync(skopeo, none, none));
        Assert.Equal((0, 2), await CostOfAsync(skopeo, none, none, none));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((0, 1), await CostOfAsync(skopeo, none));
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((0, 2), await CostOfAsync(skopeo, none, other, none, other));
        Assert.Equal((0, 2), await CostOfAsync([], none, none));
        Assert.Equal((0, 2), await CostOfAsync([.. skopeo, ("X-Forwarded-For", "1.2.3.4")], none, none));
        await Server.AddBlobAsync(App, "other"u8.ToArray());
        (await server.HeadAsync(none)).Is(404);
        (await server.HeadAsync(other)).Is(200);
    }

    [Fact]
    public async Task Cost_PageOfTags_IsOneA()
    {
        await Server.PushAsync(App, "1");
        await Server.PushAsync(App, "2");
        await Server.PushAsync(App, "3");
        foreach (var query in new[] { "", "?n=2", "?n=1000", "?n=1&last=1", "?n=0" })
            Assert.Equal((1, 0), await Server.CostAsync(async () => (await Server.GetAsync($"/v2/{App}/tags/list{query}")).Is(200)));
        Assert.Equal((1, 0), await Server.CostAsync(async () => (await Server.GetAsync("/v2/none/tags/list")).Is(404)));
        Assert.Equal((1, 0), await Server.CostAsync(async () => (await Server.GetAsync("/v2/_catalog")).Is(200)));
    }

    [Fact]
    public async Task Cost_Told_WhenAskedForAndAllowed()
    {
        await Server.PushAsync(App, "1");
        await using var telling = await StartAsync(options => options with { Meter = Meter });
        var answer = await telling.GetAsync($"/v2/{App}/manifests/1", ("Pail-Explain-Cost", "1"));
        Assert.Equal("a=0, b=1, free=0", answer["Pail-Cost"]);
        Assert.Null((await telling.GetAsync($"/v2/{App}/manifests/1"))["Pail-Cost"]);
        Assert.Equal("a=0, b=1, free=0", (await telling.GetAsync($"/v2/{App}/manifests/none", ("Pail-Explain-Cost", "1"))).Is(404)["Pail-Cost"]);
        Assert.Null((await Server.GetAsync($"/v2/{App}/manifests/1", ("Pail-Explain-Cost", "1")))["Pail-Cost"]);
    }
}
