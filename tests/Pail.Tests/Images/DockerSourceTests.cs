using System.IO.Compression;
using System.Text;
using Pail.Docker;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Tests.Images;

public sealed class DockerSourceTests : IAsyncDisposable
{
    private readonly FakeEngine _engine = new();
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Source_ClassicStore_GivesTheConfigItselfAndCompressedLayers()
    {
        var docker = new DockerTars();

        var image = await ReadAsync(docker.Id, docker.Classic());

        var root = image.Root!;
        Assert.Equal(MediaTypes.OciManifest, root.MediaType);
        Assert.Equal(MediaTypes.OciConfig, root.Config!.MediaType);
        Assert.Equal(docker.Config, image.Blobs[root.Config.Digest]);
        Assert.All(root.Layers, layer => Assert.Equal(MediaTypes.OciLayerGzip, layer.MediaType));
        Assert.Equal(docker.Layers, root.Layers.Select(layer => Unzip(image.Blobs[layer.Digest])));
    }

    [Fact]
    public async Task Source_SameImageFromOldAndNewDocker_HasTheSameDigest()
    {
        var docker = new DockerTars();

        var old = await ReadAsync(docker.Id, docker.Classic());
        var now = await ReadAsync(docker.Id, docker.Since25());

        MemoryImage.AssertSame(old, now);
    }

    [Fact]
    public async Task Source_LayerThatComesTwice_IsOneBlobNamedTwice()
    {
        var docker = new DockerTars();
        docker.Layers.Add(docker.Layers[0]);
        docker.Config = ImageBytes.Config("amd64", docker.Layers.Select(layer => Digest.Of(layer)));

        var image = await ReadAsync(docker.Id, docker.Classic());

        Assert.Equal(4, image.Root!.Layers.Count);
        Assert.Equal(image.Root.Layers[0].Digest, image.Root.Layers[3].Digest);
        Assert.Equal(4, image.Blobs.Count);
    }

    [Fact]
    public async Task Source_EmptyLayer_IsCompressedToo()
    {
        var docker = new DockerTars(layers: 1);
        docker.Layers.Add(new byte[1024]);
        docker.Config = ImageBytes.Config("amd64", docker.Layers.Select(layer => Digest.Of(layer)));

        var image = await ReadAsync(docker.Id, docker.Classic());

        Assert.Equal(MediaTypes.OciLayerGzip, image.Root!.Layers[1].MediaType);
        Assert.Equal(new byte[1024], Unzip(image.Blobs[image.Root.Layers[1].Digest]));
    }

    [Theory]
    [MemberData(nameof(MemoryImage.Kinds), MemberType = typeof(MemoryImage))]
    public async Task Source_ContainerdStore_GivesWhatItHasByteForByte(string kind)
    {
        var image = MemoryImage.Of(kind);

        MemoryImage.AssertSame(image, await ReadAsync(image.Root!.Digest.ToString(), DockerTars.Containerd(image)));
    }

    [Fact]
    public async Task Source_ContainerdStoreIndexWithUncompressedLayers_GivesThemUncompressed()
    {
        var image = new MemoryImage();
        var layer = ImageBytes.Layer(new Random(1), 3_000_000);
        var child = image.AddManifest(ImageBuilder.ManifestOf(
            image.Add(ImageBytes.Config("amd64", [Digest.Of(layer)]), MediaTypes.OciConfig), [image.Add(layer, MediaTypes.OciLayerTar)]));
        image.AddIndex((child.Descriptor, "amd64"));

        MemoryImage.AssertSame(image, await ReadAsync(image.Root!.Digest.ToString(), DockerTars.Containerd(image)));

        await using var source = Source(image.Root.Digest.ToString());
        await using var stream = await source.OpenBlobAsync(child.Layers[0], 2_000_000, default);
        using var rest = new MemoryStream();
        await stream.CopyToAsync(rest);
        Assert.Equal(layer[2_000_000..], rest.ToArray());
    }

    [Fact]
    public async Task Source_OnePlatformOfAnIndex_StandsForIt()
    {
        var image = MemoryImage.Index();
        var (here, absent) = (image.Root!.Manifests[1], image.Manifests[image.Root.Manifests[0].Digest]);

        var read = await ReadAsync(image.Root.Digest.ToString(), DockerTars.Containerd(image, absent.Digest, absent.Layers[0].Digest));

        Assert.Equal(here.Digest, read.Root!.Digest);
        Assert.Equal(image.Manifests[here.Digest].Bytes.ToArray(), read.Root.Bytes.ToArray());
    }

    [Fact]
    public async Task Source_SomePlatformsOfAnIndex_StayAnIndexAndTheAbsentIsNotFound()
    {
        var image = MemoryImage.Index(architectures: ["amd64", "arm64", "riscv64"]);
        var (here, absent) = (image.Root!.Manifests[0], image.Root.Manifests[2]);
        _engine.Ids["app:1.0"] = image.Root.Digest.ToString();
        _engine.Saved[image.Root.Digest.ToString()] = DockerTars.Containerd(image, absent.Digest);
        await using var source = Source("app:1.0");

        Assert.Equal(image.Root.Digest, (await source.GetRootAsync(default)).Digest);
        Assert.Equal(here.Digest, (await source.GetManifestAsync(here, default)).Digest);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => source.GetManifestAsync(absent, default));
        Assert.Equal(Failure.NotFound, error.Failure);
        Assert.Contains("--platform", error.Message);
    }

    public static readonly TheoryData<string, string> BadTars = new()
    {
        { "layer changed", "a layer has the digest" },
        { "blob changed", "has the digest" },
        { "layer missing", "is missing" },
        { "config missing", "is missing" },
        { "config is no JSON", "can't be used: it is not JSON (line 1, byte" },
        { "fewer layers than diffIDs", "lists 3 layers, and 2 came" },
        { "two images", "it lists 2 images" },
        { "nothing", "names an image" },
        { "link outside", "is missing" },
        { "links in a ring", "is missing" },
        { "path outside", "leads outside" },
        { "twice", "twice" },
        { "huge config", "at most 4194304" },
        { "no tar", "not a tar" },
    };

    [Theory]
    [MemberData(nameof(BadTars))]
    public async Task Source_BadTar_IsOneClearLine(string kind, string says)
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => ReadAsync("sha256:1", Bad(kind)));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(says, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task Source_ConnectionBreaks_IsUnavailable()
    {
        var docker = new DockerTars();
        await using var engine = new FakeEngine { BreakAfter = 100_000, Ids = { ["app:1.0"] = docker.Id }, Saved = { [docker.Id] = docker.Classic() } };

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(new DockerDaemonSource(engine.Client, "app:1.0")));

        Assert.Equal(Failure.Unavailable, error.Failure);
    }

    [Fact]
    public async Task Source_NoSuchImage_SaysSo()
    {
        await using var source = Source("nope");

        var error = await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(default));

        Assert.Equal(Failure.NotFound, error.Failure);
        Assert.Contains("no image nope", error.Message);
    }

    [Theory]
    [InlineData("../containers")]
    [InlineData("a/../../containers")]
    [InlineData("a?b")]
    [InlineData("a b")]
    [InlineData("a//b")]
    public async Task Source_NameThatIsAPath_NeverReachesTheEngine(string name)
    {
        await using var source = Source(name);

        Assert.Equal(Failure.BadInput, (await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(default))).Failure);
    }

    [Fact]
    public async Task Source_NobodyListens_SaysWhereItLooked()
    {
        await using var source = new DockerDaemonSource(new DockerEngine($"unix://{_folder["nothing.sock"]}"), "app");

        var error = await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(default));

        Assert.Equal(Failure.Unavailable, error.Failure);
        Assert.Contains("nothing.sock", error.Message);
        Assert.Contains("DOCKER_HOST", error.Message);
    }

    [Theory]
    [InlineData("ssh://me@there")]
    [InlineData("npipe:////./pipe/docker_engine")]
    [InlineData("tcp://user:secret@host:1")]
    [InlineData("nonsense")]
    public void Engine_AddressItCannotUse_IsRefusedWithoutTellingSecrets(string host)
    {
        var error = Assert.Throws<PailException>(() => new DockerEngine(host));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.DoesNotContain("secret", error.Message);
    }

    [Fact]
    public async Task Source_TemporaryFile_HasNoName()
    {
        var docker = new DockerTars();
        var before = Directory.GetFiles(Path.GetTempPath(), "pail-*.tmp").Length;
        _engine.Ids["app"] = docker.Id;
        _engine.Saved[docker.Id] = docker.Classic();
        await using var source = Source("app");

        await source.GetRootAsync(default);

        Assert.Equal(before, Directory.GetFiles(Path.GetTempPath(), "pail-*.tmp").Length);
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    private static byte[] Bad(string kind)
    {
        var docker = new DockerTars();
        var (good, changed) = (docker.Layers[1], docker.Layers[1].ToArray());
        changed[600] ^= 1;
        switch (kind)
        {
            case "layer changed":
                docker.Layers[1] = changed;
                return docker.Classic();
            case "blob changed":
                return new TarBytes().File(LayoutPaths.Blob(Digest.Of(good)), changed).ToArray();
            case "fewer layers than diffIDs":
                docker.Layers.RemoveAt(2);
                return docker.Classic();
            case "config is no JSON":
                docker.Config = "nonsense"u8.ToArray();
                return docker.Classic();
            case "huge config":
                docker.Config = new byte[5_000_000];
                return docker.Classic();
            case "twice":
                return [.. docker.Classic()[..^1024], .. new TarBytes().File("manifest.json", "[]").ToArray()];
            default:
                const string manifest = """[{"Config":"c.json","Layers":["l/layer.tar"]}]""";
                var tar = new TarBytes();
                return (kind switch
                {
                    "layer missing" => tar.File("c.json", docker.Config).File("manifest.json", manifest),
                    "config missing" => tar.File("manifest.json", manifest),
                    "two images" => tar.File("manifest.json", """[{"Config":"a","Layers":[]},{"Config":"b","Layers":[]}]"""),
                    "nothing" => tar.File("hello", "x"),
                    "link outside" => tar.File("c.json", docker.Config).Link("l/layer.tar", "../../../etc/passwd").File("manifest.json", manifest),
                    "links in a ring" => tar.File("c.json", docker.Config).Link("l/layer.tar", "../m").Link("m", "l/layer.tar").File("manifest.json", manifest),
                    "path outside" => tar.File("../../etc/cron.d/x", "x"),
                    "no tar" => tar.Raw(Encoding.ASCII.GetBytes(new string('x', 2000))),
                    _ => throw new ArgumentOutOfRangeException(nameof(kind)),
                }).ToArray();
        }
    }

    private DockerDaemonSource Source(string image) => new(_engine.Client, image);

    // Through a sink that verifies, as all of Pail's do.
    private async Task<MemoryImage> ReadAsync(string id, byte[] tar)
    {
        _engine.Ids[id] = id;
        _engine.Saved[id] = tar;
        var layout = _folder[Guid.NewGuid().ToString()];
        await using (var source = Source(id))
            await Copying.RunAsync(source, new OciLayoutSink(layout, null));
        return await Copying.ReadAsync(new OciLayoutSource(layout, null));
    }

    private static byte[] Unzip(byte[] gzip)
    {
        using var stream = new GZipStream(new MemoryStream(gzip), CompressionMode.Decompress);
        using var output = new MemoryStream();
        stream.CopyTo(output);
        return output.ToArray();
    }
}
