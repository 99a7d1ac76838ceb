using System.Text;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.S3;

namespace Pail.Tests.EndToEnd;

/// <summary>Collections while everybody works and anybody is killed: every tag and digest that was acknowledged is whole at the end, and no garbage is left.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class CollectionTests
{
    // Layers are larger.
    private const int Small = 20_000;

    // In a pool, whose keys of blobs say no repository.
    private static readonly RepositoryName Anybodys = RepositoryName.Parse("a");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("v2", true, false)]
    [InlineData("pool", false, true)]
    public Task Collections_WhileEverybodyWorks_LoseNothing_LeaveNothing(string layout, bool untagged, bool versions) =>
        RunAsync(layout, untagged, versions, pushes: 1, collections: 2, TimeSpan.Zero);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData("v2", true, false)]
    [InlineData("v2", false, true)]
    [InlineData("pool", true, true)]
    [InlineData("pool", false, false)]
    public Task Collections_ForTenMinutes_LoseNothing_LeaveNothing(string layout, bool untagged, bool versions) =>
        RunAsync(layout, untagged, versions, pushes: 10, collections: 10, TimeSpan.FromMinutes(10));

    private static async Task RunAsync(string layout, bool untagged, bool versions, int pushes, int collections, TimeSpan time)
    {
        await Machine.Debian13.ReadyAsync();
        await using var bucket = new BusyBucket(layout, untagged, versions);
        await bucket.OpenAsync();
        await bucket.RunAsync(pushes, collections, time);

        await AssertWholeAsync(bucket);
        // The first may have to end what a killed one began, the second what only then is old enough.
        for (var last = 0; last < 2; last++)
            await PailCli.Direct.DoAsync(bucket.Greedy("0s"));
        Assert.Contains("would free 0 B in 0 objects", (await PailCli.Direct.DoAsync([.. bucket.Greedy("0s"), "--dry-run"])).Output, StringComparison.Ordinal);
        await AssertWholeAsync(bucket);
        await AssertNothingElseAsync(bucket.Name, BucketLayout.Named(layout)!);
    }

    private static async Task AssertWholeAsync(BusyBucket bucket)
    {
        Assert.NotEmpty(bucket.Tagged);
        using var folder = new TestFolder();
        foreach (var (tag, digest) in bucket.Tagged)
        {
            Assert.Equal(digest, (await PailCli.Direct.DoAsync("digest", $"{bucket.Address}/{tag}")).Output.Trim());
            // Every byte is compared with its digest.
            await PailCli.Direct.DoAsync("pull", "--quiet", $"{bucket.Address}/{tag}", $"oci:{folder["tags"]}:1");
        }
        foreach (var (digest, _) in bucket.Acknowledged)
            await PailCli.Direct.DoAsync("pull", "--quiet", $"{bucket.Address}/{digest}", $"oci:{folder["digests"]}:1");
    }

    // Not by the collector's own word: each blob is named by a manifest of the bucket, of its own repository where they do not share blobs.
    private static async Task AssertNothingElseAsync(string name, BucketLayout layout)
    {
        using var store = S3Server.Ceph.Open(name);
        using var client = S3Server.Ceph.Client();
        var (blobs, named) = (new HashSet<string>(), new HashSet<string>());
        await foreach (var entry in store.ListObjectsAsync(new(""), Cancel))
        {
            var meaning = layout.Read(entry.Key);
            if (meaning.Kind == KeyKind.Blob)
                blobs.Add(entry.Key);
            // A pool keeps manifests among the blobs.
            if (meaning.Kind is not (KeyKind.Manifest or KeyKind.Tag) && !(meaning.Kind == KeyKind.Blob && layout.SharesBlobs && entry.Size < Small))
                continue;
            using var answer = await client.GetObjectAsync(name, entry.Key, Cancel);
            using var bytes = new MemoryStream();
            await answer.ResponseStream.CopyToAsync(bytes, Cancel);
            if (meaning.Kind == KeyKind.Blob && !Encoding.UTF8.GetString(bytes.ToArray()).Contains("\"schemaVersion\"", StringComparison.Ordinal))
                continue;
            var manifest = Manifest.Parse(bytes.ToArray());
            named.UnionWith([.. from part in manifest.Blobs.Concat(manifest.Manifests) select layout.BlobKey(meaning.Repository ?? Anybodys, part.Digest), layout.BlobKey(meaning.Repository ?? Anybodys, manifest.Digest)]);
        }
        Assert.NotEmpty(blobs);
        Assert.Subset(named, blobs);
    }
}
