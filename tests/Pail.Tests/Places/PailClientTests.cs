using System.Text;
using Pail.Compare;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.Places;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using ToyStore;

namespace Pail.Tests.Places;

public sealed class PailClientTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly TestLayout _layout;

    public PailClientTests()
    {
        StoreProviders.Register(new ToyProvider());
        _layout = new TestLayout(_folder["layout"]);
        _layout.Tag(_layout.Image(layers: 2, bytes: 9 << 20), "1");
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task CopyAsync_ThroughAThirdStore_ComesBackTheSame()
    {
        await using var pail = new PailClient();
        var there = await pail.CopyAsync(_layout.Address(), "toy://roundtrip/some//team/app:7", cancel: Cancel);
        Assert.Equal((_layout.Root.Digest, 3, false), (there.Root.Digest, there.Sent, there.Unchanged));
        Assert.True((await pail.CopyAsync(_layout.Address(), "toy://roundtrip/some//team/app:7", cancel: Cancel)).Unchanged);
        var back = await pail.CopyAsync("toy://roundtrip/some//team/app:7", $"oci:{_folder["back"]}:1", cancel: Cancel);
        Assert.Equal((_layout.Root.Digest, 3), (back.Root.Digest, back.Sent));
        Assert.Equal(["7"], await pail.ListTagsAsync("toy://roundtrip/some//team/app", Cancel).ToListAsync(Cancel));
        Assert.NotEqual(0, pail.Requests.ClassA);

        var bucket = await pail.OpenBucketAsync("toy://roundtrip/some//", Cancel);
        Assert.Equal(_layout.Root.Digest, (await bucket.Repository(RepositoryName.Parse("team/app")).Manifests.GetAsync(Reference.Parse("7"), Cancel))!.Digest);
    }

    [Fact]
    public async Task DiffAsync_OfTwoPlaces_TellsTheirFilesApart()
    {
        await using var pail = new PailClient();
        await pail.CopyAsync(_layout.Address(), "toy://differ/app:1", cancel: Cancel);
        _layout.Tag(_layout.Image(layers: 1, bytes: 1000), "2");
        Assert.True((await pail.DiffAsync("toy://differ/app:1", _layout.Address("1"), cancel: Cancel)).IsSame);
        var diff = await pail.DiffAsync("toy://differ/app:1", _layout.Address("2"), cancel: Cancel);
        Assert.Equal((_layout.Root.Digest, 2, 1), (diff.NewDigest, diff.OldLayers.Count, diff.NewLayers.Count));
        Assert.Equal([(FileChange.Added, null, 1000L), (FileChange.Removed, 9L << 20, null), (FileChange.Removed, 9L << 20, (long?)null)], diff.Files.Select(file => (file.Change, file.OldSize, file.NewSize)).OrderBy(file => file.Change));
    }

    [Fact]
    public async Task Repository_OfAnOpenedBucket_TakesBlobsManifestsAndTags()
    {
        await using var pail = new PailClient();
        await pail.InitBucketAsync("toy://parts", Cancel);
        var repository = (await pail.OpenBucketAsync("toy://parts", Cancel)).Repository(RepositoryName.Parse("team/app"));
        var content = "{}"u8.ToArray();
        var blob = new Descriptor("application/vnd.oci.empty.v1+json", Digest.Of(content), content.Length);
        Assert.Equal(BlobOutcome.Sent, await repository.Blobs.PutAsync(blob, Open, Cancel));
        await Assert.ThrowsAnyAsync<PailException>(() => repository.Blobs.PutAsync(blob with { Digest = Digest.Of("other"u8) }, Open, Cancel));
        var manifest = Manifest.Parse(Encoding.UTF8.GetBytes($$"""
            {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"{{blob.MediaType}}","digest":"{{blob.Digest}}","size":2},"layers":[]}
            """));
        await repository.Manifests.PutAsync(manifest, Cancel);
        await repository.Tags.PutAsync(manifest, "1", Cancel);
        Assert.Equal(manifest.Digest, (await pail.CopyAsync("toy://parts/team/app:1", $"oci:{_folder["parts"]}:1", cancel: Cancel)).Root.Digest);

        Task<Stream> Open(long offset, CancellationToken cancel) => Task.FromResult<Stream>(new MemoryStream(content[(int)offset..]));
    }

    [Fact]
    public async Task CopyAsync_WithoutRepositoryOrTag_TakesThoseOfTheSource()
    {
        await using var pail = new PailClient();
        await pail.CopyAsync(_layout.Address(), "toy://shortened/app:7", cancel: Cancel);
        await pail.CopyAsync("toy://shortened/app:7", "toy://other", cancel: Cancel);
        Assert.Equal(["7"], await pail.ListTagsAsync("toy://other/app", Cancel).ToListAsync(Cancel));
    }

    [Fact]
    public async Task CopyAsync_WithProgress_ReportsEveryByteOnce()
    {
        var heard = new Reports();
        await using var pail = new PailClient();
        await pail.CopyAsync(_layout.Address(), "toy://progress/app:1", progress: heard, cancel: Cancel);
        var last = heard.All[^1];
        Assert.Equal((3, 3, last.Bytes), (last.Blobs, last.BlobsDone, last.BytesDone));
        Assert.True(last.Bytes > 2 * (9 << 20));
        Assert.All(heard.All.Zip(heard.All.Skip(1)), pair => Assert.True(pair.Second.BytesDone >= pair.First.BytesDone));
    }

    [Fact]
    public async Task CopyAsync_ProvidersOfTheClient_ComeBeforeThoseRegistered()
    {
        var asked = new List<string>();
        await using var pail = new PailClient(new PailOptions { SourceStores = [new S3Provider(root => { asked.Add(root.Bucket); return new S3Options(root) { Endpoint = "http://127.0.0.1:1", Region = "here", Anonymous = true }; })], Transfer = new() { Retry = new() { Attempts = 1 } } });
        var failure = await Assert.ThrowsAnyAsync<PailException>(() => pail.CopyAsync("s3://acme/app:1", "toy://never/app:1", cancel: Cancel));
        Assert.Equal(Failure.Unavailable, failure.Failure);
        Assert.Contains("acme", asked);
    }

    [Fact]
    public async Task InitBucketAsync_OfAFolder_MakesItAndLeavesWhatIsThere()
    {
        await using var pail = new PailClient();
        var bucket = $"file:{_folder["bucket"]}";
        await pail.InitBucketAsync(bucket, Cancel);
        await pail.CopyAsync(_layout.Address(), $"{bucket}//app:7", cancel: Cancel);
        await pail.InitBucketAsync(bucket, Cancel);
        Assert.Equal(["7"], await pail.ListTagsAsync($"{bucket}//app", Cancel).ToListAsync(Cancel));
    }

    [Theory]
    [InlineData("nowhere://acme/app:1", "is not an address")]
    [InlineData("toy://UPPER/app:1", "lower-case letters")]
    public async Task CopyAsync_ToNoKnownStore_SaysWhatIsExpected(string to, string says)
    {
        await using var pail = new PailClient();
        var failure = await Assert.ThrowsAnyAsync<PailException>(() => pail.CopyAsync(_layout.Address(), to, cancel: Cancel));
        Assert.Equal(Failure.BadInput, failure.Failure);
        Assert.Contains(says, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S3")]
    [InlineData("file")]
    [InlineData("docker")]
    [InlineData("a-b")]
    public void Register_ASchemeThatCantBe_Throws(string scheme) => Assert.Throws<ArgumentException>(() => StoreProviders.Register(new Named(scheme)));

    private sealed class Reports : IProgress<CopyProgress>
    {
        public List<CopyProgress> All { get; } = [];

        public void Report(CopyProgress value) => All.Add(value);
    }

    private sealed class Named(string scheme) : IStoreProvider
    {
        public string Scheme => scheme;

        public void CheckBucket(string bucket)
        {
        }

        public IObjectStore Open(BucketRoot.Url root, RequestMeter meter) => throw new NotSupportedException();
    }
}
