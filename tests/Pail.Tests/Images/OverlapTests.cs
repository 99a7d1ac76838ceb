using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Compression;
using Pail.Copy;
using Pail.Docker;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Transfer;

namespace Pail.Tests.Images;

/// <summary>What is made is sent while the rest is read: here one waits for the other, so that without it nothing would ever end.</summary>
public sealed class OverlapTests : IAsyncDisposable
{
    private const int Large = (1 << 20) + 4096;
    private const string Unpacked = """{"Name":"overlay2","Data":{"UpperDir":"/x"}}""";

    private readonly TestFolder _folder = new();
    private readonly DockerTars _docker = new(layers: 0);
    private FakeEngine _engine = new() { GraphDriver = Unpacked };

    public OverlapTests()
    {
        for (var seed = 1; seed <= 3; seed++)
            _docker.Layers.Add(ImageBytes.Layer(new Random(seed), Large));
        _docker.Config = ImageBytes.Config("amd64", _docker.Layers.Select(layer => Digest.Of(layer)));
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Copy_FromAnEngine_SendsALayerWhileTheNextIsRead(bool since25)
    {
        var sink = new AheadSink();
        // Of the second layer not all comes before the first is there, to its last byte.
        _engine.Holds = (2 * Large, sink.First);
        await using var source = Source(since25 ? _docker.Since25() : _docker.Classic());

        var result = await Copying.RunAsync(source, sink, Cancel);

        Assert.Equal(4, result.Sent);
        MemoryImage.AssertSame(await ReadAsync(), sink.Image);
    }

    [Fact(Timeout = 60_000)]
    public async Task Copy_SourceFailsInTheMiddle_StopsWhatIsSentAndTellsThat()
    {
        var sink = new AheadSink { Never = true };
        await using (_engine)
            _engine = new FakeEngine { BreakAfter = 2 * Large, Holds = (2 * Large, sink.Begun) };
        await using var source = Source(_docker.Classic());

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(source, sink, Cancel));

        Assert.Equal(Failure.Unavailable, error.Failure);
        Assert.Equal((true, 0), (sink.Begun.IsCompletedSuccessfully, sink.Running));
        Assert.Null(sink.Image.Root);
    }

    [Fact(Timeout = 60_000)]
    public async Task Copy_SinkFailsInTheMiddle_StopsReadingAndTellsThat()
    {
        var sink = new AheadSink { Fails = new PailException(Failure.Denied, "full") };
        _engine.Holds = (2 * Large, new TaskCompletionSource().Task);
        await using var source = Source(_docker.Classic());

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(source, sink, Cancel));

        Assert.Equal((Failure.Denied, "full"), (error.Failure, error.Message));
        Assert.Equal(0, sink.Running);
    }

    [Fact(Timeout = 60_000)]
    public async Task Copy_Interrupted_EndsWhatIsSent()
    {
        var sink = new AheadSink { Never = true };
        _engine.Holds = (2 * Large, new TaskCompletionSource().Task);
        await using var source = Source(_docker.Classic());
        using var interrupt = new CancellationTokenSource();

        var copy = Copying.RunAsync(source, sink, interrupt.Token);
        await sink.Begun;
        await interrupt.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => copy);
        Assert.Equal(0, sink.Running);
    }

    [Fact(Timeout = 60_000)]
    public async Task Recompression_OfSeveralLayers_GoesOnAtOnceAndIsSentMeanwhile()
    {
        var sink = new AheadSink();
        var image = Compressed();
        var second = new TaskCompletionSource();
        // The first can't be read before the second is opened, nor the third before the first of these is there.
        await using var source = new GatedSource(image, (layer, cancel) =>
        {
            if (layer == 1)
                second.TrySetResult();
            return layer switch { 0 => second.Task, 2 => sink.First, _ => Task.CompletedTask };
        });

        await RecompressAsync(source, sink);

        var plain = new MemoryImage();
        await RecompressAsync(image, plain);
        MemoryImage.AssertSame(plain, sink.Image);
    }

    [Fact(Timeout = 60_000)]
    public async Task Recompression_SourceFailsInTheMiddle_StopsWhatIsSentAndTellsThat()
    {
        var sink = new AheadSink { Never = true };
        await using var source = new GatedSource(Compressed(), async (layer, cancel) =>
        {
            if (layer < 2)
                return;
            await sink.Begun.WaitAsync(cancel);
            throw new PailException(Failure.Unavailable, "gone");
        });

        var error = await Assert.ThrowsAnyAsync<PailException>(() => RecompressAsync(source, sink));

        Assert.Equal("gone", error.Message);
        Assert.Equal(0, sink.Running);
    }

    [Fact]
    public async Task Source_LayersThatMayNotBelong_AreNotAnnounced()
    {
        // The containerd image store: a layer lies there uncompressed, and its index says that it shall stay so.
        await using (_engine)
            _engine = new FakeEngine();
        var image = new MemoryImage();
        var child = image.AddManifest(ImageBuilder.ManifestOf(image.Add(_docker.Config, MediaTypes.OciConfig), _docker.Layers.Select(layer => image.Add(layer, MediaTypes.OciLayerTar)).ToList()));
        image.AddIndex((child.Descriptor, "amd64"));
        await using var source = Source(DockerTars.Containerd(image));

        var made = await source.MakeAsync(null, Cancel).ToListAsync(Cancel);

        Assert.DoesNotContain(made, blob => blob.IsWorthSending);
    }

    [Fact]
    public async Task Source_SmallLayers_ComeWithTheManifest()
    {
        _docker.Layers[1] = ImageBytes.Layer(new Random(1), 1000);
        _docker.Config = ImageBytes.Config("amd64", _docker.Layers.Select(layer => Digest.Of(layer)));
        await using var source = Source(_docker.Classic());

        var made = await source.MakeAsync(null, Cancel).ToListAsync(Cancel);

        var root = await source.GetRootAsync(Cancel);
        Assert.Equal([root.Layers[0], root.Layers[2]], made.Where(blob => blob.IsWorthSending).Select(blob => blob.Blob), Same);
    }

    [Fact]
    public async Task Push_ToADigestItHasNot_SendsNothing()
    {
        FolderStore.Create(_folder["bucket"]);
        var registry = await BucketSetup.RunAsync(new FolderStore(_folder["bucket"], new RequestMeter()), new TransferEngine(new TransferOptions()), BucketLayout.Of(LayoutKind.V2), null, Cancel);
        var before = Directory.GetFiles(_folder["bucket"], "*", SearchOption.AllDirectories);
        await using var source = Source(_docker.Classic());

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(source, new BucketSink(registry.Repository(RepositoryName.Parse("app")), Reference.Of(Digest.Of([]))), Cancel));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Equal(before, Directory.GetFiles(_folder["bucket"], "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Copy_ForAnotherPlatform_SendsNothing()
    {
        var sink = new AheadSink();
        await using var source = Source(_docker.Classic());

        var error = await Assert.ThrowsAnyAsync<PailException>(() =>
            ImageCopy.RunAsync(source, sink, new CopyOptions([Platform.Parse("linux/arm64")]), NoProgress.Instance, Cancel));

        Assert.Equal(Failure.NotFound, error.Failure);
        Assert.Empty(sink.Image.Blobs);
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    private static Task<CopyResult> RecompressAsync(IImageSource source, IImageSink sink) =>
        ImageCopy.RunAsync(source, sink, new CopyOptions(Compression: LayerCompression.Parse("zstd")), NoProgress.Instance, Cancel);

    private MemoryImage Compressed()
    {
        var image = new MemoryImage();
        image.AddManifest(ImageBuilder.ManifestOf(image.Add(_docker.Config, MediaTypes.OciConfig), _docker.Layers.Select(layer => image.Add(ImageBytes.Gzip(layer), MediaTypes.OciLayerGzip)).ToList()));
        return image;
    }

    private static bool Same(Descriptor one, Descriptor other) => (one.MediaType, one.Digest, one.Size) == (other.MediaType, other.Digest, other.Size);

    private DockerDaemonSource Source(byte[] tar)
    {
        _engine.Ids["app:1"] = _docker.Id;
        _engine.Layers[_docker.Id] = [.. _docker.Layers.Select(layer => Digest.Of(layer))];
        _engine.Saved[_docker.Id] = tar;
        return new(_engine.Client, "app:1");
    }

    private Task<MemoryImage> ReadAsync()
    {
        _engine.Holds = null;
        return Copying.ReadAsync(Source(_docker.Classic()));
    }

    // Opens a layer of an image when it may be.
    private sealed class GatedSource(MemoryImage image, Func<int, CancellationToken, Task> mayOpen) : IImageSource
    {
        public string Name => "gated";

        public Task<Manifest> GetRootAsync(CancellationToken cancel) => image.GetRootAsync(cancel);

        public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => image.GetManifestAsync(descriptor, cancel);

        public async Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel)
        {
            if (image.Root!.Layers.ToList().FindIndex(layer => layer.Digest == blob.Digest) is >= 0 and var layer)
                await mayOpen(layer, cancel);
            return await image.OpenBlobAsync(blob, offset, cancel);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
