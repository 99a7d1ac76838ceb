using Pail.Copy;
using Pail.Docker;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Tests.Images;

public sealed class DockerArchiveTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string Archive => _folder["image.tar"];

    [Theory]
    [InlineData("up to 24", false)]
    [InlineData("up to 24", true)]
    [InlineData("since 25", false)]
    [InlineData("since 25", true)]
    [InlineData("several", false)]
    [InlineData("several", true)]
    public async Task Source_SavedByAnyDocker_IsTheSameImage(string age, bool gzip)
    {
        var docker = new DockerTars();
        var tar = age switch
        {
            "up to 24" => docker.Classic(),
            "since 25" => docker.Since25(),
            _ => DockerTars.Several((docker, ["app:1"]), (new DockerTars(seed: 2), ["app:2"])),
        };

        var image = await ReadAsync(gzip ? ImageBytes.Gzip(tar) : tar, age == "several" ? "app:1" : null);

        Assert.Equal(docker.Config, image.Blobs[image.Root!.Config!.Digest]);
        Assert.All(image.Root.Layers, layer => Assert.Equal(MediaTypes.OciLayerGzip, layer.MediaType));
        // As from an engine: the manifest follows from config and layers alone.
        MemoryImage.AssertSame(await ReadAsync(docker.Classic(), null), image);
    }

    [Theory]
    [MemberData(nameof(MemoryImage.Kinds), MemberType = typeof(MemoryImage))]
    public async Task Source_SavedByTheContainerdStore_IsByteForByte(string kind)
    {
        var image = MemoryImage.Of(kind);

        MemoryImage.AssertSame(image, await ReadAsync(DockerTars.Containerd(image), null));
    }

    [Theory]
    [InlineData("app", 0)]
    [InlineData("app:latest", 0)]
    [InlineData("docker.io/library/app:latest", 0)]
    [InlineData("localhost:5000/app", 1)]
    [InlineData("team/app:1", 1)]
    [InlineData("@0", 0)]
    [InlineData("@2", 2)]
    public async Task Source_OneOfSeveral_IsFoundByNameOrPlace(string asked, int expected)
    {
        var images = new DockerTars[] { new(1), new(2), new(3) };
        // The last shares the layers of the first, which it only links to.
        images[2].Layers.Add(images[0].Layers[1]);
        images[2].Config = ImageBytes.Config("amd64", images[2].Layers.Select(layer => Digest.Of(layer)));
        var tar = DockerTars.Several((images[0], ["app:latest"]), (images[1], ["localhost:5000/app:latest", "team/app:1"]), (images[2], []));

        var image = await ReadAsync(tar, asked);

        Assert.Equal(images[expected].Config, image.Blobs[image.Root!.Config!.Digest]);
        MemoryImage.AssertSame(await ReadAsync(images[expected].Classic(), null), image);
    }

    [Fact]
    public async Task Source_OneOfSeveral_ReadsItsLayersOnly()
    {
        var images = new DockerTars[] { new(1), new(2), new(3) };
        images[2].Layers.Add(images[0].Layers[1]);
        images[2].Config = ImageBytes.Config("amd64", images[2].Layers.Select(layer => Digest.Of(layer)));
        await File.WriteAllBytesAsync(Archive, DockerTars.Several((images[0], ["a:1"]), (images[1], ["b:1"]), (images[2], ["c:1"])));
        await using var source = new DockerArchiveSource(Archive, "c:1");

        await source.GetRootAsync(default);

        Assert.Equal(images[2].Layers.Sum(layer => layer.Length), source.BytesRead);
    }

    [Fact]
    public async Task Source_EachLayer_CanBeOpenedBeforeTheNextIsRead()
    {
        var docker = new DockerTars(layers: 0);
        for (var seed = 1; seed <= 3; seed++)
            docker.Layers.Add(ImageBytes.Layer(new Random(seed), (1 << 20) + seed));
        docker.Config = ImageBytes.Config("amd64", docker.Layers.Select(layer => Digest.Of(layer)));
        await File.WriteAllBytesAsync(Archive, docker.Classic());
        await using var source = new DockerArchiveSource(Archive, null);
        var made = new List<(Descriptor Blob, long Read, Task<Stream> Open)>();
        await foreach (var (blob, _) in source.MakeAsync(null, default))
            made.Add((blob, source.BytesRead, source.OpenBlobAsync(blob, 0, default)));

        var root = await source.GetRootAsync(default);

        Assert.Equal(root.Layers.Select(layer => layer.Digest), made.Select(layer => layer.Blob.Digest));
        Assert.Equal(Enumerable.Range(1, 3).Select(count => docker.Layers.Take(count).Sum(layer => (long)layer.Length)), made.Select(layer => layer.Read));
        foreach (var (blob, _, open) in made)
        {
            await using var stream = await open;
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes);
            Assert.Equal(blob.Digest, Digest.Of(bytes.ToArray()));
        }
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("index")]
    public async Task Source_NothingToCompress_IsReadWhereItLies(string kind)
    {
        await File.WriteAllBytesAsync(Archive, DockerTars.Containerd(MemoryImage.Of(kind)));
        await using var source = new DockerArchiveSource(Archive, null);
        var image = new MemoryImage();

        await Copying.RunAsync(source, image);

        Assert.Equal(0, source.BytesRead);
        MemoryImage.AssertSame(MemoryImage.Of(kind), image);
    }

    [Theory]
    [InlineData("app:1", "plain")]
    [InlineData("app:2", "index")]
    [InlineData("docker.io/library/app:2", "index")]
    public async Task Source_OneOfSeveralOfTheContainerdStore_KeepsItsDigestAndPlatforms(string asked, string kind)
    {
        var tar = DockerTars.ContainerdSeveral((MemoryImage.Plain(5), "app:1"), (MemoryImage.Index(6), "app:2"));

        MemoryImage.AssertSame(MemoryImage.Of(kind, kind == "plain" ? 5 : 6), await ReadAsync(tar, asked));
    }

    [Theory]
    [InlineData(null, Failure.BadInput, "holds 3 images; add ':' and one of app:1, app:2, team/app:1, @2.")]
    [InlineData("app:3", Failure.NotFound, "has no image app:3; it has app:1, app:2, team/app:1, @2.")]
    [InlineData("@3", Failure.NotFound, "has no image @3; it has")]
    public async Task Source_NotOneOfSeveral_ListsThem(string? asked, Failure failure, string says)
    {
        var tar = DockerTars.Several((new DockerTars(1, 1), ["app:1"]), (new DockerTars(2, 1), ["app:2", "team/app:1"]), (new DockerTars(3, 1), []));

        var error = await Assert.ThrowsAnyAsync<PailException>(() => ReadAsync(tar, asked));

        Assert.Equal(failure, error.Failure);
        Assert.Contains(says, error.Message);
    }

    public static readonly TheoryData<string, string> BadTars = new()
    {
        { "cut", "in the middle" },
        { "cut gzip", "" },
        { "damaged gzip", "gzip" },
        { "zstd", "zstd" },
        { "empty", "empty" },
        { "before 1.10", "before 1.10" },
        { "an OCI layout in a tar", "" },
        { "hello", "no manifest.json" },
        { "list is no JSON", "manifest.json can't be used" },
        { "list is no list", "manifest.json can't be used" },
        { "list of strings", "manifest.json can't be used" },
        { "huge list", "at most 4194304" },
        { "huge index", "at most 16777216" },
        { "no images", "names an image" },
        { "layer changed", "a layer has the digest" },
        { "layer missing", "is missing" },
        { "layer is a folder", "is missing" },
        { "config missing", "is missing" },
        { "config outside", "is missing" },
        { "link outside", "is missing" },
        { "links in a ring", "is missing" },
        { "path outside", "leads outside" },
        { "fewer layers", "lists 3 layers, and 2 came" },
        { "many entries", "more than 262144 entries" },
        { "size beyond all", "ends in the middle" },
        { "long names", "more than 512 characters" },
    };

    [Theory]
    [MemberData(nameof(BadTars))]
    public async Task Source_Bad_IsOneClearLine(string kind, string says)
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => ReadAsync(Bad(kind), null));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(says, error.Message);
        Assert.StartsWith("docker-archive:", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.Equal(["image.tar"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Source_NotThere_SaysSo()
    {
        await using var source = new DockerArchiveSource(Archive, null);

        Assert.Equal(Failure.NotFound, (await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(default))).Failure);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("twelve layers")]
    [InlineData("no layers")]
    [InlineData("sha512")]
    public async Task Sink_Image_ComesBackByteForByteAndTwiceIsTheSameFile(string kind)
    {
        var image = MemoryImage.Of(kind);
        Assert.False((await PutAsync(image, "team/app:1.0")).Unchanged);
        var first = await File.ReadAllBytesAsync(Archive);

        foreach (var name in new[] { null, "team/app:1.0", "docker.io/team/app:1.0", "@0" })
            MemoryImage.AssertSame(image, await Copying.ReadAsync(new DockerArchiveSource(Archive, name)));
        // An OCI archive as well, for what knows that better.
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(Archive, "1.0")));
        Assert.True((await PutAsync(image, "team/app:1.0")).Unchanged);
        Assert.Equal(Failure.BadInput, (await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(image, "team/app:1.1"))).Failure);
        File.Delete(Archive);
        await PutAsync(image, "team/app:1.0");
        Assert.Equal(first, await File.ReadAllBytesAsync(Archive));
    }

    [Fact]
    public async Task Sink_WithoutName_HoldsOneWithout()
    {
        await PutAsync(MemoryImage.Plain(), null);

        MemoryImage.AssertSame(MemoryImage.Plain(), await Copying.ReadAsync(new DockerArchiveSource(Archive, null)));
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(new DockerArchiveSource(Archive, "app")));
        Assert.Contains("it has @0", error.Message);
    }

    [Fact]
    public async Task Sink_OciArchiveOfTheSameImage_IsNotTakenForADockerArchive()
    {
        await using (var sink = new OciArchiveSink(Archive, null))
            await Copying.RunAsync(MemoryImage.Plain(), sink);

        Assert.Contains("exists", (await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(MemoryImage.Plain(), null))).Message);
    }

    [Fact]
    public async Task Sink_Index_TakesThePlatformOfThisMachine()
    {
        var image = MemoryImage.Index();

        var result = await PutAsync(image, "app:1");

        Assert.Equal(image.Root!.Manifests.First(entry => PlatformChoice.Host.Accepts(entry.Platform!)).Digest, result.Root.Digest);
    }

    [Fact]
    public async Task Sink_Artifact_IsRefusedAndLeavesNothing()
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(MemoryImage.Artifact(), "app:1"));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains("this is an artifact", error.Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Theory]
    [InlineData("@0")]
    [InlineData("App")]
    [InlineData("app@sha256:0000000000000000000000000000000000000000000000000000000000000000")]
    public void Sink_NameThatCannotBeGiven_IsRefused(string name) =>
        Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => new DockerArchiveSink(Archive, name)).Failure);

    public void Dispose() => _folder.Dispose();

    private async Task<CopyResult> PutAsync(MemoryImage image, string? name)
    {
        await using var sink = new DockerArchiveSink(Archive, name);
        return await Copying.RunAsync(image, sink);
    }

    // Through a sink that verifies, as all of Pail's do.
    private async Task<MemoryImage> ReadAsync(byte[] tar, string? image)
    {
        await File.WriteAllBytesAsync(Archive, tar);
        using var folder = new TestFolder();
        await using (var source = new DockerArchiveSource(Archive, image))
            await Copying.RunAsync(source, new OciLayoutSink(folder["layout"], "1"));
        return await Copying.ReadAsync(new OciLayoutSource(folder["layout"], "1"));
    }

    private static byte[] Bad(string kind)
    {
        var docker = new DockerTars();
        var good = docker.Classic();
        var tar = new TarBytes();
        const string list = """[{"Config":"c.json","RepoTags":["app:1"],"Layers":["l/layer.tar"]}]""";
        switch (kind)
        {
            case "cut":
                return good[..(good.Length / 2)];
            case "cut gzip":
                return ImageBytes.Gzip(good)[..^1000];
            case "damaged gzip":
                return [.. ImageBytes.Gzip(good)[..10], .. Enumerable.Repeat((byte)0xFF, 500)];
            case "zstd":
                return [0x28, 0xB5, 0x2F, 0xFD, .. new byte[600]];
            case "empty":
                return [];
            case "layer changed":
                docker.Layers[1][600] ^= 1;
                return docker.Classic();
            case "fewer layers":
                docker.Layers.RemoveAt(2);
                return docker.Classic();
            case "many entries":
                return TarBytes.Headers(262_145);
            default:
                return (kind switch
                {
                    "before 1.10" => tar.File("abc/VERSION", "1.0").File("abc/json", "{}").File("abc/layer.tar", docker.Layers[0]).File("repositories", """{"app":{"1":"abc"}}"""),
                    "an OCI layout in a tar" => tar.File("oci-layout", """{"imageLayoutVersion":"1.0.0"}"""),
                    "hello" => tar.File("hello", "x"),
                    "list is no JSON" => tar.File("manifest.json", "nonsense"),
                    "list is no list" => tar.File("manifest.json", "{}"),
                    "list of strings" => tar.File("manifest.json", """["a"]"""),
                    "huge list" => tar.File("manifest.json", new byte[5_000_000]),
                    "huge index" => tar.File("index.json", new byte[17_000_000]),
                    "no images" => tar.File("manifest.json", "[]"),
                    "layer missing" => tar.File("c.json", docker.Config).File("manifest.json", list),
                    "layer is a folder" => tar.File("c.json", docker.Config).Folder("l/layer.tar").File("manifest.json", list),
                    "config missing" => tar.File("manifest.json", list),
                    "config outside" => tar.File("manifest.json", """[{"Config":"../../../etc/passwd","Layers":[]}]"""),
                    "link outside" => tar.File("c.json", docker.Config).Link("l/layer.tar", "../../../etc/passwd").File("manifest.json", list),
                    "links in a ring" => tar.File("c.json", docker.Config).Link("l/layer.tar", "../m").Link("m", "l/layer.tar").File("manifest.json", list),
                    "path outside" => tar.File("../../etc/cron.d/x", "x"),
                    "size beyond all" => tar.File("manifest.json", list).Raw(TarBytes.Header("x", '0', 1L << 32)),
                    "long names" => new TarBytes { Format = System.Formats.Tar.TarEntryFormat.Pax }.File("manifest.json", list).File(new string('x', 600), "x"),
                    _ => throw new ArgumentOutOfRangeException(nameof(kind)),
                }).ToArray();
        }
    }
}
