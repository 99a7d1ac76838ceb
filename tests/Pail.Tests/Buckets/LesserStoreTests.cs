using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.Buckets;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit.Servers;
using Pail.Tests.Stores;
using Pail.Transfer;

namespace Pail.Tests.Buckets;

/// <summary>Buckets on stores that lack some of what AWS has. What is pushed is whole and listed all the same.</summary>
public sealed class LesserStoreTests : IDisposable
{
    private static readonly RepositoryName App = RepositoryName.Parse("team/app");
    private static readonly RepositoryName Other = RepositoryName.Parse("team/other");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-lesser-");
    private readonly TransferEngine _engine = new(new TransferOptions());
    private readonly FolderStore _inner;

    public LesserStoreTests() => _inner = new FolderStore(_folder.FullName, new RequestMeter());

    public static TheoryData<string> Stores { get; } = ["none", "minio", "r2", "b2", "bare", "refuses conditions", "changes etags", "encrypts", "can't list", "can't list, ignores conditions", "no part copies"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    private LesserStore Open(string name) => new(_inner, name switch
    {
        "none" => Lack.None,
        "minio" => LesserStore.MinIO,
        "r2" => LesserStore.R2,
        "b2" => LesserStore.B2,
        "bare" => LesserStore.BareMinimum,
        "refuses conditions" => Lack.ConditionsAtAll,
        "changes etags" => Lack.LastingETags,
        "encrypts" => Lack.EqualETags,
        "can't list" => Lack.Listing,
        "can't list, ignores conditions" => Lack.Listing | Lack.Conditions,
        "no part copies" => Lack.PartCopies,
        _ => throw new ArgumentException(name),
    });

    // As somebody who may list sets it up.
    private async Task<Bucket> InitAsync(string name)
    {
        await BucketSetup.RunAsync(name.StartsWith("can't list", StringComparison.Ordinal) ? Open(name.Contains("ignores", StringComparison.Ordinal) ? "b2" : "none") : Open(name), _engine, null, true, Cancel);
        return await Bucket.OpenAsync(Open(name), _engine, Cancel);
    }

    private static async Task PushAsync(Bucket bucket, RepositoryName name, string tag)
    {
        var config = Encoding.UTF8.GetBytes($$"""{"os":"linux","architecture":"amd64","tag":"{{tag}}"}""");
        var descriptor = new Descriptor(MediaTypes.OciConfig, Digest.Of(config), config.Length);
        var repository = bucket.Repository(name);
        await repository.Blobs.PutVerifiedAsync(descriptor, new ReadOnlySequence<byte>(config), Cancel);
        var manifest = Manifest.Parse(ManifestJson.Image(descriptor, []), MediaTypes.OciManifest);
        await repository.Manifests.PutAsync(manifest, Cancel);
        await repository.Tags.PutAsync(manifest, tag, Cancel);
    }

    private async Task<string[]> StaticAsync(string key, string property)
    {
        await using var content = await _inner.GetAsync(key, null, Cancel);
        return [.. (await JsonDocument.ParseAsync(content!.Body, cancellationToken: Cancel)).RootElement.GetProperty(property).EnumerateArray().Select(item => item.GetString()!)];
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task TwelvePushesAtOnce_ToAPublicBucket_AreAllListed(string store)
    {
        await InitAsync(store);
        string[] tags = [.. Enumerable.Range(10, 12).Select(n => $"t{n}")];

        // Each with a bucket of its own, as twelve machines have.
        await Task.WhenAll(tags.Select(async tag => await PushAsync(await Bucket.OpenAsync(Open(store), _engine, Cancel), tag[^1] == '5' ? Other : App, tag)));

        Assert.Equal(tags.Where(tag => tag[^1] != '5'), await StaticAsync("v2/team/app/tags/list", "tags"));
        Assert.Equal(tags.Where(tag => tag[^1] == '5'), await StaticAsync("v2/team/other/tags/list", "tags"));
        Assert.Equal(["team/app", "team/other"], await StaticAsync("v2/_catalog", "repositories"));
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Tags_OfMoreThanAPage_AreListedAndDeleted(string store)
    {
        if (store.StartsWith("can't list", StringComparison.Ordinal))
            return; // that is refused, see below
        var bucket = await InitAsync(store);
        foreach (var tag in (string[])["1", "2", "z"])
            await PushAsync(bucket, App, tag);

        Assert.Equal(["1", "2", "z"], await bucket.Repository(App).Tags.ListAsync(null, Cancel).ToListAsync(Cancel));
        var page = await bucket.Repository(App).Tags.ListPageAsync(null, 1, Cancel);
        Assert.True(page.More);
        Assert.Equal("1", page.Names[0]);
        Assert.Equal(["team/app"], await bucket.ListRepositoriesAsync(null, Cancel).Select(name => name.ToString()).ToListAsync(Cancel));

        Assert.True(await bucket.Repository(App).Tags.DeleteAsync("2", Cancel));
        Assert.Equal(["1", "z"], await StaticAsync("v2/team/app/tags/list", "tags"));
    }

    // By a server, which remembers what its tags named.
    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Manifest_DeletedByDigest_TakesItsTagsAlong(string store)
    {
        if (store.StartsWith("can't list", StringComparison.Ordinal))
            return; // its tags can't be found
        await InitAsync(store);
        await using var server = await TestServer.StartAsync(Open(store), new RequestMeter(), Pail.Buckets.Layouts.LayoutKind.V2);
        var bucket = await Bucket.OpenAsync(Open(store), _engine, Cancel);
        await PushAsync(bucket, App, "one");
        await PushAsync(bucket, App, "two");
        var one = (await bucket.Repository(App).Manifests.GetAsync(Reference.Parse("one"), Cancel))!;
        await bucket.Repository(App).Tags.PutAsync(one, "other", cancel: Cancel);
        foreach (var tag in (string[])["one", "two", "other"])
            (await server.GetAsync($"/v2/{App}/manifests/{tag}")).Is(200);

        (await server.DeleteAsync($"/v2/{App}/manifests/{one.Digest}")).Is(202);

        foreach (var (reference, status) in ((string, int)[])[("one", 404), ("other", 404), (one.Digest.ToString(), 404), ("two", 200)])
            (await server.GetAsync($"/v2/{App}/manifests/{reference}")).Is(status);
        Assert.Equal(["two"], await bucket.Repository(App).Tags.ListAsync(null, Cancel).ToListAsync(Cancel));
    }

    [Theory]
    [MemberData(nameof(Stores))]
    public async Task Blobs_FromPiecesAndOtherRepositories_ArriveWhole(string store)
    {
        var bucket = await InitAsync(store);
        var first = new byte[6 << 20];
        Random.Shared.NextBytes(first);
        var second = Encoding.UTF8.GetBytes("the end");
        byte[] whole = [.. first, .. second];
        var blob = new Descriptor(MediaTypes.OctetStream, Digest.Of(whole), whole.Length);
        await bucket.Staging.PutAsync("pail/uploads/one", new(first), cancel: Cancel);
        await bucket.Staging.PutAsync("pail/uploads/two", new(second), cancel: Cancel);

        Assert.True(await bucket.Repository(App).Blobs.AssembleAsync([("pail/uploads/one", first.Length), ("pail/uploads/two", second.Length)], blob, Cancel));
        var outcome = await bucket.Repository(Other).Blobs.PutAsync(
            blob, (offset, _) => Task.FromResult<Stream>(new MemoryStream(whole, (int)offset, whole.Length - (int)offset)), NoProgress.Instance, App, cancel: Cancel);

        // A store that answered 501 to one kind of copy is not asked for another.
        Assert.Equal(store is "bare" or "no part copies" ? BlobOutcome.Sent : BlobOutcome.Copied, outcome);
        foreach (var name in (RepositoryName[])[App, Other])
        {
            await using var content = await bucket.Repository(name).Blobs.GetAsync(blob.Digest, null, Cancel);
            using var bytes = new MemoryStream();
            await content!.Body.CopyToAsync(bytes, Cancel);
            Assert.Equal(blob.Digest, Digest.Of(bytes.ToArray()));
        }
    }

    [Fact]
    public async Task Copies_RefusedOnce_AreNotAskedForAgain()
    {
        var store = Open("bare");
        var bucket = new Bucket(store, _engine, BucketSettings.OfPublic with { Conditions = WriteConditions.Neither });
        var bytes = new byte[100_000];
        var blob = new Descriptor(MediaTypes.OctetStream, Digest.Of(bytes), bytes.Length);
        await bucket.Repository(App).Blobs.PutVerifiedAsync(blob, new(bytes), Cancel);

        Assert.False(await bucket.Repository(Other).Blobs.CopyAsync(new(blob, App), Cancel));
        Assert.False(await bucket.Repository(Other).Blobs.CopyAsync(new(blob, App), Cancel));
        // What a mount asks: the server answers 202, and the client sends the blob.
        Assert.Null(await bucket.Repository(Other).Blobs.FindInAsync(App, blob.Digest, Cancel));
        Assert.Equal(1, store.Refused);
    }

    [Theory]
    [InlineData("none", true, true)]
    [InlineData("minio", true, true)]
    [InlineData("r2", true, true)]
    [InlineData("b2", false, false)]
    [InlineData("bare", false, false)]
    [InlineData("refuses conditions", false, false)]
    [InlineData("changes etags", true, false)]
    [InlineData("encrypts", true, true)]
    public async Task Init_TriesOutConditions_AndRemembers(string store, bool absent, bool match)
    {
        var bucket = await BucketSetup.RunAsync(Open(store), _engine, null, null, Cancel);

        var expected = new WriteConditions(absent, match);
        Assert.Equal(expected, bucket.Settings.Conditions);
        Assert.Equal(expected, (await Bucket.OpenAsync(Open(store), _engine, Cancel)).Settings.Conditions);
        Assert.Empty((await _inner.ListAsync(new("pail/"), Cancel)).Objects);
    }

    [Fact]
    public async Task PublicBucket_WhoseSettingsDoNotSay_IsTriedOutAtTheFirstWrite()
    {
        await _inner.PutAsync("pail.json", new("""{"version":1,"layout":"v2","public":true,"colour":{"of":"the shed"}}"""u8.ToArray()), new(MediaTypes.Json), PutCondition.None, Cancel);
        await Task.WhenAll(Enumerable.Range(10, 12).Select(async n => await PushAsync(await Bucket.OpenAsync(Open("b2"), _engine, Cancel), App, $"t{n}")));

        Assert.Equal(12, (await StaticAsync("v2/team/app/tags/list", "tags")).Length);
        await using var content = await _inner.GetAsync("pail.json", null, Cancel);
        var file = (await JsonNode.ParseAsync(content!.Body, cancellationToken: Cancel))!;
        Assert.False((bool)file["conditions"]!["ifAbsent"]!);
        // What a newer Pail or somebody else wrote there stays.
        Assert.Equal("the shed", (string?)file["colour"]!["of"]);
    }

    [Theory]
    [InlineData("b2", false)]
    [InlineData("none", true)]
    public async Task PrivateBucket_WhoseSettingsDoNotSay_IsTriedOutAtTheFirstReferrer(string store, bool keeps)
    {
        var bucket = await Bucket.OpenAsync(Open(store), _engine, Cancel);
        await PushAsync(bucket, App, "1");
        // Plain pushes rely on no condition.
        Assert.Null(await _inner.GetAsync("pail.json", null, Cancel));
        var subject = (await bucket.Repository(App).Manifests.GetAsync(Reference.Parse("1"), Cancel))!.Descriptor;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async n =>
        {
            var config = Encoding.UTF8.GetBytes($"{n}");
            var about = ManifestJson.Image(new(MediaTypes.OciConfig, Digest.Of(config), config.Length), [], $",\"subject\":{ManifestJson.Of(subject)}");
            await (await Bucket.OpenAsync(Open(store), _engine, Cancel)).Repository(App).Manifests.PutAsync(Manifest.Parse(about, MediaTypes.OciManifest), Cancel);
        }));

        Assert.Equal(6, (await bucket.Repository(App).Referrers.ListAsync(subject.Digest, Cancel)).Count);
        var settings = (await Bucket.OpenAsync(Open(store), _engine, Cancel)).Settings;
        Assert.Equal((false, new WriteConditions(keeps, keeps)), (settings.Public, settings.Conditions));
    }

    // Each chunk is an object of its own; the last one leads to all, also where they can't be listed.
    [Theory]
    [InlineData("none")]
    [InlineData("can't list")]
    public async Task Server_UploadInChunksOf5MiBAndMore_IsFinished(string store)
    {
        await using var server = await TestServer.StartAsync(Open(store), new RequestMeter(), Pail.Buckets.Layouts.LayoutKind.V2);
        var bytes = new byte[28 << 20];
        new Random(1).NextBytes(bytes);
        int[] chunks = [5 << 20, 6 << 20, 1000, 5 << 20, 5 << 20, 2000, 6 << 20, 5];
        var place = (await server.SendAsync(HttpMethod.Post, "/v2/team/app/blobs/uploads/", [])).Is(202)["Location"]!;
        var sent = 0;
        foreach (var chunk in chunks)
        {
            place = (await server.SendAsync(HttpMethod.Patch, place, bytes[sent..(sent + chunk)], ("Content-Range", $"{sent}-{sent + chunk - 1}"), ("Content-Type", "application/octet-stream"))).Is(202)["Location"]!;
            sent += chunk;
        }
        var digest = Digest.Of(bytes.AsSpan(0, sent));

        (await server.SendAsync(HttpMethod.Put, $"{place}{(place.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={digest}", [])).Is(201);

        Assert.Equal(bytes[..sent], (await server.GetAsync($"/v2/team/app/blobs/{digest}")).Is(200).Body);
        // Nothing waits any more, but what was replaced where it can't be listed.
        var left = (await _inner.ListAsync(new("pail/uploads/"), Cancel)).Objects;
        Assert.True(left.Count <= (store == "none" ? 0 : 2), string.Join(' ', left.Select(entry => entry.Key)));
    }

    [Fact]
    public async Task Referrers_OfManyAtOnce_AreAllThere_WhereConditionsAreIgnored()
    {
        var bucket = await InitAsync("b2");
        await PushAsync(bucket, App, "1");
        var subject = (await bucket.Repository(App).Manifests.GetAsync(Reference.Parse("1"), Cancel))!.Descriptor;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async n =>
        {
            var config = Encoding.UTF8.GetBytes($"{n}");
            var about = ManifestJson.Image(new(MediaTypes.OciConfig, Digest.Of(config), config.Length), [], $",\"subject\":{ManifestJson.Of(subject)}");
            await (await Bucket.OpenAsync(Open("b2"), _engine, Cancel)).Repository(App).Manifests.PutAsync(Manifest.Parse(about, MediaTypes.OciManifest), Cancel);
        }));
        Assert.Equal(6, (await bucket.Repository(App).Referrers.ListAsync(subject.Digest, Cancel)).Count);
    }

    [Fact]
    public async Task Init_WhereNoKeyEndsInASlash_GoesOnAndSaysSo()
    {
        var bucket = await BucketSetup.RunAsync(Open("minio"), _engine, null, true, Cancel);
        Assert.True(bucket.LacksRoot);
        await PushAsync(bucket, App, "1");
        // Run again it repairs, as anywhere.
        Assert.True((await BucketSetup.RunAsync(Open("minio"), _engine, null, true, Cancel)).LacksRoot);
        Assert.Equal(["1"], await StaticAsync("v2/team/app/tags/list", "tags"));
    }

    [Fact]
    public async Task Bucket_ThatCanNotBeListed_IsOpenedAsV2()
    {
        var bucket = await Bucket.OpenAsync(Open("can't list"), _engine, Cancel);
        Assert.Equal(new BucketSettings(Pail.Buckets.Layouts.LayoutKind.V2, Public: false), bucket.Settings);
        await PushAsync(bucket, App, "1");
        Assert.NotNull(await bucket.Repository(App).Manifests.GetAsync(Reference.Parse("1"), Cancel));
        Assert.Equal(StoreError.AccessDenied, (await Assert.ThrowsAsync<StoreException>(async () => await bucket.Repository(App).Tags.ListAsync(null, Cancel).ToListAsync(Cancel))).Error);
    }
}
