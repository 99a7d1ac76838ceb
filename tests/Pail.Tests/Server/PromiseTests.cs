using System.Buffers;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Server;

/// <summary>A client that was told by HEAD that a blob is there names it in a manifest later: what is condemned meanwhile is rescued.</summary>
public sealed class PromiseTests : IDisposable
{
    private static readonly RepositoryName App = RepositoryName.Parse("team/app");

    private readonly TestFolder _folder = new();
    private readonly RequestMeter _meter = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Head_OfWhatIsCondemned_RescuesIt_Once(LayoutKind layout)
    {
        await using var server = await StartAsync(layout);
        var blob = await server.AddBlobAsync("team/app", "a layer"u8.ToArray());
        await CondemnAsync(server, server.Layout.BlobKey(App, blob.Digest));
        for (var i = 0; i < 2; i++)
            (await server.HeadAsync($"/v2/team/app/blobs/{blob.Digest}")).Is(200);
        Assert.Equal([server.Layout.BlobKey(App, blob.Digest)], await MarkedAsync(server));
        Assert.Single(await server.KeysAsync(CollectKeys.MarkersOf(1)));
    }

    [Fact]
    public async Task Head_BeforeItIsCondemned_RescuesItInTime()
    {
        await using var server = await StartAsync(LayoutKind.V2);
        var blob = await server.AddBlobAsync("team/app", "a layer"u8.ToArray());
        var other = await server.AddBlobAsync("team/app", "another"u8.ToArray());
        (await server.HeadAsync($"/v2/team/app/blobs/{blob.Digest}")).Is(200);
        await CondemnAsync(server, server.Layout.BlobKey(App, blob.Digest), server.Layout.BlobKey(App, other.Digest));
        // Within two looks, which is sooner than anything is removed.
        Assert.True(new CollectPace().Refresh * 1.5 < new CollectPace().Condemned);
        // The clock goes on by single seconds: each time the server may be at work still.
        var passed = TimeSpan.Zero;
        await Eventually.TrueAsync(async () =>
        {
            if (passed < new CollectPace().Refresh * 1.5)
                _clock.Advance(TimeSpan.FromSeconds(1));
            passed += TimeSpan.FromSeconds(1);
            return (await server.KeysAsync(CollectKeys.MarkersOf(1))).Count > 0;
        });
        Assert.Equal([server.Layout.BlobKey(App, blob.Digest)], await MarkedAsync(server));
    }

    [Fact]
    public async Task Head_WhereNothingIsCondemned_OrNobodyWrites_AsksNoMore()
    {
        await using var server = await StartAsync(LayoutKind.V2);
        var blob = await server.AddBlobAsync("team/app", "a layer"u8.ToArray());
        (await server.HeadAsync($"/v2/team/app/blobs/{blob.Digest}")).Is(200);
        // The register was looked at just now.
        Assert.Equal((0, 0), await server.CostAsync(async () => (await server.HeadAsync($"/v2/team/app/blobs/{blob.Digest}")).Is(200)));

        await using var reading = await StartAsync(LayoutKind.V2, readOnly: true);
        await CondemnAsync(reading, reading.Layout.BlobKey(App, blob.Digest));
        (await reading.HeadAsync($"/v2/team/app/blobs/{blob.Digest}")).Is(200);
        Assert.Empty(await reading.KeysAsync(CollectKeys.MarkersOf(1)));
    }

    private Task<TestServer> StartAsync(LayoutKind layout, bool readOnly = false)
    {
        Directory.CreateDirectory(_folder["bucket"]);
        var store = new Open(new FolderStore(_folder["bucket"], _meter));
        return TestServer.StartAsync(store, _meter, layout, options => options with { ReadOnly = readOnly }, _clock, new CollectPace());
    }

    private static async Task CondemnAsync(TestServer server, params string[] keys)
    {
        var register = new CollectState(CollectPhase.Condemned, 1, "round", KeySet.Of(keys), "");
        await server.Store.PutAsync(CollectState.Key, new ReadOnlySequence<byte>(register.ToBytes()), V2Layout.ListHeaders, PutCondition.None, Cancel);
    }

    private static async Task<IReadOnlyList<string>> MarkedAsync(TestServer server)
    {
        var keys = new List<string>();
        foreach (var marker in await server.KeysAsync(CollectKeys.MarkersOf(1)))
        {
            await using var content = (await server.Store.GetAsync(marker, null, Cancel))!;
            using var text = new StreamReader(content.Body, Encoding.UTF8);
            keys.AddRange(System.Text.Json.JsonSerializer.Deserialize(await text.ReadToEndAsync(Cancel), CollectJson.Default.MarkerFile)!.Keys!);
        }
        return keys;
    }

    // A folder whose fences stay open as those of S3 do.
    private sealed class Open(IObjectStore inner) : StoreLayer(inner)
    {
        public override StoreAbilities Abilities => base.Abilities with { Fences = new OpenFences(Inner, base.Abilities.Fences) };
    }
}
