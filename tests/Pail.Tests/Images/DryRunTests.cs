using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Copy;
using Pail.Images;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Transfer;

namespace Pail.Tests.Images;

/// <summary>A dry run says what the copy then does, and does none of it.</summary>
public sealed class DryRunTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly TransferEngine _engine = new(new TransferOptions());
    private readonly RequestMeter _meter = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(LayoutKind.V2, false)]
    [InlineData(LayoutKind.Pool, false)]
    [InlineData(LayoutKind.V2, true)]
    public async Task DryRun_OfEachKind_ForecastsTheRequestsOfTheCopy(LayoutKind layout, bool open)
    {
        var registry = await BucketAsync(layout, open);
        var root = MemoryImage.Plain(7).Root!;
        foreach (var (kind, image) in (IEnumerable<(string, MemoryImage)>)[("plain", MemoryImage.Plain()), ("index", MemoryImage.Index()), ("nested", MemoryImage.Nested()), ("large", Large()), ("referring", Referring(root))])
        {
            var before = Files();
            var (forecast, said) = await CopyAsync(registry, kind, image, dryRun: true);
            Assert.Equal(before, Files());
            var (made, did) = await CopyAsync(registry, kind, image, dryRun: false);
            Assert.Equal((said.Sent, said.Existed, said.BytesSent), (did.Sent, did.Existed, did.BytesSent));
            Assert.Equal(made, forecast);

            (forecast, said) = await CopyAsync(registry, kind, image, dryRun: true);
            Assert.Equal((true, 0L), (said.Unchanged, forecast));
        }
    }

    [Fact]
    public async Task DryRun_FromAnotherRepository_ForecastsCopies()
    {
        var registry = await BucketAsync(LayoutKind.V2, open: false);
        var image = Large();
        await CopyAsync(registry, "one", image, dryRun: false);
        var (forecast, said) = await CopyAsync(registry, "two", image, dryRun: true, from: "one");
        Assert.Equal(2, said.Copied);
        Assert.Equal((await CopyAsync(registry, "two", image, dryRun: false, from: "one")).ClassA, forecast);
    }

    [Theory]
    [InlineData("bucket")]
    [InlineData("layout")]
    public async Task DryRun_OfSeveralTags_CountsWhatTheyShareOnce(string place)
    {
        var registry = await BucketAsync(LayoutKind.V2, open: false);
        // Two that share a layer, one of them again under another name, and an index that lists both.
        var (both, first, second) = Overlapping();
        (string Tag, MemoryImage Image)[] images = [("1", first), ("2", second), ("latest", second), ("all", both)];
        var layout = Path.Combine(_folder.Path, "layout");
        async Task<List<(long ClassA, int Sent, int Existed, long Bytes)>> RunAsync(DryRunState? forecast)
        {
            var dry = new DryRunStore(registry.Store, _meter);
            var told = new List<(long, int, int, long)>();
            foreach (var (tag, image) in images)
            {
                var (requests, result) = place == "bucket"
                    ? await CopyAsync(registry, "app", image, dryRun: forecast is not null, tag: tag, dry: dry)
                    : (0, await Copying.RunAsync(image, forecast is null ? new OciLayoutSink(layout, tag) : new DryRunSink(new OciLayoutSink(layout, tag), forecast)));
                told.Add((requests, result.Sent, result.Existed, result.BytesSent));
            }
            return told;
        }

        var said = await RunAsync(new DryRunState());

        Assert.Equal([3, 2, 0, 0], said.Select(one => one.Sent));
        Assert.Equal(await RunAsync(null), said);
    }

    private static (MemoryImage Both, MemoryImage First, MemoryImage Second) Overlapping()
    {
        var (both, images) = (new MemoryImage(), (MemoryImage[])[new(), new()]);
        var manifests = new List<Manifest>();
        foreach (var image in images)
        {
            Descriptor Add(byte[] bytes, string type)
            {
                both.Add(bytes, type);
                return image.Add(bytes, type);
            }
            var config = Add(ImageBytes.Bytes(new Random(manifests.Count), 10), MediaTypes.OciEmpty);
            Descriptor[] layers = [Add(new byte[100_000], MediaTypes.OciLayerTar), Add(ImageBytes.Bytes(new Random(manifests.Count), 100_000), MediaTypes.OciLayerTar)];
            manifests.Add(both.AddManifest(image.AddManifest(ImageBuilder.ManifestOf(config, layers))));
        }
        both.AddIndex(manifests.Select(one => (one.Descriptor, (string?)null)));
        return (both, images[0], images[1]);
    }

    private static MemoryImage Large()
    {
        var image = new MemoryImage();
        var config = image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty);
        image.AddManifest(ImageBuilder.ManifestOf(config, [image.Add(ImageBytes.Bytes(new Random(2), 30 << 20), MediaTypes.OciLayerTar)]));
        return image;
    }

    private static MemoryImage Referring(Manifest subject)
    {
        var image = new MemoryImage();
        image.AddImage([], subject.Descriptor, config: image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty));
        return image;
    }

    private async Task<(long ClassA, CopyResult Result)> CopyAsync(Bucket registry, string repository, MemoryImage image, bool dryRun, string? from = null, string tag = "1", DryRunStore? dry = null)
    {
        var before = _meter.ClassA;
        var bucket = dryRun ? new Bucket(dry ?? new DryRunStore(registry.Store, _meter), _engine, registry.Settings) : registry;
        var sink = new BucketSink(bucket.Repository(RepositoryName.Parse(repository)), Reference.Parse(tag), from is null ? null : RepositoryName.Parse(from));
        var result = await Copying.RunAsync(image, sink);
        return (_meter.ClassA - before, result);
    }

    private string[] Files() => [.. Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private Task<Bucket> BucketAsync(LayoutKind layout, bool open) =>
        BucketSetup.RunAsync(new FolderStore(_folder.Path, _meter), _engine, BucketLayout.Of(layout), open, default);
}
