using System.Text;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit.Servers;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Access;

/// <summary>Repositories are kept apart, whatever the layout: content is in one only if that holds it.</summary>
public abstract class BorderTests(LayoutKind layout) : IAsyncLifetime
{
    private protected DoorBench Bench { get; private set; } = null!;

    private protected TestServer Server => Bench.Server;

    public async ValueTask InitializeAsync() => Bench = await StartAsync(layout);

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return Bench.DisposeAsync();
    }

    [Fact]
    public async Task Content_OfAnotherRepository_IsNotThere()
    {
        var (blob, manifest, _) = await Bench.PushAsync("team-b/app", "1", "secret");
        foreach (var path in new[] { $"blobs/{blob}", $"manifests/{manifest}", "manifests/1" })
            foreach (var method in new[] { "GET", "HEAD" })
            {
                (await Server.SendAsync(method, $"/v2/team-b/app/{path}", headers: Basic("bob"))).Is(200);
                (await Server.SendAsync(method, $"/v2/team-a/app/{path}", headers: Basic("alice"))).Is(404);
                (await Server.SendAsync(method, $"/v2/team-a/app/{path}", headers: Basic("root"))).Is(404);
            }
    }

    [Fact]
    public async Task Delete_InAnotherRepository_RemovesNothing()
    {
        var (blob, manifest, _) = await Bench.PushAsync("team-b/app", "1", "secret");
        (await Server.SendAsync("DELETE", $"/v2/team-a/app/blobs/{blob}", headers: Basic("root"))).Is(404);
        (await Server.SendAsync("DELETE", $"/v2/team-a/app/manifests/{manifest}", headers: Basic("root"))).Is(404);
        await AssertWholeAsync("team-b/app", blob, manifest);
    }

    [Fact]
    public async Task Delete_OfWhatTwoHold_LeavesTheOthers()
    {
        var (blob, manifest, _) = await Bench.PushAsync("team-a/app", "1", "same");
        await Bench.PushAsync("team-b/app", "1", "same");
        (await Server.SendAsync("DELETE", $"/v2/team-a/app/manifests/{manifest}", headers: Basic("root"))).Is(202);
        (await Server.SendAsync("DELETE", $"/v2/team-a/app/blobs/{blob}", headers: Basic("root"))).Is(202);
        foreach (var path in new[] { $"blobs/{blob}", $"manifests/{manifest}", "manifests/1" })
            (await Server.GetAsync($"/v2/team-a/app/{path}", Basic("root"))).Is(404);
        await AssertWholeAsync("team-b/app", blob, manifest);
        // A replica that had seen them forgets them in the time it was told to.
        await Bench.PushAsync("team-a/app", "1", "same");
        await AssertWholeAsync("team-a/app", blob, manifest);
    }

    [Fact]
    public async Task Delete_OnAnotherReplica_IsSeenAfterTheTimeOfTheCache()
    {
        var (blob, manifest, _) = await Bench.PushAsync("team-a/app", "1", "gone");
        await Bench.PushAsync("team-b/app", "1", "gone");
        await using var other = await Bench.AnotherAsync(layout);
        (await other.GetAsync($"/v2/team-a/app/blobs/{blob}", Basic("root"))).Is(200);
        (await other.GetAsync($"/v2/team-a/app/manifests/{manifest}", Basic("root"))).Is(200);
        (await Server.SendAsync("DELETE", $"/v2/team-a/app/manifests/{manifest}", headers: Basic("root"))).Is(202);
        (await Server.SendAsync("DELETE", $"/v2/team-a/app/blobs/{blob}", headers: Basic("root"))).Is(202);
        Bench.Time.Advance(TimeSpan.FromSeconds(61));
        (await other.GetAsync($"/v2/team-a/app/blobs/{blob}", Basic("root"))).Is(404);
        (await other.GetAsync($"/v2/team-a/app/manifests/{manifest}", Basic("root"))).Is(404);
        (await other.GetAsync($"/v2/team-b/app/blobs/{blob}", Basic("root"))).Is(200);
    }

    [Theory]
    [InlineData("team-b/app")]
    [InlineData("team-b/none")]
    [InlineData(null)]
    public async Task Mount_FromWhatMayNotBePulled_IsAnUpload(string? from)
    {
        var (blob, _, _) = await Bench.PushAsync("team-b/app", "1", "secret");
        var target = $"/v2/team-a/app/blobs/uploads/?mount={blob}{(from is null ? "" : $"&from={from}")}";
        (await Server.SendAsync("POST", target, headers: Basic("alice"))).Is(202);
        (await Server.SendAsync("POST", target, headers: Bearer(await Bench.TokenAsync("alice", "repository:team-a/app:pull,push", $"repository:{from ?? "x"}:pull")))).Is(202);
        (await Server.GetAsync($"/v2/team-a/app/blobs/{blob}", Basic("alice"))).Is(404);
    }

    [Theory]
    [InlineData("team-a/other")]
    [InlineData(null)]
    public async Task Mount_FromWhatMayBePulled_IsMade(string? from)
    {
        var (blob, _, _) = await Bench.PushAsync("team-a/other", "1", "mine");
        (await Server.SendAsync("POST", $"/v2/team-a/app/blobs/uploads/?mount={blob}{(from is null ? "" : $"&from={from}")}", headers: Basic("alice"))).Is(201);
        (await Server.GetAsync($"/v2/team-a/app/blobs/{blob}", Basic("alice"))).Is(200);
    }

    [Fact]
    public async Task Mount_TokenWithoutTheSource_IsToldToGetOne()
    {
        var (blob, _, _) = await Bench.PushAsync("team-a/other", "1", "mine");
        var token = Bearer(await Bench.TokenAsync("alice", "repository:team-a/app:pull,push"));
        var answer = (await Server.SendAsync("POST", $"/v2/team-a/app/blobs/uploads/?mount={blob}&from=team-a/other", headers: token)).Is(401);
        Assert.Contains("scope=\"repository:team-a/app:pull,push repository:team-a/other:pull\",error=\"insufficient_scope\"", answer["WWW-Authenticate"], StringComparison.Ordinal);
        (await Server.SendAsync("POST", $"/v2/team-a/app/blobs/uploads/?mount={blob}&from=team-a/other", headers: Bearer(await Bench.TokenAsync("alice", "repository:team-a/app:pull,push", "repository:team-a/other:pull")))).Is(201);
    }

    [Fact]
    public async Task Manifest_ThatNamesContentOfAnotherRepository_IsRefused()
    {
        var (blob, manifest, bytes) = await Bench.PushAsync("team-b/app", "1", "secret");
        // The bytes of the manifest may be known; what it names must be here.
        (await Server.SendAsync("PUT", "/v2/team-a/app/manifests/1", Json(bytes), headers: Basic("alice"))).Is(400, "MANIFEST_BLOB_UNKNOWN");
        (await Server.SendAsync("PUT", $"/v2/team-a/app/manifests/{manifest}", Json(bytes), headers: Basic("alice"))).Is(400, "MANIFEST_BLOB_UNKNOWN");
        var index = ManifestJson.Index([new Descriptor(MediaTypes.OciManifest, manifest, bytes.Length)]);
        (await Server.SendAsync("PUT", "/v2/team-a/app/manifests/1", new ByteArrayContent(index) { Headers = { { "Content-Type", MediaTypes.OciIndex } } }, headers: Basic("alice"))).Is(400, "MANIFEST_BLOB_UNKNOWN");
        (await Server.GetAsync($"/v2/team-a/app/manifests/{manifest}", Basic("alice"))).Is(404);
        // As if it named another type, by which an index may name anything: that opens nothing, now or after another prepare.
        var hidden = ManifestJson.Index([new Descriptor("application/vnd.example", blob, 6), new Descriptor("application/vnd.example", manifest, bytes.Length)]);
        (await Server.SendAsync("PUT", "/v2/team-a/app/manifests/2", new ByteArrayContent(hidden) { Headers = { { "Content-Type", MediaTypes.OciIndex } } }, headers: Basic("alice"))).Is(201);
        await new Holds(Server.Bucket).PrepareAsync(TestContext.Current.CancellationToken);
        await using var other = await Bench.AnotherAsync(layout);
        (await other.GetAsync($"/v2/team-a/app/blobs/{blob}", Basic("alice"))).Is(404);
        (await other.GetAsync($"/v2/team-a/app/manifests/{manifest}", Basic("alice"))).Is(404);
    }

    [Fact]
    public async Task Upload_OfBytesThatAnotherRepositoryHas_IsOwned()
    {
        var (blob, _, _) = await Bench.PushAsync("team-b/app", "1", "same");
        await Bench.PutBlobAsync("team-a/app", "same", "alice");
        (await Server.GetAsync($"/v2/team-a/app/blobs/{blob}", Basic("alice"))).Is(200);
        // In chunks as well.
        var start = (await Server.SendAsync("POST", "/v2/team-a/chunks/blobs/uploads/", headers: Basic("alice"))).Is(202);
        var patch = (await Server.SendAsync("PATCH", start.Location, new ByteArrayContent("same"u8.ToArray()), headers: Basic("alice"))).Is(202);
        (await Server.SendAsync("PUT", $"{patch.Location}?digest={blob}", headers: Basic("alice"))).Is(201);
        (await Server.GetAsync($"/v2/team-a/chunks/blobs/{blob}", Basic("alice"))).Is(200);
        // The session of one repository is worthless in another, and to others.
        (await Server.SendAsync("PATCH", patch.Location.Replace("team-a/chunks", "team-b/chunks", StringComparison.Ordinal), new ByteArrayContent([1]), headers: Basic("bob"))).Is(404);
        (await Server.SendAsync("PATCH", patch.Location, new ByteArrayContent([1]), headers: Basic("bob"))).Is(403);
    }

    [Fact]
    public async Task Referrers_InATagOfTheSchema_AreOnlyOfTheRepository()
    {
        var (_, subject, bytes) = await Bench.PushAsync("team-b/app", "1", "secret");
        var config = await Bench.PutBlobAsync("team-b/app", "{}");
        var referrer = ManifestJson.Image(new Descriptor(MediaTypes.OciConfig, config, 2), [], $",\"subject\":{{\"mediaType\":\"{MediaTypes.OciManifest}\",\"digest\":\"{subject}\",\"size\":{bytes.Length}}}");
        (await Server.SendAsync("PUT", $"/v2/team-b/app/manifests/{Digest.Of(referrer)}", Json(referrer), headers: Basic("bob"))).Is(201);
        // By a type that an index may name without proof.
        var list = Encoding.UTF8.GetBytes($"{{\"schemaVersion\":2,\"mediaType\":\"{MediaTypes.OciIndex}\",\"manifests\":[{{\"mediaType\":\"{MediaTypes.OciManifest}\",\"digest\":\"{Digest.Of(referrer)}\",\"size\":{referrer.Length},\"urls\":[\"https://example.com/\"]}}]}}");
        (await Server.SendAsync("PUT", $"/v2/team-a/app/manifests/{subject.ToString().Replace(':', '-')}", new ByteArrayContent(list) { Headers = { { "Content-Type", MediaTypes.OciIndex } } }, headers: Basic("alice"))).Is(201);
        Assert.Empty((await Server.GetAsync($"/v2/team-a/app/referrers/{subject}", Basic("alice"))).Is(200).Json.GetProperty("manifests").EnumerateArray());
        Assert.Single((await Server.GetAsync($"/v2/team-b/app/referrers/{subject}", Basic("bob"))).Is(200).Json.GetProperty("manifests").EnumerateArray());
    }

    [Fact]
    public async Task Rules_SwitchedOn_OpenWhatTagsName()
    {
        // As pushed without rules.
        await using var open = await TestServer.StartAsync(Bench.Store, Bench.Meter, layout);
        var digest = await open.PushAsync("team-b/app", "1");
        var manifest = (await open.GetAsync("/v2/team-b/app/manifests/1")).Is(200);
        var layer = manifest.Json.GetProperty("layers")[0].GetProperty("digest").GetString()!;
        Assert.Empty(await open.KeysAsync(Holds.Prefix));
        var (written, damaged) = await open.Bucket.Holds.PrepareAsync(TestContext.Current.CancellationToken);
        Assert.Equal((layout == LayoutKind.Pool ? 3 : 0, 0), (written, damaged.Count));
        Assert.Equal(0, (await open.Bucket.Holds.PrepareAsync(TestContext.Current.CancellationToken)).Written);
        foreach (var path in new[] { "manifests/1", $"manifests/{digest}", $"blobs/{layer}" })
        {
            (await Server.GetAsync($"/v2/team-b/app/{path}", Basic("bob"))).Is(200);
            (await Server.GetAsync($"/v2/team-a/app/{path}", Basic("alice"))).Is(404);
        }
    }

    private async Task AssertWholeAsync(string repository, Digest blob, Digest manifest)
    {
        foreach (var path in new[] { $"blobs/{blob}", $"manifests/{manifest}", "manifests/1" })
            (await Server.GetAsync($"/v2/{repository}/{path}", Basic("root"))).Is(200);
    }
}

public sealed class V2BorderTests() : BorderTests(LayoutKind.V2);

public sealed class PoolBorderTests() : BorderTests(LayoutKind.Pool)
{
    [Fact]
    public async Task Cost_IsOnePutForEachNewBlob_AndOneHeadForEachNotSeen()
    {
        // The login is remembered, so that only the bucket is asked.
        await Bench.PushAsync("team-a/app", "1", "first");
        var (digest, more) = (Digest.Of("second"u8), new ByteArrayContent("second"u8.ToArray()));
        Assert.Equal((2, 0), await Server.CostAsync(async () => (await Server.SendAsync("POST", $"/v2/team-a/app/blobs/uploads/?digest={digest}", more, headers: Basic("root"))).Is(201)));
        await using var other = await Bench.AnotherAsync(LayoutKind.Pool);
        Assert.Equal((0, 2), await other.CostAsync(async () => (await other.GetAsync($"/v2/team-a/app/blobs/{digest}", Basic("root"))).Is(200)));
        Assert.Equal((0, 1), await other.CostAsync(async () => (await other.GetAsync($"/v2/team-a/app/blobs/{digest}", Basic("root"))).Is(200)));
        Assert.Equal((0, 1), await other.CostAsync(async () => (await other.GetAsync($"/v2/team-a/other/blobs/{digest}", Basic("root"))).Is(404)));
    }

    [Fact]
    public async Task WithoutRules_NothingIsHeld_AndNothingCostsMore()
    {
        await using var open = await TestServer.StartAsync(Bench.Store, Bench.Meter, LayoutKind.Pool);
        var digest = Digest.Of("x"u8);
        Assert.Equal((1, 0), await open.CostAsync(async () => (await open.SendAsync(HttpMethod.Post, $"/v2/a/blobs/uploads/?digest={digest}", "x"u8.ToArray())).Is(201)));
        Assert.Equal((0, 1), await open.CostAsync(async () => (await open.GetAsync($"/v2/b/blobs/{digest}")).Is(200)));
        Assert.Empty(await open.KeysAsync(Holds.Prefix));
    }
}
