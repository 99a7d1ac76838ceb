using Pail.Buckets.Layouts;
using Pail.Compression;
using Pail.Copy;
using Pail.Docker;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Remote;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Remote;

/// <summary>
/// What is asked of a registry when an image is there already, or most of it: CNCF Distribution as Debian has it, and <c>pail serve</c>,
/// each behind a gate that wants tokens and counts. These numbers are promises.
/// </summary>
public abstract class RepushTests : IAsyncLifetime
{
    private readonly RegistryKit _kit = new();
    private readonly FakeEngine _engine = new();
    private IAsyncDisposable _registry = null!;
    private TokenGate _gate = null!;

    /// <summary>Starts a registry that lets everybody in.</summary>
    private protected abstract Task<(IAsyncDisposable Registry, Uri Address)> StartAsync(string folder);

    public async ValueTask InitializeAsync()
    {
        (_registry, var address) = await StartAsync(Directory.CreateDirectory(_kit.Folder["registry"]).FullName);
        _gate = await TokenGate.StartAsync(address);
        _kit.LogIn(_gate.Host, TokenGate.User, TokenGate.Password);
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _gate.DisposeAsync();
        await _registry.DisposeAsync();
        await _engine.DisposeAsync();
        _kit.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Engine_Unchanged_IsAskedForOnceAtEachEndAndNotRead(bool dryRun)
    {
        await PushAsync(Hold(1));
        _engine.Saved.Clear();
        _engine.Requests.Clear();

        var result = await PushAsync("app:1", dryRun: dryRun);

        Assert.True(result.Unchanged);
        Assert.Equal(["GET /v2/team/app/manifests/1"], _gate.Admitted);
        Assert.Equal(["/images/app:1/json"], _engine.Requests);
    }

    [Fact]
    public async Task Engine_UnchangedIndexOfTheContainerdStore_IsAskedForOnceAtEachEnd()
    {
        var index = MemoryImage.Index();
        await RegistryKit.CopyAsync(index, Sink());
        _gate.Admitted.Clear();
        _engine.Ids["app:1"] = index.Root!.Digest.ToString();

        Assert.True((await PushAsync("app:1")).Unchanged);

        Assert.Single(_gate.Admitted);
        Assert.Single(_engine.Requests);
    }

    [Fact]
    public async Task Engine_UnchangedSinceDockerPushedIt_IsAskedForOnceAtEachEnd()
    {
        await RegistryKit.CopyAsync(AsDockerPushes(DockerTars.Version(1)), Sink());
        _gate.Admitted.Clear();

        Assert.True((await PushAsync(Hold(1))).Unchanged);

        Assert.Single(_gate.Admitted);
        Assert.Single(_engine.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Engine_OneSmallLayerChanged_SendsThatAndConfig(bool pushedByDocker)
    {
        if (pushedByDocker)
            await RegistryKit.CopyAsync(AsDockerPushes(DockerTars.Version(1)), Sink());
        else
            await PushAsync(Hold(1));
        _gate.Admitted.Clear();

        var result = await PushAsync(Hold(2));

        Assert.Equal((2, 2, 0), (result.Sent, result.Existed, result.Copied));
        // The image that is there and its config; whether its large layers are, and the manifest, and the two blobs, which are then sent; the manifest.
        Assert.Equal(
            ["GET blobs", "GET manifests", "HEAD blobs", "HEAD blobs", "HEAD blobs", "HEAD blobs", "HEAD manifests", "POST blobs", "POST blobs", "PUT blobs", "PUT blobs", "PUT manifests"],
            _gate.Admitted.Select(line => string.Join(' ', line.Split(' ', '/')[0], line.Split('/')[4])).Order(StringComparer.Ordinal));
        var pulled = await Copying.ReadAsync(Source());
        await DockerTars.Version(2).AssertSameAsync(pulled);
        Assert.All(pulled.Root!.Layers, layer => Assert.Equal(MediaTypes.OciLayerGzip, layer.MediaType));
    }

    [Fact]
    public async Task Engine_DryRun_SaysWhatWouldBeSentAndWritesNothing()
    {
        await PushAsync(Hold(1));

        var result = await PushAsync(Hold(2), dryRun: true);

        Assert.Equal((2, 2, 0), (result.Sent, result.Existed, result.Copied));
        Assert.All(_gate.Admitted, line => Assert.True(line.StartsWith("GET ", StringComparison.Ordinal) || line.StartsWith("HEAD ", StringComparison.Ordinal), line));
    }

    [Fact]
    public async Task Engine_SameImageOtherwiseCompressed_IsSent()
    {
        await PushAsync(Hold(1));

        var result = await PushAsync("app:1", compression: LayerCompression.None);

        // The config alone stays.
        Assert.Equal((3, 1), (result.Sent, result.Existed));
        await DockerTars.Version(1).AssertSameAsync(await Copying.ReadAsync(Source()));
    }

    [Theory]
    [InlineData("config that lists other layers")]
    [InlineData("config that lists none")]
    [InlineData("config that is none")]
    [InlineData("index")]
    [InlineData("artifact")]
    public async Task Engine_TagThatTellsNothing_IsAsGoodAsNone(string what)
    {
        var first = DockerTars.Version(1);
        await RegistryKit.CopyAsync(
            what switch
            {
                "config that lists other layers" => AsDockerPushes(first, ImageBytes.Config("amd64", [Digest.Of(first.Layers[0])])),
                "config that lists none" => AsDockerPushes(first, "{\"rootfs\":{\"type\":\"layers\"}}"u8.ToArray()),
                "config that is none" => AsDockerPushes(first, "[]"u8.ToArray()),
                "index" => MemoryImage.Index(),
                _ => MemoryImage.Artifact(),
            },
            Sink());

        await PushAsync(Hold(2));

        await DockerTars.Version(2).AssertSameAsync(await Copying.ReadAsync(Source()));
    }

    [Fact]
    public async Task RegistryToRegistry_Recompressed_Unchanged_AsksForTheConfigToo()
    {
        await RegistryKit.CopyAsync(MemoryImage.Plain(), Sink());
        Task<CopyResult> RunAsync() => ImageCopy.RunAsync(
            Source(), Sink("team/other"), new(Compression: LayerCompression.Parse("none")), NoProgress.Instance, TestContext.Current.CancellationToken);
        Assert.False((await RunAsync()).Unchanged);
        _gate.Admitted.Clear();

        Assert.True((await RunAsync()).Unchanged);

        Assert.Equal(["GET /v2/team/app/manifests/1", "GET /v2/team/app/blobs/" + MemoryImage.Plain().Root!.Config!.Digest, "GET /v2/team/other/manifests/1"], _gate.Admitted);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("twelve layers")]
    [InlineData("index")]
    [InlineData("schema 2")]
    public async Task RegistryOrLayout_Unchanged_IsAskedForOnceAtEachEnd(string kind)
    {
        var image = MemoryImage.Of(kind);
        await RegistryKit.CopyAsync(image, new OciLayoutSink(_kit.Folder["layout"], "1"));
        OciLayoutSource Layout() => new(_kit.Folder["layout"], "1");
        await RegistryKit.CopyAsync(Layout(), Sink());
        await RegistryKit.CopyAsync(Source(), Sink("team/other"));
        _gate.Admitted.Clear();

        Assert.True((await RegistryKit.CopyAsync(Layout(), Sink())).Unchanged);
        Assert.True((await RegistryKit.CopyAsync(Source(), Sink("team/other"))).Unchanged);
        Assert.True((await RegistryKit.CopyAsync(Source(), new OciLayoutSink(_kit.Folder["layout"], "1"))).Unchanged);

        Assert.Equal(
            ["HEAD /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1", "HEAD /v2/team/other/manifests/1", "GET /v2/team/app/manifests/1"],
            _gate.Admitted);
    }

    /// <summary>Where the registry keeps things.</summary>
    private protected string Storage => _kit.Folder["registry"];

    private protected string Hold(int version) => _engine.Hold($"app:{version}", DockerTars.Version(version));

    private protected RegistrySource Source() => _kit.Source(_gate.Host);

    private protected async Task<CopyResult> PushAsync(string image, bool dryRun = false, LayerCompression? compression = null)
    {
        _gate.Admitted.Clear();
        await using var source = new DockerDaemonSource(_engine.Client, image, compression);
        await using var sink = Sink();
        return await Copying.RunAsync(source, dryRun ? new DryRunSink(sink, new()) : sink);
    }

    private protected RegistrySink Sink(string repository = "team/app") => _kit.Sink(_gate.Host, repository);

    private static MemoryImage AsDockerPushes(DockerTars tars, byte[]? otherConfig = null)
    {
        var image = new MemoryImage();
        var layers = tars.Layers.Select(layer => image.Add(ImageBytes.Gzip(layer), MediaTypes.DockerLayerGzip)).ToList();
        var config = image.Add(otherConfig ?? tars.Config, MediaTypes.DockerConfig);
        image.AddManifest(Manifest.Parse(ManifestJson.Image(config, layers, type: MediaTypes.DockerManifest)));
        return image;
    }
}

/// <inheritdoc/>
[NeedsServers]
public sealed class DebianRepushTests : RepushTests
{
    private protected override async Task<(IAsyncDisposable Registry, Uri Address)> StartAsync(string folder)
    {
        var registry = await DebianRegistry.StartAsync(open: folder);
        return (registry, new Uri($"http://{registry.Host}"));
    }

    [Fact]
    public async Task Engine_LayerThatTheRegistryLost_IsSentAgain()
    {
        await PushAsync(Hold(1));
        var lost = (await Copying.ReadAsync(Source())).Root!.Layers[0].Digest;
        Directory.Delete(Assert.Single(Directory.EnumerateDirectories(Storage, lost.Hex, SearchOption.AllDirectories), path => path.Contains("/_layers/", StringComparison.Ordinal)), recursive: true);

        var result = await PushAsync(Hold(2));

        Assert.Equal((3, 1), (result.Sent, result.Existed));
        await DockerTars.Version(2).AssertSameAsync(await Copying.ReadAsync(Source()));
    }
}

/// <inheritdoc/>
public sealed class ServedRepushTests : RepushTests
{
    private protected override async Task<(IAsyncDisposable Registry, Uri Address)> StartAsync(string folder)
    {
        var meter = new RequestMeter();
        var server = await TestServer.StartAsync(new FolderStore(folder, meter), meter, LayoutKind.V2);
        return (server, server.Address);
    }

    [Fact]
    public async Task Copy_BlobsThatTheServerFindsElsewhere_AreNotSent()
    {
        await RegistryKit.CopyAsync(MemoryImage.Plain(layers: 3), Sink());
        var result = await RegistryKit.CopyAsync(MemoryImage.Plain(layers: 3), Sink("team/other"));
        Assert.Equal((0, 4), (result.Sent, result.Copied));
    }
}
