using System.Buffers;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Transfer;

namespace Pail.Tests.Collect;

/// <summary>What a collection takes for garbage, and what it keeps; among it what other registries have lost.</summary>
public sealed class CollectorTests : IDisposable
{
    private static readonly RepositoryName App = RepositoryName.Parse("team/app");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-collect-");
    private readonly RequestMeter _meter = new();
    private readonly TransferEngine _engine = new(new TransferOptions());
    private int _names;

    public static TheoryData<LayoutKind> Layouts { get; } = [.. Enum.GetValues<LayoutKind>()];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static CollectOptions Everything { get; } = new() { UntaggedAfter = TimeSpan.Zero, HistoryKeep = TimeSpan.Zero };

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task BlobsThatNothingNames_Go_YoungOnesStay(LayoutKind layout)
    {
        var bucket = Open(layout);
        var image = await PushAsync(bucket, "1");
        var loose = await BlobAsync(bucket);
        Assert.Empty((await new Collector(bucket, new() { Grace = TimeSpan.FromHours(3), Alone = true }).RunAsync(Cancel)).Keys);
        var report = await CollectAsync(bucket, new());
        Assert.Equal([bucket.Layout.BlobKey(App, loose.Digest)], report.Keys);
        Assert.Equal(new Freed(1, loose.Size), report.Freed["blobs"]);
        await HasAsync(bucket, image);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task UntaggedManifests_Stay_UnlessTheyAreToGo(LayoutKind layout)
    {
        var bucket = Open(layout);
        var (kept, loose) = (await PushAsync(bucket, "1"), await PushAsync(bucket, null));
        Assert.Empty((await CollectAsync(bucket, new())).Keys);
        await HasAsync(bucket, kept, loose);
        Assert.Equal(1 + loose.Blobs.Count(), (await CollectAsync(bucket, Everything)).Keys.Count);
        await HasAsync(bucket, kept);
        await LacksAsync(bucket, loose);
    }

    // distribution#3178: children of a multi-platform image have no tag of their own.
    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task ChildrenOfATaggedIndex_Stay_AndGoWithIt(LayoutKind layout)
    {
        var bucket = Open(layout);
        var children = new[] { await PushAsync(bucket, null), await PushAsync(bucket, null) };
        var inner = await PushAsync(bucket, null, Index(children));
        var outer = await PushAsync(bucket, "1", Index(inner, children[0]));
        Assert.Empty((await CollectAsync(bucket, Everything)).Keys);
        await HasAsync(bucket, [.. children, inner, outer]);
        await bucket.Repository(App).Tags.DeleteAsync("1", Cancel);
        await CollectAsync(bucket, Everything);
        await LacksAsync(bucket, [.. children, inner, outer]);
    }

    // zot#906, harbor#18014: signatures that outlive what they sign, or die before it.
    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task WhatRefersToAnImage_StaysAndGoesWithIt(LayoutKind layout)
    {
        var bucket = Open(layout);
        var image = await PushAsync(bucket, "1");
        var signature = await PushAsync(bucket, null, Image(await BlobAsync(bucket), image.Descriptor));
        var second = await PushAsync(bucket, null, Image(await BlobAsync(bucket), signature.Descriptor));
        var cosign = await PushAsync(bucket, $"sha256-{image.Digest.Hex}.sig");
        var fallback = await PushAsync(bucket, $"sha256-{image.Digest.Hex}", Index(signature));
        var elsewhere = await PushAsync(bucket, $"sha256-{new string('0', 64)}.sig");
        Assert.Empty((await CollectAsync(bucket, Everything)).Keys);
        await HasAsync(bucket, image, signature, second, cosign, fallback, elsewhere);
        Assert.Single(await bucket.Repository(App).Referrers.ListAsync(image.Digest, Cancel));

        await bucket.Repository(App).Tags.DeleteAsync("1", Cancel);
        await CollectAsync(bucket, Everything);
        await LacksAsync(bucket, image, signature, second, cosign, fallback);
        // What it signs may be in another repository.
        await HasAsync(bucket, elsewhere);
        Assert.Equal([$"sha256-{new string('0', 64)}.sig"], await bucket.Repository(App).Tags.ListAsync(null, Cancel).ToListAsync(Cancel));
        Assert.DoesNotContain(await KeysAsync(bucket), key => key.Contains("referrers", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task WhatATagNamedBefore_StaysWhileItIsYoung(LayoutKind layout)
    {
        var bucket = Open(layout);
        var (old, image) = (await PushAsync(bucket, null), await PushAsync(bucket, "1"));
        var key = bucket.Layout.ManifestKey(App, Reference.Parse("1"));
        var headers = BucketLayout.ManifestHeaders(image, Reference.Parse("1"));
        var moved = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        await bucket.Store.PutAsync(key, new(image.Bytes), headers with { Metadata = new Dictionary<string, string>(headers.Metadata) { [TagHistory.Metadata] = $"{moved},{old.Digest},me" } }, PutCondition.None, Cancel);
        Assert.Empty((await CollectAsync(bucket, Everything with { HistoryKeep = TimeSpan.FromDays(1) })).Keys);
        await HasAsync(bucket, old, image);
        await CollectAsync(bucket, Everything);
        await LacksAsync(bucket, old);
    }

    // zot#4236: a dry run that deletes.
    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task DryRun_TellsTheSame_AndChangesNothing(LayoutKind layout)
    {
        var bucket = Open(layout);
        await PushAsync(bucket, "1");
        await PushAsync(bucket, null);
        await BlobAsync(bucket);
        var before = await KeysAsync(bucket);
        var forecast = await new Collector(bucket, Everything with { DryRun = true }).RunAsync(Cancel);
        Assert.Equal(before, await KeysAsync(bucket));
        Assert.Equal(3, forecast.Keys.Count);
        var report = await CollectAsync(bucket, Everything);
        Assert.Equal(forecast.Keys.Order(), report.Keys.Order());
        Assert.Equal(forecast.Freed["blobs"], report.Freed["blobs"]);
    }

    // distribution#2872: a listing that failed was taken for an empty one.
    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task PageThatCannotBeListed_IsAnError_AndNothingGoes(LayoutKind layout)
    {
        var bucket = Open(layout);
        await PushAsync(bucket, "1");
        await BlobAsync(bucket);
        await CollectAsync(bucket, new());
        await BlobAsync(bucket);
        var before = await ImageKeysAsync(bucket);
        foreach (var failing in Enumerable.Range(0, 2))
        {
            var broken = new FailingStore(Store()) { FailsToList = failing };
            await Assert.ThrowsAsync<StoreException>(() => new Collector(Open(layout, broken), Everything with { Alone = true }).RunAsync(Cancel));
            Assert.Equal(before, await ImageKeysAsync(bucket));
        }
    }

    // harbor#23178: what the store refused to delete was reported as freed.
    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task DeleteThatIsRefused_IsTold_AndItsPartsStay(LayoutKind layout)
    {
        var bucket = Open(layout);
        var loose = await PushAsync(bucket, null);
        await CollectAsync(bucket, new());
        var refused = new FailingStore(Store()) { RefusesToDelete = bucket.Layout.ManifestKey(App, Reference.Of(loose.Digest)) };
        var report = await new Collector(Open(layout, refused), Everything with { Alone = true }).RunAsync(Cancel);
        Assert.Empty(report.Keys);
        Assert.Contains(report.Warnings, warning => warning.Contains("refused here", StringComparison.Ordinal));
        await HasAsync(bucket, loose);
    }

    // zot#4318: indexes that list the same index twice, many levels deep.
    [Fact]
    public async Task NestedIndexes_AreReadOnceEach()
    {
        var bucket = Open(LayoutKind.V2);
        var manifest = await PushAsync(bucket, null);
        for (var level = 0; level < 30; level++)
            manifest = await PushAsync(bucket, level == 29 ? "1" : null, Index(manifest, manifest));
        var before = _meter.ClassB;
        Assert.Empty((await CollectAsync(bucket, Everything)).Keys);
        Assert.InRange(_meter.ClassB - before, 1, 31 + 12);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task ManifestThatCannotBeRead_KeepsAllThatCouldHangOnIt(LayoutKind layout)
    {
        var bucket = Open(layout);
        var image = await PushAsync(bucket, "1");
        var loose = await BlobAsync(bucket);
        await bucket.Store.PutAsync(bucket.Layout.ManifestKey(App, Reference.Parse("1")), new(Encoding.UTF8.GetBytes("{ damaged")), new(image.MediaType), PutCondition.None, Cancel);
        var report = await CollectAsync(bucket, Everything);
        Assert.Empty(report.Keys);
        Assert.Contains(report.Warnings, warning => warning.Contains("damaged", StringComparison.Ordinal));
        Assert.NotNull(await bucket.Repository(App).Blobs.FindAsync(loose.Digest, Cancel));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task ManifestOfAnUnknownType_KeepsWhatItNames(LayoutKind layout)
    {
        var bucket = Open(layout);
        var (first, second, loose) = (await BlobAsync(bucket), await BlobAsync(bucket), await BlobAsync(bucket));
        var text = Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"application/vnd.example.manifest.v9+json","things":[{"digest":"{{first.Digest}}"}],"other":"{{second.Digest}}"}""");
        await bucket.Store.PutAsync(bucket.Layout.ManifestKey(App, Reference.Parse("1")), new(text), new("application/vnd.example.manifest.v9+json"), PutCondition.None, Cancel);
        var report = await CollectAsync(bucket, Everything);
        Assert.Equal([bucket.Layout.BlobKey(App, loose.Digest)], report.Keys);
        Assert.Contains(report.Warnings, warning => warning.Contains("type that is not known", StringComparison.Ordinal));
    }

    [Fact]
    public async Task OtherPeoplesObjects_AreCounted_AndStay()
    {
        var bucket = Open(LayoutKind.V2);
        await PushAsync(bucket, "1");
        string[] others = ["readme.txt", "v2/team/app/blobs/sha256:short", "pail/mine", "uploads/x"];
        foreach (var key in others)
            await bucket.Store.PutAsync(key, new("1234"u8.ToArray()), new(MediaTypes.OctetStream), PutCondition.None, Cancel);
        var report = await CollectAsync(bucket, Everything);
        Assert.Equal(new Freed(others.Length, 4 * others.Length), report.Foreign);
        Assert.Superset(others.ToHashSet(), (await KeysAsync(bucket)).ToHashSet());
    }

    [Fact]
    public async Task BucketOfChunks_IsRefused()
    {
        var bucket = Open(LayoutKind.Pool);
        await bucket.Store.PutAsync("chunks/sha256/ab", new("x"u8.ToArray()), new(MediaTypes.OctetStream), PutCondition.None, Cancel);
        Assert.Contains("s3lo", (await Assert.ThrowsAnyAsync<PailException>(() => CollectAsync(bucket, new()))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task SecondCollection_ReadsNoManifestAgain(LayoutKind layout)
    {
        var bucket = Open(layout);
        for (var i = 0; i < 20; i++)
            await PushAsync(bucket, $"t{i}");
        await CollectAsync(bucket, new());
        var before = _meter.Counts[StoreOperation.GetObject];
        await CollectAsync(bucket, new());
        // The settings, the register, what is remembered, the policy: none of the forty manifests.
        Assert.InRange(_meter.Counts[StoreOperation.GetObject] - before, 1, 8);
    }

    [Fact]
    public async Task PointersAndMarkersThatLeadNowhere_Go()
    {
        var bucket = Open(LayoutKind.V2);
        var blob = await BlobAsync(bucket);
        await bucket.Memory.RememberAsync(App, blob with { DiffId = Digest.Of("tar"u8), Size = 64 << 20 }, Cancel);
        await bucket.Store.PutAsync(CollectKeys.NewMarker(0), new("{}"u8.ToArray()), V2Layout.ListHeaders, PutCondition.None, Cancel);
        var report = await CollectAsync(bucket, new());
        Assert.Equal(2, report.Freed["pointers"].Objects);
        Assert.DoesNotContain(await KeysAsync(bucket), key => key.StartsWith("pail/layers/", StringComparison.Ordinal) || CollectKeys.RoundOf(key) is not null);
    }

    [Fact]
    public async Task CollectedBucket_SaysSo_AndNoOlderPailReadsIt()
    {
        var bucket = Open(LayoutKind.V2);
        await PushAsync(bucket, "1");
        await CollectAsync(bucket, new());
        var settings = Encoding.UTF8.GetString((await SmallObject.ReadAsync(bucket.Store, BucketSettings.Key, 1 << 16, Cancel))!.Bytes.Span);
        Assert.Contains("\"version\": 2", settings, StringComparison.Ordinal);
        // Settings written by somebody who had read them before keep that.
        await (bucket.Settings with { Public = true }).WriteAsync(bucket.Store, Cancel);
        Assert.NotNull((await bucket.RefreshAsync(Cancel)).Settings.Collect);
    }

    private static Task<CollectReport> CollectAsync(Bucket bucket, CollectOptions options) => new Collector(bucket, options with { Alone = true }).RunAsync(Cancel);

    // Two hours ahead: all that is written is older than the grace.
    private FolderStore Store() => new(_folder.FullName, _meter, new FakeTimeProvider(DateTimeOffset.UtcNow + TimeSpan.FromHours(2)));

    private Bucket Open(LayoutKind layout, IObjectStore? store = null) => new(store ?? Store(), _engine, new(layout, Public: false) { Conditions = WriteConditions.Both });

    private async Task<Descriptor> BlobAsync(Bucket bucket)
    {
        var bytes = Encoding.UTF8.GetBytes($"blob {++_names}");
        var blob = new Descriptor(MediaTypes.OciLayerGzip, Digest.Of(bytes), bytes.Length);
        await bucket.Repository(App).Blobs.PutVerifiedAsync(blob, new ReadOnlySequence<byte>(bytes), Cancel);
        return blob;
    }

    private async Task<Manifest> PushAsync(Bucket bucket, string? tag, Manifest? manifest = null)
    {
        manifest ??= Image(await BlobAsync(bucket), null);
        var repository = bucket.Repository(App);
        await repository.Manifests.PutAsync(manifest, Cancel);
        if (tag is not null)
            await repository.Tags.PutAsync(manifest, tag, cancel: Cancel);
        return manifest;
    }

    private static Manifest Image(Descriptor layer, Descriptor? subject) => Manifest.Parse(Encoding.UTF8.GetBytes(
        $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{Json(layer with { MediaType = MediaTypes.OciEmpty })}},"layers":[{{Json(layer)}}]{{(subject is null ? "" : $",\"subject\":{Json(subject)}")}}}"""));

    private static Manifest Index(params Manifest[] children) => Manifest.Parse(Encoding.UTF8.GetBytes(
        $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', children.Select(child => Json(child.Descriptor)))}}]}"""));

    private static string Json(Descriptor descriptor) => $$"""{"mediaType":"{{descriptor.MediaType}}","digest":"{{descriptor.Digest}}","size":{{descriptor.Size}}}""";

    private static async Task HasAsync(Bucket bucket, params Manifest[] manifests)
    {
        foreach (var manifest in manifests)
        {
            Assert.NotNull(await bucket.Repository(App).Manifests.GetAsync(Reference.Of(manifest.Digest), Cancel));
            foreach (var blob in manifest.Blobs)
                Assert.NotNull(await bucket.Repository(App).Blobs.FindAsync(blob.Digest, Cancel));
        }
    }

    private static async Task LacksAsync(Bucket bucket, params Manifest[] manifests)
    {
        foreach (var manifest in manifests)
        {
            Assert.Null(await bucket.Repository(App).Manifests.GetAsync(Reference.Of(manifest.Digest), Cancel));
            foreach (var blob in manifest.Blobs)
                Assert.Null(await bucket.Repository(App).Blobs.FindAsync(blob.Digest, Cancel));
        }
    }

    private static async Task<List<string>> KeysAsync(Bucket bucket) => await bucket.Store.ListObjectsAsync(new ListQuery(""), Cancel).Select(entry => entry.Key).ToListAsync(Cancel);

    private static async Task<List<string>> ImageKeysAsync(Bucket bucket) => [.. (await KeysAsync(bucket)).Where(key => !key.StartsWith("pail", StringComparison.Ordinal))];

    private sealed class FailingStore(IObjectStore inner) : StoreLayer(inner), IFencedWrites
    {
        private int _lists;

        public int FailsToList { get; init; } = -1;

        public string RefusesToDelete { get; init; } = "";

        public override StoreAbilities Abilities => Inner.Abilities with { Fences = this };

        public DateTimeOffset? Now => Inner.Abilities.Fences!.Now;

        public bool CanStayOpen => Inner.Abilities.Fences!.CanStayOpen;

        public override Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) =>
            query.Prefix.Length == 0 && _lists++ == FailsToList ? throw new StoreException(StoreError.AccessDenied, "not listed") : Inner.ListAsync(query, cancel);

        public async Task<IWriteFence> OpenFenceAsync(TimeSpan life, CancellationToken cancel = default) => new Fence(this, await Inner.Abilities.Fences!.OpenFenceAsync(life, cancel));

        public Task SettleAsync(TimeSpan time, CancellationToken cancel = default) => Inner.Abilities.Fences!.SettleAsync(time, cancel);

        private sealed class Fence(FailingStore store, IWriteFence inner) : IWriteFence
        {
            public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) => inner.PutAsync(key, body, headers, condition, cancel);

            public async Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancel = default) =>
            [
                .. await inner.DeleteAsync([.. keys.Where(key => key != store.RefusesToDelete)], cancel),
                .. keys.Where(key => key == store.RefusesToDelete).Select(key => new FailedDelete(key, new StoreException(StoreError.AccessDenied, "refused here"))),
            ];

            public void Dispose() => inner.Dispose();
        }
    }
}
