using Pail.Buckets;
using Pail.Oci;
using Pail.Removal;
using Pail.Transfer;

namespace Pail.Tests.Server;

public abstract partial class ServerContract
{
    [Fact]
    public async Task Delete_Tag_IsThatTagAlone()
    {
        var digest = await Server.PushAsync(App, "1");
        (await Server.PutAsync($"/v2/{App}/manifests/2", (await Server.GetAsync($"/v2/{App}/manifests/1")).Body)).Is(201);
        var answer = (await Server.DeleteAsync($"/v2/{App}/manifests/1")).Is(202);
        Assert.Equal("0", answer["Content-Length"]);
        (await Server.HeadAsync($"/v2/{App}/manifests/1")).Is(404);
        (await Server.GetAsync($"/v2/{App}/manifests/1")).Is(404, "MANIFEST_UNKNOWN");
        (await Server.HeadAsync($"/v2/{App}/manifests/2")).Is(200);
        (await Server.HeadAsync($"/v2/{App}/manifests/{digest}")).Is(200);
        (await Server.DeleteAsync($"/v2/{App}/manifests/1")).Is(404, "MANIFEST_UNKNOWN");
    }

    [Fact]
    public async Task Delete_TagOrManifest_CanBeBroughtBackAndSaysWhoRemovedIt()
    {
        var digest = await Server.PushAsync(App, "1");
        await Server.PushAsync(App, "1");
        await Server.PushAsync(App, "2");
        var second = Digest.Parse((await Server.HeadAsync($"/v2/{App}/manifests/1")).Is(200)["Docker-Content-Digest"]!);
        (await Server.DeleteAsync($"/v2/{App}/manifests/1")).Is(202);
        (await Server.DeleteAsync($"/v2/{App}/manifests/{digest}")).Is(202);
        var bucket = new Bucket(Store, new TransferEngine(new()), new BucketSettings(Layout, Public: false) { Conditions = WriteConditions.Both });
        var removed = await Undeletion.FindAsync(bucket, ImagePattern.Parse(App), TestContext.Current.CancellationToken);
        Assert.Equal(2, removed.Count);
        foreach (var item in removed)
        {
            Assert.Contains("127.0.0.1", (await RemovedEntry.ReadAsync(bucket, item.Keys[0], TestContext.Current.CancellationToken))!.By, StringComparison.Ordinal);
            await new Undeleter(bucket).RestoreAsync(item, TestContext.Current.CancellationToken);
        }
        Assert.Equal(second.ToString(), (await Server.HeadAsync($"/v2/{App}/manifests/1")).Is(200)["Docker-Content-Digest"]);
        (await Server.HeadAsync($"/v2/{App}/manifests/{digest}")).Is(200);
        // Pushed, moved, removed, brought back.
        var periods = TagHistory.Periods(await bucket.Repository(RepositoryName.Parse(App)).Tags.LookAsync("1", TestContext.Current.CancellationToken));
        Assert.Equal([second, null, second, digest], periods.Select(period => period.Digest));
        Assert.All(periods.Skip(1), period => Assert.Contains("127.0.0.1", period.By, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Delete_ManifestByDigest_TakesItsTagsAlong()
    {
        var digest = await Server.PushAsync(App, "a");
        var other = await Server.PushAsync(App, "b");
        (await Server.PutAsync($"/v2/{App}/manifests/c", (await Server.GetAsync($"/v2/{App}/manifests/a")).Body)).Is(201);
        (await Server.DeleteAsync($"/v2/{App}/manifests/{digest}")).Is(202);
        foreach (var gone in new[] { "a", "c", digest.ToString() })
        {
            (await Server.HeadAsync($"/v2/{App}/manifests/{gone}")).Is(404);
            (await Server.GetAsync($"/v2/{App}/manifests/{gone}")).Is(404);
        }
        Assert.Equal(["b"], (await PageAsync($"/v2/{App}/tags/list", "tags")).Names);
        (await Server.HeadAsync($"/v2/{App}/manifests/{other}")).Is(200);
        (await Server.DeleteAsync($"/v2/{App}/manifests/{digest}")).Is(404, "MANIFEST_UNKNOWN");
    }

    [Fact]
    public async Task Delete_Blob_IsGoneAtOnce()
    {
        var blob = await Server.AddBlobAsync(App, [1, 2, 3]);
        var path = $"/v2/{App}/blobs/{blob.Digest}";
        (await Server.HeadAsync(path)).Is(200);
        (await Server.PullAsync(path)).Is(200);
        (await Server.DeleteAsync(path)).Is(202);
        (await Server.HeadAsync(path)).Is(404);
        (await Server.GetAsync(path)).Is(404, "BLOB_UNKNOWN");
        (await Server.DeleteAsync(path)).Is(404, "BLOB_UNKNOWN");
    }

    [Fact]
    public async Task Delete_OfWhatNeverWas_Is404()
    {
        (await Server.DeleteAsync("/v2/none/manifests/1")).Is(404, "MANIFEST_UNKNOWN");
        (await Server.DeleteAsync($"/v2/none/manifests/{Digest.Of("x"u8)}")).Is(404, "MANIFEST_UNKNOWN");
        (await Server.DeleteAsync($"/v2/none/blobs/{Digest.Of("x"u8)}")).Is(404, "BLOB_UNKNOWN");
    }

    [Fact]
    public async Task Delete_WhenNotAllowed_IsUnsupported()
    {
        var digest = await Server.PushAsync(App, "1");
        await using var server = await StartAsync(options => options with { AllowDelete = false });
        foreach (var path in new[] { $"/v2/{App}/manifests/1", $"/v2/{App}/manifests/{digest}", $"/v2/{App}/blobs/{digest}" })
            (await server.DeleteAsync(path)).Is(405, "UNSUPPORTED");
        (await server.HeadAsync($"/v2/{App}/manifests/1")).Is(200);
        (await server.PutAsync($"/v2/{App}/manifests/2", (await server.GetAsync($"/v2/{App}/manifests/1")).Body)).Is(201);
    }

    [Fact]
    public async Task ReadOnly_EveryWrite_IsUnsupported()
    {
        var bytes = await Server.AddImageAsync(App);
        await using var server = await StartAsync(options => options with { ReadOnly = true });
        (await server.PutAsync($"/v2/{App}/manifests/1", bytes)).Is(405, "UNSUPPORTED");
        (await server.DeleteAsync($"/v2/{App}/manifests/1")).Is(405, "UNSUPPORTED");
        (await server.SendAsync(HttpMethod.Post, $"/v2/{App}/blobs/uploads/", [])).Is(405, "UNSUPPORTED");
        (await server.SendAsync(HttpMethod.Patch, $"/v2/{App}/blobs/uploads/x", [])).Is(405, "UNSUPPORTED");
        (await server.GetAsync($"/v2/{App}/tags/list")).Is(404);
    }
}
