using System.Text;
using System.Text.Json;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Transfer;

namespace Pail.Tests.Buckets;

/// <summary>What the registry over a bucket promises, whatever the store: run on a folder and on real S3 servers.</summary>
public abstract class RegistryContract
{
    private protected static readonly RepositoryName App = RepositoryName.Parse("team/app");
    private static readonly CancellationToken None = CancellationToken.None;

    private protected TransferEngine Engine { get; } = new(new TransferOptions());

    private protected RequestMeter Meter { get; } = new();

    /// <summary>False for a store whose static lists may miss a change made at the same moment as another.</summary>
    private protected virtual bool WritesConditionally => true;

    /// <summary>Requests of class A and B for a new two-blob image in a new repository of a public bucket.</summary>
    private protected virtual (long A, long B) PublicPushCost => (7, 7);

    /// <summary>An empty bucket, for this test only, whose requests <see cref="Meter"/> counts.</summary>
    private protected abstract Task<IObjectStore> NewBucketAsync();

    private async Task<BucketRegistry> InitAsync(LayoutKind layout = LayoutKind.V2, bool open = false) =>
        await BucketRegistry.InitAsync(await NewBucketAsync(), Engine, layout, open, None);

    private static Task<CopyResult> PushAsync(BucketRegistry registry, TestImage image, string tag, RepositoryName? repository = null, CopyOptions? options = null) =>
        ImageCopy.RunAsync(image, new BucketSink(registry, repository ?? App, Reference.Parse(tag)), options ?? new(), NoProgress.Instance, None);

    private static async Task<string> TextAsync(BucketRegistry registry, string key)
    {
        await using var content = await registry.Store.GetAsync(key, null, None);
        Assert.NotNull(content);
        return await new StreamReader(content.Body).ReadToEndAsync(None);
    }

    private static async Task<List<T>> ListAsync<T>(IAsyncEnumerable<T> items) => await items.ToListAsync();

    [Theory]
    [InlineData(LayoutKind.V2, false)]
    [InlineData(LayoutKind.V2, true)]
    [InlineData(LayoutKind.Pool, false)]
    public async Task Copy_IndexOfIndexAndImages_RoundTripsByteExact(LayoutKind layout, bool open)
    {
        var registry = await InitAsync(layout, open);
        var image = new TestImage();
        var amd = image.Image([image.Random(100_000), image.Random(10)]);
        var arm = image.Image([image.Random(0)]);
        var inner = image.Index((arm, "linux/arm64"));
        image.Index((amd, "linux/amd64"), (inner, null));

        var result = await PushAsync(registry, image, "1");

        Assert.False(result.Unchanged);
        Assert.Equal(image.Root.Digest, result.Root.Digest);
        var source = new BucketSource(registry, App, Reference.Parse("1"));
        var root = await source.GetRootAsync(None);
        Assert.Equal(image.Root.Bytes.ToArray(), root.Bytes.ToArray());
        Assert.Equal(MediaTypes.OciIndex, root.MediaType);
        var copy = await BucketRegistry.InitAsync(await NewBucketAsync(), Engine, null, null, None);
        Assert.Equal(5, (await ImageCopy.RunAsync(source, new BucketSink(copy, App, Reference.Parse("2")), new(), NoProgress.Instance, None)).Sent);
        Assert.Equal(root.Digest, (await copy.GetManifestAsync(App, Reference.Parse("2"), None))!.Digest);
        Assert.Equal(arm.Bytes.ToArray(), (await copy.GetManifestAsync(App, Reference.Of(arm.Digest), None))!.Bytes.ToArray());
    }

    [Fact]
    public async Task Push_NewTwoBlobImage_CostsFourAAndFourB()
    {
        var registry = await InitAsync();
        var before = (Meter.ClassA, Meter.ClassB);
        registry = await BucketRegistry.OpenAsync(registry.Store, Engine, None);
        await PushAsync(registry, TestImage.Simple(size: 1 << 20), "1");
        Assert.Equal((4, 4), (Meter.ClassA - before.ClassA, Meter.ClassB - before.ClassB));
    }

    [Fact]
    public async Task Push_NewTwoBlobImageIntoPublicBucket_CostsAtMostThreeAAndThreeBMore()
    {
        var registry = await InitAsync(open: true);
        var before = (Meter.ClassA, Meter.ClassB);
        registry = await BucketRegistry.OpenAsync(registry.Store, Engine, None);
        await PushAsync(registry, TestImage.Simple(size: 1 << 20), "1");
        Assert.Equal(PublicPushCost, (Meter.ClassA - before.ClassA, Meter.ClassB - before.ClassB));
    }

    [Theory]
    [InlineData(LayoutKind.V2, true)]
    [InlineData(LayoutKind.V2, false)]
    [InlineData(LayoutKind.Pool, false)]
    public async Task Push_Unchanged_CostsTwoBAndNoA(LayoutKind layout, bool open)
    {
        var registry = await InitAsync(layout, open);
        var image = TestImage.Simple(layers: 12);
        await PushAsync(registry, image, "1");
        var before = (Meter.ClassA, Meter.ClassB);
        registry = await BucketRegistry.OpenAsync(registry.Store, Engine, None);
        Assert.True((await PushAsync(registry, image, "1")).Unchanged);
        Assert.Equal((0, 2), (Meter.ClassA - before.ClassA, Meter.ClassB - before.ClassB));
    }

    [Fact]
    public async Task Push_SameImageUnderAnotherTag_SendsNoBlob()
    {
        var registry = await InitAsync();
        var image = TestImage.Simple(layers: 3);
        await PushAsync(registry, image, "1");
        image.Opened.Clear();
        var result = await PushAsync(registry, image, "2");
        Assert.Empty(image.Opened);
        Assert.Equal(0, result.Sent);
        Assert.Equal(["1", "2"], await ListAsync(registry.ListTagsAsync(App, null, None)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Push_BlobUnlikeItsDigest_NamesNothing(bool open)
    {
        var registry = await InitAsync(open: open);
        var image = new TestImage();
        var layer = image.Random(200_000);
        image.Image([layer, image.Random(5)]);
        image.Corrupt(layer.Digest, new byte[200_000]);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => PushAsync(registry, image, "1"));
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Null(await registry.GetManifestAsync(App, Reference.Parse("1"), None));
        Assert.Null(await registry.StatBlobAsync(App, layer.Digest, None));
        Assert.Empty(await registry.Store.ListUploadsAsync("", None));
    }

    [Fact]
    public async Task Push_OnePlatform_NamesThatImage()
    {
        var registry = await InitAsync();
        var image = new TestImage();
        var amd = image.Image([image.Random(10)]);
        var arm = image.Image([image.Random(10)]);
        image.Index((amd, "linux/amd64"), (arm, "linux/arm64"));
        await PushAsync(registry, image, "1", options: new CopyOptions([Platform.Parse("linux/arm64")]));
        Assert.Equal(arm.Digest, (await registry.GetManifestAsync(App, Reference.Parse("1"), None))!.Digest);
        var error = await Assert.ThrowsAsync<PailException>(() => PushAsync(registry, image, "2", options: new CopyOptions([Platform.Parse("linux/s390x")])));
        Assert.Contains("linux/amd64, linux/arm64", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PublicBucket_AfterPushesAndDeletion_ListsAreRight()
    {
        var registry = await InitAsync(open: true);
        Assert.Equal("{}", await TextAsync(registry, "v2/"));
        var image = TestImage.Simple();
        await PushAsync(registry, image, "b");
        await PushAsync(registry, image, "a");
        await PushAsync(registry, TestImage.Simple(), "x", RepositoryName.Parse("other"));
        Assert.Equal("""{"name":"team/app","tags":["a","b"]}""", await TextAsync(registry, "v2/team/app/tags/list"));
        Assert.Equal("""{"repositories":["other","team/app"]}""", await TextAsync(registry, "v2/_catalog"));
        Assert.Equal("""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}""", await TextAsync(registry, $"v2/team/app/referrers/{image.Root.Digest}"));

        Assert.True(await registry.DeleteTagAsync(App, "b", None));
        Assert.False(await registry.DeleteTagAsync(App, "b", None));
        Assert.Equal("""{"name":"team/app","tags":["a"]}""", await TextAsync(registry, "v2/team/app/tags/list"));
        Assert.NotNull(await registry.GetManifestAsync(App, Reference.Of(image.Root.Digest), None));
    }

    [Fact]
    public async Task PublicBucket_ManyPushersAndDeleters_TagsAndListsAgree()
    {
        var store = await NewBucketAsync();
        await BucketRegistry.InitAsync(store, Engine, LayoutKind.V2, true, None);
        var image = TestImage.Simple();
        await Parallel.ForEachAsync(Enumerable.Range(0, 24), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (n, cancel) =>
        {
            var registry = await BucketRegistry.OpenAsync(store, Engine, cancel);
            await PushAsync(registry, image, $"t{n % 12}");
            if (n % 3 == 0)
                await registry.DeleteTagAsync(App, $"t{n % 12}", cancel);
            await PushAsync(registry, image, $"u{n}", RepositoryName.Parse($"many/r{n % 5}"));
        });
        // The promise is weaker where writes can't be conditional: what was missed is put right by init.
        var check = WritesConditionally ? await BucketRegistry.OpenAsync(store, Engine, None) : await BucketRegistry.InitAsync(store, Engine, null, null, None);
        var tags = await ListAsync(check.ListTagsAsync(App, null, None));
        using var list = JsonDocument.Parse(await TextAsync(check, "v2/team/app/tags/list"));
        Assert.Equal(tags, list.RootElement.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()));
        Assert.Equal("""{"repositories":["many/r0","many/r1","many/r2","many/r3","many/r4","team/app"]}""", await TextAsync(check, "v2/_catalog"));
    }

    [Fact]
    public async Task Init_OfAFullPrivateBucketAsPublic_BuildsTheLists()
    {
        var registry = await InitAsync();
        var image = TestImage.Simple();
        await PushAsync(registry, image, "1");
        await PushAsync(registry, image, "2");
        registry = await BucketRegistry.InitAsync(registry.Store, Engine, null, true, None);
        Assert.Equal("""{"name":"team/app","tags":["1","2"]}""", await TextAsync(registry, "v2/team/app/tags/list"));
        Assert.Equal("""{"repositories":["team/app"]}""", await TextAsync(registry, "v2/_catalog"));
        Assert.Contains("manifests", await TextAsync(registry, $"v2/team/app/referrers/{image.Root.Digest}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Init_OtherLayoutOverImages_IsRefused()
    {
        var registry = await InitAsync();
        await PushAsync(registry, TestImage.Simple(), "1");
        var error = await Assert.ThrowsAsync<PailException>(() => BucketRegistry.InitAsync(registry.Store, Engine, LayoutKind.Pool, null, None));
        Assert.Equal(Failure.Conflict, error.Failure);
        await Assert.ThrowsAsync<PailException>(async () => await BucketRegistry.InitAsync(await NewBucketAsync(), Engine, LayoutKind.Pool, true, None));
    }

    [Fact]
    public async Task Open_BucketsWithoutSettings_AreKnownByTheirKeys()
    {
        var store = await NewBucketAsync();
        Assert.Equal(LayoutKind.V2, (await BucketRegistry.OpenAsync(store, Engine, None)).Settings.Layout);
        var pool = new BucketRegistry(store, Engine, new BucketSettings(LayoutKind.Pool, false));
        await PushAsync(pool, TestImage.Simple(), "1");
        Assert.Equal(LayoutKind.Pool, (await BucketRegistry.OpenAsync(store, Engine, None)).Settings.Layout);
    }

    [Fact]
    public async Task Pool_AsS3loWritesIt_IsRead()
    {
        var store = await NewBucketAsync();
        var image = new TestImage();
        var manifest = image.Image([image.Random(10)]);
        var index = image.Index((manifest, "linux/amd64"));
        await PutAsync(store, $"blobs/sha256/{manifest.Digest.Hex}", manifest.Bytes, MediaTypes.OctetStream);
        await PutAsync(store, "manifests/org/backend/v1/manifest.json", index.Bytes, MediaTypes.Json);
        await PutAsync(store, "manifests/org/backend/v1/oci-layout", Encoding.UTF8.GetBytes("""{"imageLayoutVersion":"1.0.0"}"""), MediaTypes.Json);
        var registry = await BucketRegistry.OpenAsync(store, Engine, None);
        var source = new BucketSource(registry, RepositoryName.Parse("org/backend"), Reference.Parse("v1"));
        var root = await source.GetRootAsync(None);
        Assert.Equal((index.Digest, MediaTypes.OciIndex), (root.Digest, root.MediaType));
        Assert.Equal(manifest.Digest, (await source.GetManifestAsync(root.Manifests[0], None)).Digest);
        Assert.Equal(["org/backend"], (await ListAsync(registry.ListRepositoriesAsync(null, None))).Select(name => name.ToString()));
        Assert.Equal(["v1"], await ListAsync(registry.ListTagsAsync(RepositoryName.Parse("org/backend"), null, None)));
        Assert.Equal(root.Digest, (await registry.StatManifestAsync(RepositoryName.Parse("org/backend"), Reference.Parse("v1"), None))!.Digest);
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Lists_NestedRepositoriesAndOddTags_AreSortedAndResume(LayoutKind layout)
    {
        var registry = await InitAsync(layout);
        var image = TestImage.Simple();
        string[] tags = ["1", "1-a", "1.0", "A", "_x", "a", "a-b", "a.b"];
        foreach (var tag in tags)
            await PushAsync(registry, image, tag, RepositoryName.Parse("a"));
        string[] names = ["a", "a-b", "a/b", "a/b/c", "b"];
        foreach (var name in names.Skip(1))
            await PushAsync(registry, image, "t", RepositoryName.Parse(name));

        var a = RepositoryName.Parse("a");
        Assert.Equal(tags.Order(StringComparer.Ordinal), await ListAsync(registry.ListTagsAsync(a, null, None)));
        foreach (var tag in tags)
            Assert.Equal(tags.Where(other => string.CompareOrdinal(other, tag) > 0).Order(StringComparer.Ordinal), await ListAsync(registry.ListTagsAsync(a, tag, None)));
        var all = await ListAsync(registry.ListRepositoriesAsync(null, None));
        Assert.Equal(names, all.Select(name => name.ToString()).Order(StringComparer.Ordinal));
        for (var i = 0; i < all.Count; i++)
            Assert.Equal(all.Skip(i + 1), await ListAsync(registry.ListRepositoriesAsync(all[i], None)));
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task DeleteManifest_WithTags_RemovesThoseThatNameItAndNoOther(LayoutKind layout)
    {
        var registry = await InitAsync(layout);
        var (one, two) = (TestImage.Simple(), TestImage.Simple());
        await PushAsync(registry, one, "a");
        await PushAsync(registry, one, "b");
        await PushAsync(registry, two, "c");
        Assert.True(await registry.DeleteManifestAsync(App, one.Root.Digest, None));
        Assert.False(await registry.DeleteManifestAsync(App, one.Root.Digest, None));
        Assert.Equal(["c"], await ListAsync(registry.ListTagsAsync(App, null, None)));
        Assert.NotNull(await registry.GetManifestAsync(App, Reference.Of(two.Root.Digest), None));
    }

    [Theory]
    [InlineData(LayoutKind.V2, true)]
    [InlineData(LayoutKind.V2, false)]
    [InlineData(LayoutKind.Pool, false)]
    public async Task Referrers_PushedBeforeAndAfterTheirSubject_AreListed(LayoutKind layout, bool open)
    {
        var registry = await InitAsync(layout, open);
        var image = TestImage.Simple();
        var subject = image.Root;
        var first = image.Image([image.Random(3)], subject.Descriptor, "application/vnd.test.sbom");
        await PushAsync(registry, image, "sbom");
        image.Root = subject;
        await PushAsync(registry, image, "1");
        var second = image.Image([image.Random(4)], subject.Descriptor);
        await PushAsync(registry, image, "signature");
        var referrers = await registry.ListReferrersAsync(App, subject.Digest, None);
        Assert.Equal([first.Digest, second.Digest], referrers.Select(entry => entry.Digest));
        Assert.Equal(["application/vnd.test.sbom", MediaTypes.OciConfig], referrers.Select(entry => entry.ArtifactType));
        Assert.True(await registry.DeleteManifestAsync(App, first.Digest, None));
        Assert.Equal([second.Digest], (await registry.ListReferrersAsync(App, subject.Digest, None)).Select(entry => entry.Digest));
    }

    [Fact]
    public async Task Settings_NobodyUnderstands_AreAClearError()
    {
        var store = await NewBucketAsync();
        foreach (var (text, part) in new[] { ("{", "not valid"), ("""{"version":2,"layout":"v3"}""", "newer"), ("""{"version":1,"layout":"flat"}""", "no layout") })
        {
            await PutAsync(store, BucketSettings.Key, Encoding.UTF8.GetBytes(text), MediaTypes.Json);
            var error = await Assert.ThrowsAsync<PailException>(() => BucketRegistry.OpenAsync(store, Engine, None));
            Assert.Equal(Failure.BadContent, error.Failure);
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    private static Task<string?> PutAsync(IObjectStore store, string key, ReadOnlyMemory<byte> body, string type) =>
        store.PutAsync(key, new System.Buffers.ReadOnlySequence<byte>(body), new ObjectHeaders(type), PutCondition.None, None);
}

/// <summary>The registry over a local folder.</summary>
public sealed class FolderRegistryTests : RegistryContract, IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("pail-registry-").FullName;
    private int _buckets;

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_root, recursive: true);

    private protected override Task<IObjectStore> NewBucketAsync()
    {
        var folder = Path.Combine(_root, $"{_buckets++}");
        FolderStore.Create(folder);
        return Task.FromResult<IObjectStore>(new FolderStore(folder, Meter));
    }
}
