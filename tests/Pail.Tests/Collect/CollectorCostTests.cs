using System.Buffers;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Transfer;

namespace Pail.Tests.Collect;

/// <summary>What a collection costs grows with the bucket and no faster: a LIST for each 1,000 objects and look, a GET for each manifest, once.</summary>
public sealed class CollectorCostTests
{
    // Of each repository: 4 manifests with 5 blobs each, and the blobs of a fifth that is not there.
    private const int Manifests = 4, Blobs = 5, Objects = Manifests + (Blobs * (Manifests + 1)), Garbage = Blobs;

    // The settings, the register and what is remembered.
    private const int Own = 3;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(10)]
    [InlineData(50)]
    [InlineData(200)]
    public async Task Requests_GrowWithTheBucket(int repositories)
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder["bucket"]);
        var (meter, time) = (new RequestMeter(), new FakeTimeProvider(DateTimeOffset.UtcNow + TimeSpan.FromHours(2)));
        var store = new FolderStore(folder["bucket"], meter, time);
        var layout = BucketLayout.Of(LayoutKind.V2);
        await Parallel.ForEachAsync(Enumerable.Range(0, repositories), Cancel, async (number, cancel) =>
        {
            var name = RepositoryName.Parse($"team/app{number}");
            for (var image = 0; image <= Manifests; image++)
            {
                var blobs = Enumerable.Range(0, Blobs).Select(blob => Encoding.UTF8.GetBytes($"{number} {image} {blob}")).ToList();
                foreach (var blob in blobs)
                    await store.PutAsync(layout.BlobKey(name, Digest.Of(blob)), new ReadOnlySequence<byte>(blob), layout.BlobHeaders, PutCondition.None, cancel);
                if (image == Manifests)
                    break;
                var descriptors = blobs.Select(blob => $$"""{"mediaType":"{{MediaTypes.OciLayerGzip}}","digest":"{{Digest.Of(blob)}}","size":{{blob.Length}}}""").ToList();
                var manifest = Manifest.Parse(Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{descriptors[0]}},"layers":[{{string.Join(',', descriptors.Skip(1))}}]}"""));
                var reference = Reference.Of(manifest.Digest);
                await store.PutAsync(layout.ManifestKey(name, reference), new ReadOnlySequence<byte>(manifest.Bytes), BucketLayout.ManifestHeaders(manifest, reference), PutCondition.None, cancel);
            }
        });
        var bucket = new Bucket(store, new TransferEngine(new TransferOptions()), new(LayoutKind.V2, Public: false) { Conditions = WriteConditions.Both });

        var (report, first) = await CollectAsync();
        Assert.Equal(Garbage * repositories, report.Keys.Count);
        var before = Objects * repositories;
        // Before the first round, before the removal, and afterwards; pages that are not whole, and lists of few.
        Assert.InRange(first.Lists, (3 * before / 1000) - repositories / 10, (3 * before / 1000) + 15);
        Assert.InRange(first.Gets - (Manifests * repositories), 1, 15);

        var (again, second) = await CollectAsync();
        Assert.Empty(again.Keys);
        Assert.Equal(before - (Garbage * repositories) + Own, again.Kept.Objects);
        // One look, which is the listing afterwards too.
        Assert.InRange(second.Lists, again.Kept.Objects / 1000, (again.Kept.Objects / 1000) + 8);
        Assert.InRange(second.Gets, 1, 8);

        async Task<(CollectReport Report, (long Lists, long Gets) Cost)> CollectAsync()
        {
            var (lists, gets) = (Of(StoreOperation.ListObjects), Of(StoreOperation.GetObject));
            var found = await new Collector(bucket, new() { Alone = true }).RunAsync(Cancel);
            return (found, (Of(StoreOperation.ListObjects) - lists, Of(StoreOperation.GetObject) - gets));
        }

        long Of(StoreOperation operation) => meter.Counts.GetValueOrDefault(operation);
    }
}
