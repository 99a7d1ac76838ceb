using System.Text;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Compression;
using Pail.Copy;
using Pail.Docker;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Transfer;

namespace Pail.Tests.Images;

/// <summary>What a bucket knows of an engine's images is neither compressed nor sent again, whoever asks.</summary>
public sealed class LayerMemoryTests : IAsyncDisposable
{
    private static readonly RepositoryName App = RepositoryName.Parse("team/app");
    private static readonly RepositoryName Other = RepositoryName.Parse("other");

    private readonly FakeEngine _engine = new();
    private readonly TestFolder _folder = new();
    private readonly RequestMeter _meter = new();

    public static TheoryData<LayoutKind, bool> Cases => new() { { LayoutKind.V2, false }, { LayoutKind.V2, true }, { LayoutKind.Pool, false }, { LayoutKind.Pool, true } };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Push_OneSmallLayerChanged_SendsThatAndConfig(LayoutKind layout, bool since25)
    {
        await InitAsync(layout);
        await PushAsync(_engine.Hold("app:1", DockerTars.Version(1), since25), App, "1");

        var result = await PushAsync(_engine.Hold("app:2", DockerTars.Version(2), since25), App, "2");

        // The large layers were found by their tars; the small one and the config are new.
        Assert.Equal((2, 2, 0), (result.Sent, result.Existed, result.Copied));
        await AssertPulledAsync(DockerTars.Version(2), App, "2");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Push_LargeLayerAmongKnownOnes_IsCompressedAndSent(bool since25)
    {
        await InitAsync(LayoutKind.V2);
        await PushAsync(_engine.Hold("app:1", DockerTars.Version(1), since25), App, "1");
        var image = DockerTars.Version(1);
        image.Layers.Insert(1, ImageBytes.Layer(new Random(9), 9 << 20));
        image.Config = ImageBytes.Config("amd64", image.Layers.Select(layer => Digest.Of(layer)));

        var result = await PushAsync(_engine.Hold("app:2", image, since25), App, "2");

        // With it, the small one and the config, which are not asked for.
        Assert.Equal((3, 2), (result.Sent, result.Existed));
        await AssertPulledAsync(image, App, "2");
    }

    [Fact]
    public async Task Push_LayersKnownInAnotherRepository_AreCopiedByTheStore()
    {
        await InitAsync(LayoutKind.V2);
        await PushAsync(_engine.Hold("app:1", DockerTars.Version(1)), App, "1");

        var result = await PushAsync(_engine.Hold("app:2", DockerTars.Version(2)), Other, "2");

        Assert.Equal((2, 0, 2), (result.Sent, result.Existed, result.Copied));
        await AssertPulledAsync(DockerTars.Version(2), Other, "2");
        // Copied, they still say what they were made of: from there they are found as well.
        await (await OpenAsync()).Repository(App).Blobs.DeleteAsync(result.Root.Digest, default);
        Assert.Equal(2, (await PushAsync(_engine.Hold("app:3", DockerTars.Version(3)), Other, "3")).Existed);
    }

    [Fact]
    public async Task Push_UnchangedImage_AsksEachEndTwiceAtMostAndSavesNothing()
    {
        await InitAsync(LayoutKind.V2);
        await PushAsync(_engine.Hold("app:1", DockerTars.Version(1)), App, "1");
        _engine.Saved.Clear();
        var before = (_meter.ClassA, _meter.ClassB);

        var result = await PushAsync("app:1", App, "1");

        Assert.True(result.Unchanged);
        Assert.Equal((0, 2), (_meter.ClassA - before.ClassA, _meter.ClassB - before.ClassB));
    }

    [Fact]
    public async Task PushOfAnArchive_Unchanged_CompressesNothingAndAsksTwiceAtMost()
    {
        await InitAsync(LayoutKind.V2);
        await PushArchiveAsync(DockerTars.Version(1), "1");
        var before = (_meter.ClassA, _meter.ClassB);

        var (result, read) = await PushArchiveAsync(DockerTars.Version(1), "1");

        Assert.Equal((true, 0L), (result.Unchanged, read));
        Assert.Equal((0, 2), (_meter.ClassA - before.ClassA, _meter.ClassB - before.ClassB));
        // From an engine it is the same image.
        Assert.True((await PushAsync(_engine.Hold("app:1", DockerTars.Version(1)), App, "1")).Unchanged);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PushOfAnArchive_OneSmallLayerChanged_ReadsAndSendsThatAndConfig(bool since25)
    {
        await InitAsync(LayoutKind.V2);
        await PushAsync(_engine.Hold("app:1", DockerTars.Version(1)), App, "1");
        var before = (_meter.ClassA, _meter.ClassB);

        var (result, read) = await PushArchiveAsync(DockerTars.Version(2), "2", since25);

        Assert.Equal((2, 2, 0), (result.Sent, result.Existed, result.Copied));
        Assert.Equal(DockerTars.Version(2).Layers[1].Length, read);
        // Layer, config, manifest and tag; and settings, tag, manifest, for each of three layers what is remembered, and the two found.
        Assert.Equal((4, 8), (_meter.ClassA - before.ClassA, _meter.ClassB - before.ClassB));
        await AssertPulledAsync(DockerTars.Version(2), App, "2");
    }

    [Fact]
    public async Task Push_OfTheContainerdStoreOtherwiseCompressed_IsNotTheSame()
    {
        await InitAsync(LayoutKind.V2);
        var image = MemoryImage.Plain();
        var id = _engine.Ids["app:1"] = image.Root!.Digest.ToString();
        _engine.Saved[id] = DockerTars.Containerd(image);
        Assert.Equal(image.Root.Digest, (await PushAsync("app:1", App, "1")).Root.Digest);
        Assert.True((await PushAsync("app:1", App, "1")).Unchanged);

        var result = await PushAsync("app:1", App, "1", LayerCompression.Parse("none"));

        Assert.False(result.Unchanged);
        Assert.True(LayerCompression.Parse("none").Fits((await (await OpenAsync()).Repository(App).Manifests.GetAsync(Reference.Parse("1"), default))!));
    }

    [Fact]
    public async Task Push_SameImageOtherwiseCompressed_IsNotTheSame()
    {
        await InitAsync(LayoutKind.V2);
        await PushAsync(_engine.Hold("app:1", DockerTars.Version(1)), App, "1");

        var result = await PushAsync("app:1", App, "1", LayerCompression.Parse("none"));

        Assert.False(result.Unchanged);
        await AssertPulledAsync(DockerTars.Version(1), App, "1");
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("no json")]
    [InlineData("other blob")]
    [InlineData("other size")]
    [InlineData("blob gone")]
    [InlineData("huge")]
    public async Task Push_EntryThatLies_IsAsGoodAsNone(string lie)
    {
        await InitAsync(LayoutKind.V2);
        var first = DockerTars.Version(1);
        await PushAsync(_engine.Hold("app:1", first), App, "1");
        var registry = await OpenAsync();
        var blobs = (await registry.Repository(App).Manifests.GetAsync(Reference.Parse("1"), default))!.Layers;
        var key = BucketLayout.MemoryKey(Digest.Of(first.Layers[0]), CompressionKind.Gzip);
        switch (lie)
        {
            case "gone":
                await registry.Store.DeleteAsync(key, default);
                break;
            case "blob gone":
                await registry.Store.DeleteAsync(registry.Layout.BlobKey(App, blobs[0].Digest), default);
                break;
            default:
                await PutAsync(registry, key, lie switch
                {
                    "no json" => "{",
                    // It is there, and in that size, but was made of another tar.
                    "other blob" => Entry(blobs[1].Digest, blobs[1].Size),
                    "other size" => Entry(blobs[0].Digest, blobs[0].Size + 1),
                    _ => new string(' ', 10_000),
                });
                break;
        }

        await PushAsync(_engine.Hold("app:2", DockerTars.Version(2)), App, "2");

        await AssertPulledAsync(DockerTars.Version(2), App, "2");
    }

    [Fact]
    public async Task Push_LayerRemovedAfterItWasFound_SaysSoAndNamesNothing()
    {
        await InitAsync(LayoutKind.V2);
        await PushAsync(_engine.Hold("app:1", DockerTars.Version(1)), App, "1");
        var registry = await OpenAsync();
        await using var source = new DockerDaemonSource(_engine.Client, _engine.Hold("app:2", DockerTars.Version(2)));
        var sink = new BucketSink(registry.Repository(Other), Reference.Parse("2"));
        await source.MakeAsync(sink, default).CountAsync(TestContext.Current.CancellationToken);
        foreach (var layer in (await source.GetRootAsync(default)).Layers)
            await registry.Repository(App).Blobs.DeleteAsync(layer.Digest, default);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(source, sink));

        Assert.Equal(Failure.Conflict, error.Failure);
        Assert.Null(await registry.Repository(Other).Manifests.GetAsync(Reference.Parse("2"), default));
    }

    [Fact]
    public async Task Push_LargeBlobOfAnyOtherSource_IsCopiedFromWhereItIs()
    {
        await InitAsync(LayoutKind.V2);
        await PushAsync(_engine.Hold("app:1", DockerTars.Version(1)), App, "1");
        await using (var from = new BucketSource((await OpenAsync()).Repository(App), Reference.Parse("1")))
            await Copying.RunAsync(from, new OciLayoutSink(_folder["layout"], "1"));

        await using var layout = new OciLayoutSource(_folder["layout"], "1");
        var result = await Copying.RunAsync(layout, new BucketSink((await OpenAsync()).Repository(Other), Reference.Parse("1")));

        Assert.Equal((2, 2), (result.Copied, result.Sent));
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    private FolderStore Store => new(_folder["bucket"], _meter);

    private async Task InitAsync(LayoutKind layout)
    {
        FolderStore.Create(_folder["bucket"]);
        await BucketSetup.RunAsync(Store, new TransferEngine(new TransferOptions()), BucketLayout.Of(layout), null, default);
    }

    // Each time anew, as by another machine.
    private Task<Bucket> OpenAsync() => Bucket.OpenAsync(Store, new TransferEngine(new TransferOptions()), default);

    private async Task<CopyResult> PushAsync(string image, RepositoryName repository, string tag, LayerCompression? compression = null)
    {
        await using var source = new DockerDaemonSource(_engine.Client, image, compression);
        return await ImageCopy.RunAsync(source, new BucketSink((await OpenAsync()).Repository(repository), Reference.Parse(tag)), new CopyOptions(Compression: compression), NoProgress.Instance, default);
    }

    // And how many bytes of layers were read.
    private async Task<(CopyResult Result, long Read)> PushArchiveAsync(DockerTars image, string tag, bool since25 = false)
    {
        await File.WriteAllBytesAsync(_folder["image.tar"], since25 ? image.Since25() : image.Classic());
        await using var source = new DockerArchiveSource(_folder["image.tar"], null);
        return (await Copying.RunAsync(source, new BucketSink((await OpenAsync()).Repository(App), Reference.Parse(tag))), source.BytesRead);
    }

    private async Task AssertPulledAsync(DockerTars image, RepositoryName repository, string tag) =>
        await image.AssertSameAsync(await Copying.ReadAsync(new BucketSource((await OpenAsync()).Repository(repository), Reference.Parse(tag))));

    private static string Entry(Digest digest, long size) => $$"""{"digest":"{{digest}}","size":{{size}},"mediaType":"{{MediaTypes.OciLayerGzip}}","repository":"{{App}}"}""";

    private static Task<string?> PutAsync(Bucket registry, string key, string text) =>
        registry.Store.PutAsync(key, new System.Buffers.ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(text)), new ObjectHeaders(MediaTypes.Json), PutCondition.None, default);
}
