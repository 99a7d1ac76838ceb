using System.Text;
using System.Text.Json;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
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

    private async Task<Bucket> InitAsync(LayoutKind layout = LayoutKind.V2, bool open = false) =>
        await BucketSetup.RunAsync(await NewBucketAsync(), Engine, BucketLayout.Of(layout), open, None);

    private static Task<CopyResult> PushAsync(Bucket registry, MemoryImage image, string tag, RepositoryName? repository = null, CopyOptions? options = null) =>
        ImageCopy.RunAsync(image, new BucketSink(registry.Repository(repository ?? App), Reference.Parse(tag)), options ?? new(), NoProgress.Instance, None);

    private static async Task<string> TextAsync(Bucket registry, string key)
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
        var image = new MemoryImage();
        var amd = image.AddImage([image.AddRandom(100_000), image.AddRandom(10)]);
        var arm = image.AddImage([image.AddRandom(0)]);
        var inner = image.AddIndex((arm.Descriptor, "arm64"));
        image.AddIndex((amd.Descriptor, "amd64"), (inner.Descriptor, null));

        var result = await PushAsync(registry, image, "1");

        Assert.False(result.Unchanged);
        Assert.Equal(image.Root!.Digest, result.Root.Digest);
        var source = new BucketSource(registry.Repository(App), Reference.Parse("1"));
        var root = await source.GetRootAsync(None);
        Assert.Equal(image.Root!.Bytes.ToArray(), root.Bytes.ToArray());
        Assert.Equal(MediaTypes.OciIndex, root.MediaType);
        var copy = await BucketSetup.RunAsync(await NewBucketAsync(), Engine, null, null, None);
        Assert.Equal(5, (await ImageCopy.RunAsync(source, new BucketSink(copy.Repository(App), Reference.Parse("2")), new(), NoProgress.Instance, None)).Sent);
        Assert.Equal(root.Digest, (await copy.Repository(App).Manifests.GetAsync(Reference.Parse("2"), None))!.Digest);
        Assert.Equal(arm.Bytes.ToArray(), (await copy.Repository(App).Manifests.GetAsync(Reference.Of(arm.Digest), None))!.Bytes.ToArray());
    }

    [Fact]
    public async Task Push_NewTwoBlobImage_CostsFourAAndFourB()
    {
        var registry = await InitAsync();
        var before = (Meter.ClassA, Meter.ClassB);
        registry = await Bucket.OpenAsync(registry.Store, Engine, None);
        await PushAsync(registry, MemoryImage.Simple(size: 1 << 20), "1");
        Assert.Equal((4, 4), (Meter.ClassA - before.ClassA, Meter.ClassB - before.ClassB));
    }

    [Fact]
    public async Task Push_NewTwoBlobImageIntoPublicBucket_CostsAtMostThreeAAndThreeBMore()
    {
        var registry = await InitAsync(open: true);
        var before = (Meter.ClassA, Meter.ClassB);
        registry = await Bucket.OpenAsync(registry.Store, Engine, None);
        await PushAsync(registry, MemoryImage.Simple(size: 1 << 20), "1");
        Assert.Equal(PublicPushCost, (Meter.ClassA - before.ClassA, Meter.ClassB - before.ClassB));
    }

    [Theory]
    [InlineData(LayoutKind.V2, true)]
    [InlineData(LayoutKind.V2, false)]
    [InlineData(LayoutKind.Pool, false)]
    public async Task Push_Unchanged_CostsTwoBAndNoA(LayoutKind layout, bool open)
    {
        var registry = await InitAsync(layout, open);
        var image = MemoryImage.Simple(layers: 12);
        await PushAsync(registry, image, "1");
        var before = (Meter.ClassA, Meter.ClassB);
        registry = await Bucket.OpenAsync(registry.Store, Engine, None);
        Assert.True((await PushAsync(registry, image, "1")).Unchanged);
        Assert.Equal((0, 2), (Meter.ClassA - before.ClassA, Meter.ClassB - before.ClassB));
    }

    [Fact]
    public async Task Push_SameImageUnderAnotherTag_SendsNoBlob()
    {
        var registry = await InitAsync();
        var image = MemoryImage.Simple(layers: 3);
        await PushAsync(registry, image, "1");
        image.Opened.Clear();
        var result = await PushAsync(registry, image, "2");
        Assert.Empty(image.Opened);
        Assert.Equal(0, result.Sent);
        Assert.Equal(["1", "2"], await ListAsync(registry.Repository(App).Tags.ListAsync(null, None)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Push_BlobUnlikeItsDigest_NamesNothing(bool open)
    {
        var registry = await InitAsync(open: open);
        var image = new MemoryImage();
        var layer = image.AddRandom(200_000);
        image.AddImage([layer, image.AddRandom(5)]);
        image.Spoil(layer.Digest, new byte[200_000]);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => PushAsync(registry, image, "1"));
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Null(await registry.Repository(App).Manifests.GetAsync(Reference.Parse("1"), None));
        Assert.Null(await registry.Repository(App).Blobs.FindAsync(layer.Digest, None));
        Assert.Empty(await registry.Store.ListUploadsAsync("", None));
    }

    [Fact]
    public async Task Push_OnePlatform_NamesThatImage()
    {
        var registry = await InitAsync();
        var image = new MemoryImage();
        var amd = image.AddImage([image.AddRandom(10)]);
        var arm = image.AddImage([image.AddRandom(10)]);
        image.AddIndex((amd.Descriptor, "amd64"), (arm.Descriptor, "arm64"));
        await PushAsync(registry, image, "1", options: new CopyOptions([Platform.Parse("linux/arm64")]));
        Assert.Equal(arm.Digest, (await registry.Repository(App).Manifests.GetAsync(Reference.Parse("1"), None))!.Digest);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => PushAsync(registry, image, "2", options: new CopyOptions([Platform.Parse("linux/s390x")])));
        Assert.Contains("linux/amd64, linux/arm64", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PublicBucket_AfterPushesAndDeletion_ListsAreRight()
    {
        var registry = await InitAsync(open: true);
        Assert.Equal("{}", await TextAsync(registry, "v2/"));
        var image = MemoryImage.Simple();
        await PushAsync(registry, image, "b");
        await PushAsync(registry, image, "a");
        await PushAsync(registry, MemoryImage.Simple(), "x", RepositoryName.Parse("other"));
        Assert.Equal("""{"name":"team/app","tags":["a","b"]}""", await TextAsync(registry, "v2/team/app/tags/list"));
        Assert.Equal("""{"repositories":["other","team/app"]}""", await TextAsync(registry, "v2/_catalog"));
        Assert.Equal("""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}""", await TextAsync(registry, $"v2/team/app/referrers/{image.Root!.Digest}"));

        Assert.True(await registry.Repository(App).Tags.DeleteAsync("b", None));
        Assert.False(await registry.Repository(App).Tags.DeleteAsync("b", None));
        Assert.Equal("""{"name":"team/app","tags":["a"]}""", await TextAsync(registry, "v2/team/app/tags/list"));
        Assert.NotNull(await registry.Repository(App).Manifests.GetAsync(Reference.Of(image.Root!.Digest), None));
    }

    [Fact]
    public async Task PublicBucket_ManyPushersAndDeleters_TagsAndListsAgree()
    {
        var store = await NewBucketAsync();
        await BucketSetup.RunAsync(store, Engine, BucketLayout.Of(LayoutKind.V2), true, None);
        var image = MemoryImage.Simple();
        await Parallel.ForEachAsync(Enumerable.Range(0, 24), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (n, cancel) =>
        {
            var registry = await Bucket.OpenAsync(store, Engine, cancel);
            await PushAsync(registry, image, $"t{n % 12}");
            if (n % 3 == 0)
                await registry.Repository(App).Tags.DeleteAsync($"t{n % 12}", cancel);
            await PushAsync(registry, image, $"u{n}", RepositoryName.Parse($"many/r{n % 5}"));
        });
        // The promise is weaker where writes can't be conditional: what was missed is put right by init.
        var check = WritesConditionally ? await Bucket.OpenAsync(store, Engine, None) : await BucketSetup.RunAsync(store, Engine, null, null, None);
        var tags = await ListAsync(check.Repository(App).Tags.ListAsync(null, None));
        using var list = JsonDocument.Parse(await TextAsync(check, "v2/team/app/tags/list"));
        Assert.Equal(tags, list.RootElement.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()));
        Assert.Equal("""{"repositories":["many/r0","many/r1","many/r2","many/r3","many/r4","team/app"]}""", await TextAsync(check, "v2/_catalog"));
    }

    [Fact]
    public async Task Init_OfAFullPrivateBucketAsPublic_BuildsTheLists()
    {
        var registry = await InitAsync();
        var image = MemoryImage.Simple();
        await PushAsync(registry, image, "1");
        await PushAsync(registry, image, "2");
        registry = await BucketSetup.RunAsync(registry.Store, Engine, null, true, None);
        Assert.Equal("""{"name":"team/app","tags":["1","2"]}""", await TextAsync(registry, "v2/team/app/tags/list"));
        Assert.Equal("""{"repositories":["team/app"]}""", await TextAsync(registry, "v2/_catalog"));
        Assert.Contains("manifests", await TextAsync(registry, $"v2/team/app/referrers/{image.Root!.Digest}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Init_OtherLayoutOverImages_IsRefused()
    {
        var registry = await InitAsync();
        await PushAsync(registry, MemoryImage.Simple(), "1");
        var error = await Assert.ThrowsAnyAsync<PailException>(() => BucketSetup.RunAsync(registry.Store, Engine, BucketLayout.Of(LayoutKind.Pool), null, None));
        Assert.Equal(Failure.Conflict, error.Failure);
        await Assert.ThrowsAnyAsync<PailException>(async () => await BucketSetup.RunAsync(await NewBucketAsync(), Engine, BucketLayout.Of(LayoutKind.Pool), true, None));
    }

    [Fact]
    public async Task Open_BucketsWithoutSettings_AreKnownByTheirKeys()
    {
        var store = await NewBucketAsync();
        Assert.Equal(LayoutKind.V2, (await Bucket.OpenAsync(store, Engine, None)).Settings.Layout);
        var pool = new Bucket(store, Engine, new BucketSettings(LayoutKind.Pool, false));
        await PushAsync(pool, MemoryImage.Simple(), "1");
        Assert.Equal(LayoutKind.Pool, (await Bucket.OpenAsync(store, Engine, None)).Settings.Layout);
    }

    [Fact]
    public async Task Pool_AsS3loWritesIt_IsRead()
    {
        var store = await NewBucketAsync();
        var image = new MemoryImage();
        var manifest = image.AddImage([image.AddRandom(10)]);
        var index = image.AddIndex((manifest.Descriptor, "amd64"));
        await PutAsync(store, $"blobs/sha256/{manifest.Digest.Hex}", manifest.Bytes, MediaTypes.OctetStream);
        await PutAsync(store, "manifests/org/backend/v1/manifest.json", index.Bytes, MediaTypes.Json);
        await PutAsync(store, "manifests/org/backend/v1/oci-layout", Encoding.UTF8.GetBytes("""{"imageLayoutVersion":"1.0.0"}"""), MediaTypes.Json);
        var registry = await Bucket.OpenAsync(store, Engine, None);
        var source = new BucketSource(registry.Repository(RepositoryName.Parse("org/backend")), Reference.Parse("v1"));
        var root = await source.GetRootAsync(None);
        Assert.Equal((index.Digest, MediaTypes.OciIndex), (root.Digest, root.MediaType));
        Assert.Equal(manifest.Digest, (await source.GetManifestAsync(root.Manifests[0], None)).Digest);
        Assert.Equal(["org/backend"], (await ListAsync(registry.ListRepositoriesAsync(null, None))).Select(name => name.ToString()));
        Assert.Equal(["v1"], await ListAsync(registry.Repository(RepositoryName.Parse("org/backend")).Tags.ListAsync(null, None)));
        Assert.Equal(root.Digest, (await registry.Repository(RepositoryName.Parse("org/backend")).Manifests.FindAsync(Reference.Parse("v1"), None))!.Digest);
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Lists_NestedRepositoriesAndOddTags_AreSortedAndResume(LayoutKind layout)
    {
        var registry = await InitAsync(layout);
        var image = MemoryImage.Simple();
        string[] tags = ["1", "1-a", "1.0", "A", "_x", "a", "a-b", "a.b"];
        foreach (var tag in tags)
            await PushAsync(registry, image, tag, RepositoryName.Parse("a"));
        string[] names = ["a", "a-b", "a/b", "a/b/c", "b"];
        foreach (var name in names.Skip(1))
            await PushAsync(registry, image, "t", RepositoryName.Parse(name));

        var a = RepositoryName.Parse("a");
        Assert.Equal(tags.Order(StringComparer.Ordinal), await ListAsync(registry.Repository(a).Tags.ListAsync(null, None)));
        foreach (var tag in tags)
            Assert.Equal(tags.Where(other => string.CompareOrdinal(other, tag) > 0).Order(StringComparer.Ordinal), await ListAsync(registry.Repository(a).Tags.ListAsync(tag, None)));
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
        var (one, two) = (MemoryImage.Simple(), MemoryImage.Simple());
        await PushAsync(registry, one, "a");
        await PushAsync(registry, one, "b");
        await PushAsync(registry, two, "c");
        Assert.True(await registry.Repository(App).Manifests.DeleteAsync(one.Root!.Digest, None));
        Assert.False(await registry.Repository(App).Manifests.DeleteAsync(one.Root!.Digest, None));
        Assert.Equal(["c"], await ListAsync(registry.Repository(App).Tags.ListAsync(null, None)));
        Assert.NotNull(await registry.Repository(App).Manifests.GetAsync(Reference.Of(two.Root!.Digest), None));
    }

    [Theory]
    [InlineData(LayoutKind.V2, true)]
    [InlineData(LayoutKind.V2, false)]
    [InlineData(LayoutKind.Pool, false)]
    public async Task Referrers_PushedBeforeAndAfterTheirSubject_AreListed(LayoutKind layout, bool open)
    {
        var registry = await InitAsync(layout, open);
        var image = MemoryImage.Simple();
        var subject = image.Root!;
        var first = image.AddImage([image.AddRandom(3)], subject.Descriptor, "application/vnd.test.sbom");
        await PushAsync(registry, image, "sbom");
        image.Root = subject;
        await PushAsync(registry, image, "1");
        var second = image.AddImage([image.AddRandom(4)], subject.Descriptor);
        await PushAsync(registry, image, "signature");
        var referrers = await registry.Repository(App).Referrers.ListAsync(subject.Digest, None);
        Assert.Equal([first.Digest, second.Digest], referrers.Select(entry => entry.Digest));
        Assert.Equal(["application/vnd.test.sbom", MediaTypes.OciConfig], referrers.Select(entry => entry.ArtifactType));
        Assert.True(await registry.Repository(App).Manifests.DeleteAsync(first.Digest, None));
        Assert.Equal([second.Digest], (await registry.Repository(App).Referrers.ListAsync(subject.Digest, None)).Select(entry => entry.Digest));
    }

    [Fact]
    public async Task Settings_NobodyUnderstands_AreAClearError()
    {
        var store = await NewBucketAsync();
        foreach (var (text, part) in new[] { ("{", "not valid"), ("""{"version":3,"layout":"v3"}""", "newer"), ("""{"version":1,"layout":"flat"}""", "no layout") })
        {
            await PutAsync(store, BucketSettings.Key, Encoding.UTF8.GetBytes(text), MediaTypes.Json);
            var error = await Assert.ThrowsAnyAsync<PailException>(() => Bucket.OpenAsync(store, Engine, None));
            Assert.Equal(Failure.BadContent, error.Failure);
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        }
    }

    private static Task<string?> PutAsync(IObjectStore store, string key, ReadOnlyMemory<byte> body, string type) =>
        store.PutAsync(key, new System.Buffers.ReadOnlySequence<byte>(body), new ObjectHeaders(type), PutCondition.None, None);

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task ListItems_OfAllThereCanBe_SaysWhatEachIs(LayoutKind layout)
    {
        var bucket = await InitAsync(layout, open: layout == LayoutKind.V2);
        var image = MemoryImage.Simple();
        await PushAsync(bucket, image, "1");
        await PushAsync(bucket, image, "2", RepositoryName.Parse("team/manifests/blobs"));
        var signature = new MemoryImage().AddImage([], subject: image.Root!.Descriptor);
        await bucket.Repository(App).Manifests.PutAsync(signature, None);
        string[] foreign = ["readme.txt", "uploads/mine", "pail/notes", "v2x", "blobs", "manifests/only"];
        string[] staged = [StagingKey.OfPiece(Guid.NewGuid(), 3, new(5, 4)), StagingKey.OfDirect(Guid.NewGuid())];
        var memory = BucketLayout.MemoryKey(image.Root!.Layers[0].Digest, null);
        foreach (var key in foreign.Concat(staged).Append(memory))
            await bucket.Store.PutAsync(key, new("{}"u8.ToArray()), new(MediaTypes.Json), PutCondition.None, None);

        var (before, requests) = (Meter.ClassA, 0L);
        var items = await bucket.ListItemsAsync(None).ToListAsync(None);
        requests = Meter.ClassA - before;

        Assert.Equal(1, requests);
        Assert.Equal(items.Select(item => item.Entry.Key).Order(StringComparer.Ordinal), items.Select(item => item.Entry.Key));
        string[] Keys(KeyKind kind) => [.. items.Where(item => item.Meaning.Kind == kind).Select(item => item.Entry.Key).Order(StringComparer.Ordinal)];
        Assert.Equal(foreign.Order(StringComparer.Ordinal), Keys(KeyKind.Foreign));
        Assert.Equal(staged.Order(StringComparer.Ordinal), Keys(KeyKind.Staging));
        Assert.Equal([memory], Keys(KeyKind.Memory));
        Assert.Equal([BucketSettings.Key], Keys(KeyKind.Settings));
        Assert.Equal([(App.ToString(), "1"), ("team/manifests/blobs", "2")], items.Where(item => item.Meaning.Kind == KeyKind.Tag).Select(item => (item.Meaning.Repository.ToString()!, item.Meaning.Tag!)).Order());
        // In a pool a manifest by digest lies among the blobs.
        var manifests = items.Where(item => item.Meaning.Kind == (layout == LayoutKind.V2 ? KeyKind.Manifest : KeyKind.Blob)).Select(item => item.Meaning.Digest).ToHashSet();
        Assert.True(manifests.IsSupersetOf([image.Root!.Digest, signature.Digest]));
        var blobs = items.Where(item => item.Meaning.Kind == KeyKind.Blob).ToList();
        foreach (var blob in image.Root!.Blobs)
            Assert.Contains(blobs, item => item.Meaning.Digest == blob.Digest && item.Entry.Size == blob.Size && item.Entry.Modified > DateTimeOffset.UnixEpoch);
        Assert.Contains(items, item => item.Meaning is { Kind: KeyKind.Referrers, Digest: var subject } && subject == image.Root!.Digest);
    }

    [Fact]
    public async Task Metadata_OfOldNames_IsStillRead()
    {
        var bucket = await InitAsync();
        var image = MemoryImage.Simple();
        await PushAsync(bucket, image, "1");
        var manifest = image.Root!;
        await bucket.Store.PutAsync(
            bucket.Layout.ManifestKey(App, Reference.Parse("1")), new(manifest.Bytes),
            new(manifest.MediaType) { Metadata = new Dictionary<string, string> { ["docker-content-digest"] = manifest.Digest.ToString() } }, PutCondition.None, None);
        await bucket.Store.PutAsync(
            bucket.Layout.BlobKey(App, Digest.Of([1])), new((byte[])[1]),
            new(MediaTypes.OctetStream) { Metadata = new Dictionary<string, string> { ["pail-diff-id"] = Digest.Of([2]).ToString() } }, PutCondition.None, None);

        var before = Meter.ClassB;
        Assert.Equal(manifest.Digest, (await bucket.Repository(App).Manifests.FindAsync(Reference.Parse("1"), None))!.Digest);
        Assert.Equal(1, Meter.ClassB - before);
        Assert.Equal(Digest.Of([2]), (await bucket.Repository(App).Blobs.FindAsync(Digest.Of([1]), None))!.DiffId);
    }
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
