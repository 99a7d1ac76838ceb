using Pail.Dir;
using Pail.Docker;
using Pail.Images;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tests.Kit;

namespace Pail.Tests.Images;

/// <summary>Other tools read what Pail writes, and Pail reads what they write.</summary>
public abstract class RealToolTests : IDisposable
{
    private readonly Machine _machine;
    private readonly TestFolder _folder = new();
    private readonly string _name = $"pail-test-{Guid.NewGuid():n}";

    private protected RealToolTests(Machine machine) => _machine = machine;

    private Engine One => _machine == Machine.Here ? Engine.Docker : Engine.Docker26;

    private Engine Two => _machine == Machine.Here ? Engine.Other : Engine.Docker26Containerd;

    [Theory]
    [InlineData("plain")]
    [InlineData("twelve layers")]
    [InlineData("index")]
    public async Task Skopeo_ReadsLayoutsAndArchives(string kind)
    {
        var image = MemoryImage.Of(kind);
        await PutAsync(image, new OciLayoutSink(_folder["layout"], "1"));
        await PutAsync(image, new OciArchiveSink(_folder["image.tar"], "1"));

        foreach (var address in new[] { $"oci:{_folder["layout"]}:1", $"oci-archive:{_folder["image.tar"]}:1" })
        {
            Assert.Equal(image.Root!.Bytes.ToArray(), System.Text.Encoding.UTF8.GetBytes((await RunAsync("skopeo", "inspect", "--raw", address)).Output));
            var copy = _folder[Guid.NewGuid().ToString()];
            await RunAsync("skopeo", "copy", "--quiet", "--all", address, $"oci:{copy}:2");
            MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciLayoutSource(copy, "2")));
        }
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("index")]
    public async Task Skopeo_WritesArchivesThatAreRead(string kind)
    {
        var image = MemoryImage.Of(kind);
        await PutAsync(image, new OciLayoutSink(_folder["layout"], "1"));

        await RunAsync("skopeo", "copy", "--quiet", "--all", $"oci:{_folder["layout"]}:1", $"oci-archive:{_folder["image.tar"]}:2");

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(_folder["image.tar"], "2")));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("index")]
    [InlineData("schema 2")]
    [InlineData("artifact")]
    public async Task Skopeo_AndPailReadAndReplaceEachOthersDirectories(string kind)
    {
        var image = MemoryImage.Of(kind);
        await PutAsync(image, new DirSink(_folder["ours"]));
        Assert.Equal(image.Root!.Bytes.ToArray(), System.Text.Encoding.UTF8.GetBytes((await RunAsync("skopeo", "inspect", "--raw", $"dir:{_folder["ours"]}")).Output));

        await RunAsync("skopeo", "copy", "--quiet", "--all", $"dir:{_folder["ours"]}", $"dir:{_folder["theirs"]}");
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new DirSource(_folder["theirs"])));
        Assert.Equal(Names("ours"), Names("theirs"));

        await PutAsync(MemoryImage.Plain(9), new DirSink(_folder["theirs"]));
        MemoryImage.AssertSame(MemoryImage.Plain(9), await Copying.ReadAsync(new DirSource(_folder["theirs"])));
        await RunAsync("skopeo", "copy", "--quiet", $"dir:{_folder["theirs"]}", $"dir:{_folder["ours"]}");
        MemoryImage.AssertSame(MemoryImage.Plain(9), await Copying.ReadAsync(new DirSource(_folder["ours"])));
        Assert.Equal(Names("ours"), Names("theirs"));
    }

    [Fact]
    public async Task Skopeo_BetweenDirectoriesAndLayouts()
    {
        var image = MemoryImage.Index();
        await PutAsync(image, new OciLayoutSink(_folder["layout"], "1"));

        await RunAsync("skopeo", "copy", "--quiet", "--all", $"oci:{_folder["layout"]}:1", $"dir:{_folder["dir"]}");
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new DirSource(_folder["dir"])));

        await PutAsync(image, new DirSink(_folder["ours"]));
        await RunAsync("skopeo", "copy", "--quiet", "--all", $"dir:{_folder["ours"]}", $"oci:{_folder["other"]}:1");
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciLayoutSource(_folder["other"], "1")));
    }

    [Fact]
    public async Task Skopeo_AddsToALayoutOfPails_AndBothStay()
    {
        var (one, two) = (MemoryImage.Plain(1), MemoryImage.Plain(2));
        await PutAsync(one, new OciLayoutSink(_folder["layout"], "one"));
        await PutAsync(two, new OciLayoutSink(_folder["other"], "two"));

        await RunAsync("skopeo", "copy", "--quiet", $"oci:{_folder["other"]}:two", $"oci:{_folder["layout"]}:two");
        await PutAsync(MemoryImage.Plain(3), new OciLayoutSink(_folder["layout"], "three"));

        MemoryImage.AssertSame(one, await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], "one")));
        MemoryImage.AssertSame(two, await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], "two")));
    }

    [Fact]
    public async Task Umoci_ListsLayouts()
    {
        await PutAsync(MemoryImage.Plain(1), new OciLayoutSink(_folder["layout"], "one"));
        await PutAsync(MemoryImage.Plain(2), new OciLayoutSink(_folder["layout"], "two"));

        Assert.Equal(["one", "two"], (await RunAsync("umoci", "ls", "--layout", _folder["layout"])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        await RunAsync("umoci", "stat", "--image", $"{_folder["layout"]}:one");
    }

    [Fact]
    public async Task Docker_BuiltImage_GoesThroughALayoutToAnotherEngineAndRuns()
    {
        await BuildAsync();
        await PutAsync(new DockerDaemonSource(await One.OpenAsync(), _name), new OciLayoutSink(_folder["layout"], "1"));
        await PutAsync(new OciLayoutSource(_folder["layout"], "1"), new DockerDaemonSink(await Two.OpenAsync(), _name));

        Assert.Equal("moo", (await DockerAsync(Two, "run", "--rm", "--network", "none", _name)).Output.Trim());
        // The same image saved by the other engine is the same to the byte; so is what another tool makes of the layout.
        var first = await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], "1"));
        MemoryImage.AssertSame(first, await Copying.ReadAsync(new DockerDaemonSource(await Two.OpenAsync(), _name)));
        Assert.Equal((await IdAsync(One)).Trim(), first.Root!.Config!.Digest.ToString());
        await DockerAsync(One, "image", "rm", "--force", _name);
        await DockerAsync(Two, "image", "rm", "--force", _name);
    }

    [Fact]
    public async Task Docker_ImageById_IsFound()
    {
        await BuildAsync();
        var id = (await IdAsync(One)).Trim();

        foreach (var name in new[] { id, id["sha256:".Length..], id["sha256:".Length..][..12] })
        {
            await using var source = new DockerDaemonSource(await One.OpenAsync(), name);
            Assert.Equal(id, (await source.GetRootAsync(default)).Config!.Digest.ToString());
        }
        await DockerAsync(One, "image", "rm", "--force", _name);
    }

    [Fact]
    public async Task Docker_SourceLies_LoadsNothing()
    {
        var image = MemoryImage.Plain(layers: 4);
        var layer = image.Root!.Layers[2].Digest;
        image.Spoil(layer, [.. image.Blobs[layer][..^1], 0xAA]);

        await Assert.ThrowsAnyAsync<PailException>(async () => await PutAsync(image, new DockerDaemonSink(await One.OpenAsync(), _name)));

        Assert.Equal("", (await DockerAsync(One, "images", "--quiet", _name)).Output.Trim());
    }

    [Fact]
    public async Task Docker_DiffIdsDiffer_ItsErrorIsOurs()
    {
        var image = new MemoryImage();
        var layer = ImageBytes.Layer(new Random(1), 1000);
        image.AddManifest(ImageBuilder.ManifestOf(
            image.Add(ImageBytes.Config("amd64", [Digest.Of("another"u8)]), MediaTypes.OciConfig), [image.Add(ImageBytes.Gzip(layer), MediaTypes.OciLayerGzip)]));

        var error = await Assert.ThrowsAnyAsync<PailException>(async () => await PutAsync(image, new DockerDaemonSink(await One.OpenAsync(), _name)));

        Assert.Contains("Docker could not load the image: invalid diffID", error.Message);
    }

    [Fact]
    public async Task Docker_SavedFile_IsTheSameImageAndLoadsAgainWhereItRuns()
    {
        await BuildAsync();
        await DockerAsync(One, "tag", _name, $"{_name}:other");
        await DockerAsync(One, "save", "--output", _folder["one.tar"], _name);
        await DockerAsync(One, "save", "--output", _folder["both.tar"], $"{_name}:latest", $"{_name}:other");
        var expected = await Copying.ReadAsync(new DockerDaemonSource(await One.OpenAsync(), _name));

        MemoryImage.AssertSame(expected, await Copying.ReadAsync(new DockerArchiveSource(_folder["one.tar"], null)));
        MemoryImage.AssertSame(expected, await Copying.ReadAsync(new DockerArchiveSource(_folder["both.tar"], $"{_name}:other")));

        await PutAsync(new DockerArchiveSource(_folder["one.tar"], null), new DockerArchiveSink(_folder["made.tar"], _name));
        await DockerAsync(Two, "load", "--input", _folder["made.tar"]);
        Assert.Equal("moo", (await DockerAsync(Two, "run", "--rm", "--network", "none", _name)).Output.Trim());
        await DockerAsync(One, "image", "rm", "--force", _name, $"{_name}:other");
        await DockerAsync(Two, "image", "rm", "--force", _name);
    }

    [Fact]
    public async Task Podman_LoadsArchives_AndItsSavedOnesAreRead()
    {
        var (one, two) = (MemoryImage.Plain(1), MemoryImage.Plain(2));
        await PutAsync(one, new DockerArchiveSink(_folder["one.tar"], "team/app:1"));
        await PutAsync(two, new DockerArchiveSink(_folder["two.tar"], "team/app:2"));

        Assert.Contains("docker.io/team/app:1", (await PodmanAsync("load", "--input", _folder["one.tar"])).Output);
        await PodmanAsync("load", "--input", _folder["two.tar"]);
        await PodmanAsync("save", "--quiet", "--multi-image-archive", "--output", _folder["both.tar"], "team/app:1", "team/app:2");

        foreach (var (name, image) in new[] { ("team/app:1", one), ("docker.io/team/app:2", two) })
        {
            var read = await Copying.ReadAsync(new DockerArchiveSource(_folder["both.tar"], name));
            // Podman keeps layers uncompressed: the config is the image's own, and so is all that it says of the layers.
            Assert.Equal(image.Root!.Config!.Digest, read.Root!.Config!.Digest);
        }
        await PodmanAsync("rmi", "--all", "--force");
    }

    [Fact]
    public async Task Skopeo_ReadsDockerArchives_AndThoseItWritesAreRead()
    {
        var image = MemoryImage.Plain();
        await PutAsync(image, new DockerArchiveSink(_folder["image.tar"], "team/app:1"));

        await RunAsync("skopeo", "copy", "--quiet", $"docker-archive:{_folder["image.tar"]}", $"docker-archive:{_folder["other.tar"]}:team/app:2");

        Assert.Equal(image.Root!.Config!.Digest, (await Copying.ReadAsync(new DockerArchiveSource(_folder["other.tar"], "team/app:2"))).Root!.Config!.Digest);
    }

    [Fact]
    public async Task Containerd_ImportsWhatIsSentToDocker_UnderTheSameDigest()
    {
        var image = MemoryImage.Plain();
        await using var engine = new FakeEngine { Makes = ("app:1", image.Root!.Digest.ToString()) };
        await PutAsync(image, new DockerDaemonSink(engine.Client, "app:1"));
        await File.WriteAllBytesAsync(_folder["sent.tar"], engine.Loaded!);

        await CtrAsync("images", "import", "--no-unpack", _folder["sent.tar"]);
        var listed = await CtrAsync("images", "list", "name==docker.io/library/app:1");
        await CtrAsync("images", "export", _folder["saved.tar"], "docker.io/library/app:1");

        Assert.Contains(image.Root.Digest.ToString(), listed.Output);
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(_folder["saved.tar"], "1")));
        // What containerd exports is what Docker saves from its containerd image store.
        engine.Saved[image.Root.Digest.ToString()] = await File.ReadAllBytesAsync(_folder["saved.tar"]);
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new DockerDaemonSource(engine.Client, "app:1")));
        await CtrAsync("images", "rm", "--sync", "docker.io/library/app:1");
        await CtrAsync("namespaces", "rm", _name);
    }

    public void Dispose() => _folder.Dispose();

    private IEnumerable<string?> Names(string folder) => Directory.GetFileSystemEntries(_folder[folder]).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private async Task BuildAsync()
    {
        Directory.CreateDirectory(_folder["context"]);
        File.Copy("/bin/busybox", Path.Combine(_folder["context"], "busybox"));
        await File.WriteAllTextAsync(Path.Combine(_folder["context"], "Dockerfile"), $"""
            FROM scratch
            COPY busybox /bin/busybox
            RUN ["/bin/busybox", "sh", "-c", "echo moo > /moo; echo {_name} > /name"]
            CMD ["/bin/busybox", "cat", "/moo"]
            """);
        await DockerAsync(One, "build", "--quiet", "--network", "none", "--tag", _name, _folder["context"]);
    }

    private async Task<string> IdAsync(Engine engine) => (await DockerAsync(engine, "image", "inspect", "--format", "{{.Id}}", _name)).Output;

    private Task<Finished> CtrAsync(params IEnumerable<string> arguments) => RunAsync("ctr", ["--address", One.Containerd, "--namespace", _name, .. arguments]);

    private Task<Finished> PodmanAsync(params IEnumerable<string> arguments) =>
        RunAsync("podman", ["--root", _folder["podman"], "--runroot", _folder["pr"], "--storage-driver", "vfs", .. arguments]);

    private Task<Finished> DockerAsync(Engine engine, params IEnumerable<string> arguments) => RunAsync("docker", ["--host", engine.Socket, .. arguments]);

    // Here the plugin that other builders need may be missing.
    private async Task<Finished> RunAsync(string program, params IEnumerable<string> arguments) =>
        (await _machine.RunAsync($"/usr/bin/{program}", arguments, new Dictionary<string, string?> { ["DOCKER_BUILDKIT"] = _machine == Machine.Here ? "0" : "1" })).Succeeded();

    private static async Task PutAsync(IImageSource source, IImageSink sink)
    {
        await using (source)
        await using (sink)
            await Copying.RunAsync(source, sink);
    }
}

/// <summary>The tools of this machine.</summary>
[NeedsServers]
public sealed class ToolsHereTests() : RealToolTests(Machine.Here);

/// <summary>Those of Debian 13.</summary>
[UsesDebian13]
[NeedsServers]
public sealed class ToolsOfDebian13Tests() : RealToolTests(Machine.Debian13);
