using Microsoft.Extensions.Time.Testing;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Server.Running;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Immutable;

/// <summary>Immutable tags through the server.</summary>
public sealed class ImmutableServerTests : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly RequestMeter _meter = new();
    private TestServer _server = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        FolderStore.Create(_folder["bucket"]);
        _server = await TestServer.StartAsync(new FolderStore(_folder["bucket"], _meter), _meter, LayoutKind.V2, time: _time);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    // As somebody else does: the server hears of it by its watch.
    private async Task SetAsync(string policy)
    {
        await RetentionFile.WriteAsync(await Bucket.OpenAsync(_server.Store, _server.Engines[0], Cancel), policy, Cancel);
        await _server.PutAsync("/v2/probe/manifests/moves", await _server.AddImageAsync("probe"));
        await Eventually.TrueAsync(async () =>
        {
            _time.Advance(SettingsWatch.Interval);
            var put = await _server.PutAsync("/v2/probe/manifests/moves", await _server.AddImageAsync("probe"));
            return put.Status == (policy.Contains("probe", StringComparison.Ordinal) ? 403 : 201);
        }, () => "the policy is not followed");
    }

    private Task SetAsync() => SetAsync("immutable: [{repositories: [team/app, probe], tags: ['v*', moves]}]");

    [Fact]
    public async Task Push_OtherDigest_IsDeniedAndLeavesNothing()
    {
        var first = await _server.PushAsync("team/app", "v1");
        await SetAsync();
        var manifest = await _server.AddImageAsync("team/app");
        var before = await _server.KeysAsync("v2/team/app/manifests/");
        var message = (await _server.PutAsync("/v2/team/app/manifests/v1", manifest)).Is(403, "DENIED").Json.GetProperty("errors")[0].GetProperty("message").GetString()!;
        Assert.Contains($"team/app:v1 is immutable (line 1 of the policy) and names {first}", message, StringComparison.Ordinal);
        Assert.DoesNotContain(_server.Store.Name, message, StringComparison.Ordinal);
        (await _server.PutAsync($"/v2/team/app/manifests/{Digest.Of(manifest)}?tag=free&tag=v1", manifest)).Is(403, "DENIED");
        Assert.Equal(before, await _server.KeysAsync("v2/team/app/manifests/"));
        Assert.Equal(first.ToString(), (await _server.HeadAsync("/v2/team/app/manifests/v1")).Is(200)["Docker-Content-Digest"]);
        // The same once more, and another tag.
        (await _server.PutAsync("/v2/team/app/manifests/v1", (await _server.GetAsync("/v2/team/app/manifests/v1")).Body)).Is(201);
        (await _server.PutAsync("/v2/team/app/manifests/v2", manifest)).Is(201);
        (await _server.PutAsync("/v2/team/app/manifests/main", manifest)).Is(201);
    }

    [Fact]
    public async Task Delete_OfWhatAnImmutableTagNeeds_IsDenied()
    {
        await SetAsync();
        var image = await _server.AddImageAsync("team/app");
        (await _server.PutAsync($"/v2/team/app/manifests/{Digest.Of(image)}", image)).Is(201);
        var index = ManifestJson.IndexOf([ManifestJson.OfPlatform(new(MediaTypes.OciManifest, Digest.Of(image), image.Length), "amd64")]);
        (await _server.PutAsync("/v2/team/app/manifests/v1", index, MediaTypes.OciIndex)).Is(201);
        foreach (var path in new[] { "manifests/v1", $"manifests/{Digest.Of(index)}", $"manifests/{Digest.Of(image)}", $"blobs/{Manifest.Parse(image, MediaTypes.OciManifest).Layers[0].Digest}" })
            (await _server.DeleteAsync($"/v2/team/app/{path}")).Is(403, "DENIED");
        await Task.WhenAll(new[] { "v1", Digest.Of(image).ToString() }.Select(async reference => (await _server.GetAsync($"/v2/team/app/manifests/{reference}")).Is(200)));
        var free = await _server.PushAsync("team/app", "main");
        (await _server.DeleteAsync("/v2/team/app/manifests/main")).Is(202);
        (await _server.DeleteAsync($"/v2/team/app/manifests/{free}")).Is(202);
        await _server.PushAsync("team/other", "v1");
        (await _server.DeleteAsync("/v2/team/other/manifests/v1")).Is(202);
    }

    [Fact]
    public async Task PushesAtOnce_OfOtherDigests_ExactlyOneIsCreated()
    {
        await SetAsync();
        var manifests = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => _server.AddImageAsync("team/app")));
        var answers = await Task.WhenAll(manifests.Select(manifest => _server.PutAsync("/v2/team/app/manifests/v7", manifest)));
        Assert.All(answers, answer => Assert.Contains(answer.Status, (int[])[201, 403]));
        var winner = Assert.Single(manifests, manifest => answers[Array.IndexOf(manifests, manifest)].Status == 201);
        Assert.Equal(winner, (await _server.GetAsync("/v2/team/app/manifests/v7")).Is(200).Body);
    }

    [Fact]
    public async Task Policy_TakenBack_IsFollowed()
    {
        await _server.PushAsync("team/app", "v1");
        await SetAsync();
        (await _server.PutAsync("/v2/team/app/manifests/v1", await _server.AddImageAsync("team/app"))).Is(403, "DENIED");
        await SetAsync("version: 1");
        (await _server.PutAsync("/v2/team/app/manifests/v1", await _server.AddImageAsync("team/app"))).Is(201);
    }
}
