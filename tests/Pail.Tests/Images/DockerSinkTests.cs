using System.Text.Json;
using Pail.Copy;
using Pail.Docker;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Tests.Images;

public sealed class DockerSinkTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("plain")]
    [InlineData("twelve layers")]
    [InlineData("no layers")]
    [InlineData("sha512")]
    public async Task Sink_Image_SendsALayoutThatAlsoIsADockerArchive(string kind)
    {
        var image = MemoryImage.Of(kind);
        await using var engine = new FakeEngine { Makes = ("team/app:1.0", IdOf(image)) };

        await PutAsync(image, engine, "team/app:1.0");

        await File.WriteAllBytesAsync(_folder["sent.tar"], engine.Loaded!);
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(_folder["sent.tar"], "1.0")));
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(_folder["sent.tar"], "docker.io/team/app:1.0")));
        using var index = JsonDocument.Parse(Entry("sent.tar", "manifest.json"));
        Assert.Equal("[\"team/app:1.0\"]", index.RootElement[0].GetProperty("RepoTags").GetRawText());
        Assert.Equal(image.Root!.Layers.Select(layer => LayoutPaths.Blob(layer.Digest)), index.RootElement[0].GetProperty("Layers").EnumerateArray().Select(path => path.GetString()));
        Assert.Equal(LayoutPaths.Blob(image.Root.Config!.Digest), index.RootElement[0].GetProperty("Config").GetString());
    }

    [Theory]
    [InlineData("app", "app:latest")]
    [InlineData("localhost:5000/app", "localhost:5000/app:latest")]
    [InlineData("localhost:5000/app:1", "localhost:5000/app:1")]
    public async Task Sink_NameWithoutTag_IsLatest(string name, string expected)
    {
        var image = MemoryImage.Plain();
        await using var engine = new FakeEngine { Makes = (expected, IdOf(image)) };

        await PutAsync(image, engine, name);

        Assert.NotNull(engine.Loaded);
    }

    [Fact]
    public async Task Sink_ContainerdStoreThatGoesByTheManifest_IsContent()
    {
        var image = MemoryImage.Plain();
        await using var engine = new FakeEngine { Makes = ("app:1", image.Root!.Digest.ToString()) };

        await PutAsync(image, engine, "app:1");
        Assert.True((await PutAsync(image, engine, "app:1")).Unchanged);
    }

    [Fact]
    public async Task Sink_ImageIsThere_SendsNothing()
    {
        var image = MemoryImage.Plain();
        await using var engine = new FakeEngine { Ids = { ["app:1"] = IdOf(image) } };

        Assert.True((await PutAsync(image, engine, "app:1")).Unchanged);
        Assert.Null(engine.Loaded);
    }

    [Theory]
    [InlineData("first")]
    [InlineData("last")]
    public async Task Sink_SourceLies_LoadsNothingAndTellsThatAlone(string which)
    {
        var image = MemoryImage.Plain(layers: 6);
        var digest = (which == "first" ? image.Root!.Config! : image.Root!.Layers[^1]).Digest;
        var bytes = image.Blobs[digest];
        image.Spoil(digest, [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]);
        await using var engine = new FakeEngine();

        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(image, engine, "app:1"));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(digest.ToString(), error.Message);
        Assert.Null(engine.Loaded);
    }

    [Fact]
    public async Task Sink_Cancelled_LoadsNothing()
    {
        var image = MemoryImage.Plain();
        using var cancel = new CancellationTokenSource();
        await using var engine = new FakeEngine();
        await using (var sink = new DockerDaemonSink(engine.Client, "app:1"))
        {
            await sink.PutBlobAsync(image.Root!.Layers[0], (offset, token) => image.OpenBlobAsync(image.Root.Layers[0], offset, token), NoProgress.Instance, cancel.Token);
            await cancel.CancelAsync();
        }

        Assert.Null(engine.Loaded);
    }

    [Fact]
    public async Task Sink_ErrorInTheAnswer_IsAnError()
    {
        await using var engine = new FakeEngine { LoadAnswer = "{\"stream\":\"Loading\"}\r\n{\"errorDetail\":{\"message\":\"no space left\"},\"error\":\"no space left\"}\r\n" };

        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(MemoryImage.Plain(), engine, "app:1"));

        Assert.Equal(Failure.Unavailable, error.Failure);
        Assert.Contains("no space left", error.Message);
    }

    [Fact]
    public async Task Sink_EngineHasAnotherImageAfterwards_IsAnError()
    {
        await using var engine = new FakeEngine { Makes = ("app:1", "sha256:" + new string('0', 64)) };

        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(MemoryImage.Plain(), engine, "app:1"));

        Assert.Equal(Failure.Conflict, error.Failure);
    }

    [Fact]
    public async Task Sink_EngineHangsUp_IsUnavailable()
    {
        await using var engine = new FakeEngine { RefusesToLoad = true };

        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(MemoryImage.Plain(layers: 12), engine, "app:1"));

        Assert.Equal(Failure.Unavailable, error.Failure);
        Assert.Contains("broke off", error.Message);
    }

    [Fact]
    public async Task Sink_Artifact_IsRefused()
    {
        await using var engine = new FakeEngine();

        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(MemoryImage.Artifact(), engine, "app:1"));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains("application/vnd.example.thing", error.Message);
    }

    [Fact]
    public async Task Sink_Index_TakesThePlatformOfThisMachine()
    {
        var image = MemoryImage.Index();
        var child = image.Manifests[image.Root!.Manifests.First(entry => PlatformChoice.Host.Accepts(entry.Platform!)).Digest];
        await using var engine = new FakeEngine { Makes = ("app:1", child.Config!.Digest.ToString()) };

        Assert.Equal(child.Digest, (await PutAsync(image, engine, "app:1")).Root.Digest);
    }

    [Theory]
    [InlineData("App")]
    [InlineData("a@sha256:0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("a:b:c")]
    [InlineData("../a")]
    [InlineData("")]
    public async Task Sink_NameThatCannotBeGiven_IsRefused(string name)
    {
        await using var engine = new FakeEngine();

        Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => new DockerDaemonSink(engine.Client, name)).Failure);
    }

    public void Dispose() => _folder.Dispose();

    // Docker's id is the SHA-256 of the config.
    private static string IdOf(MemoryImage image) => Digest.Of(image.Blobs[image.Root!.Config!.Digest]).ToString();

    private static async Task<CopyResult> PutAsync(MemoryImage image, FakeEngine engine, string name)
    {
        await using var sink = new DockerDaemonSink(engine.Client, name);
        return await Copying.RunAsync(image, sink);
    }

    private byte[] Entry(string file, string path)
    {
        using var reader = new System.Formats.Tar.TarReader(File.OpenRead(_folder[file]));
        while (reader.GetNextEntry() is { } entry)
            if (entry.Name == path)
            {
                using var copy = new MemoryStream();
                entry.DataStream!.CopyTo(copy);
                return copy.ToArray();
            }
        throw new InvalidOperationException($"There is no {path}.");
    }
}
