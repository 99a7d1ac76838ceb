using Pail.Copy;
using Pail.Dir;
using Pail.Images;
using Pail.Io;
using Pail.OciLayout;
using Pail.Tests.Kit;

namespace Pail.Tests.Images;

public sealed class DirTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string Dir => _folder["dir"];

    [Theory]
    [MemberData(nameof(MemoryImage.Kinds), MemberType = typeof(MemoryImage))]
    public async Task Dir_AnyImage_ComesBackByteForByte(string kind)
    {
        var image = MemoryImage.Of(kind);

        await Copying.RunAsync(image, new DirSink(Dir));

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new DirSource(Dir)));
        Assert.Equal($"Directory Transport Version: {(kind == "sha512" ? "1.2" : "1.1")}\n", await File.ReadAllTextAsync(In("version")));
    }

    [Fact]
    public async Task Put_NestedIndex_FilesAreNamedAsSkopeoDoes()
    {
        var image = MemoryImage.Nested();
        await Copying.RunAsync(image, new DirSink(Dir));

        Assert.Equal(
            image.Blobs.Keys.Select(digest => digest.Hex).Concat(image.Manifests.Keys.Where(digest => digest != image.Root!.Digest).Select(digest => $"{digest.Hex}.manifest.json")).Append("manifest.json").Append("version").Order(StringComparer.Ordinal),
            Names());
    }

    [Fact]
    public async Task Put_SameImage_ReadsAndWritesNothing()
    {
        var image = MemoryImage.Index();
        await Copying.RunAsync(image, new DirSink(Dir));
        image.Opened.Clear();
        var before = Times();

        Assert.True((await Copying.RunAsync(image, new DirSink(Dir))).Unchanged);

        Assert.Empty(image.Opened);
        Assert.Equal(before, Times());
    }

    [Fact]
    public async Task Put_AnotherImage_TakesThePlaceOfTheFirstAndWhatIsSharedStays()
    {
        var index = MemoryImage.Index();
        await Copying.RunAsync(index, new DirSink(Dir));
        await File.WriteAllTextAsync(In("signature-1"), "of the index");
        await File.WriteAllTextAsync(In($"{index.Root!.Manifests[0].Digest.Hex}.signature-1"), "of a part of it");
        await File.WriteAllTextAsync(In("notes.txt"), "mine");
        var one = new MemoryImage();
        await ImageCopy.RunAsync(index, one, new CopyOptions([new("linux", "arm64")]), NoProgress.Instance, default);

        var result = await Copying.RunAsync(one, new DirSink(Dir));

        Assert.Equal((0, 0), (result.Sent, result.Existed));
        MemoryImage.AssertSame(one, await Copying.ReadAsync(new DirSource(Dir)));
        Assert.Equal(one.Blobs.Keys.Select(digest => digest.Hex).Concat(["manifest.json", "notes.txt", "version"]).Order(StringComparer.Ordinal), Names());
    }

    [Fact]
    public async Task Put_FirstSha512ThenNot_VersionIsWhatItTakes()
    {
        await Copying.RunAsync(MemoryImage.Of("sha512"), new DirSink(Dir));
        Assert.All(Names().Where(name => name is not ("version" or "manifest.json")), name => Assert.StartsWith("sha512-", name));

        await Copying.RunAsync(MemoryImage.Plain(2), new DirSink(Dir));

        Assert.Equal("Directory Transport Version: 1.1\n", await File.ReadAllTextAsync(In("version")));
        Assert.All(Names(), name => Assert.DoesNotContain("sha512", name));
    }

    [Fact]
    public async Task Put_BlobIsGone_IsMendedAndSignaturesStay()
    {
        var image = MemoryImage.Plain();
        await Copying.RunAsync(image, new DirSink(Dir));
        await File.WriteAllTextAsync(In("signature-1"), "of this image");
        File.Delete(In(image.Root!.Layers[1].Digest.Hex));
        await File.WriteAllTextAsync(In(image.Root.Layers[0].Digest.Hex), "of another size");

        Assert.Equal(2, (await Copying.RunAsync(image, new DirSink(Dir))).Sent);

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new DirSource(Dir)));
        Assert.Contains("signature-1", Names());
    }

    [Fact]
    public async Task Put_SourceLies_TheImageThatIsThereStaysWhole()
    {
        await Copying.RunAsync(MemoryImage.Index(1), new DirSink(Dir));
        var other = MemoryImage.Plain(2);
        var (digest, bytes) = other.Blobs.First();
        other.Spoil(digest, [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]);

        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(other, new DirSink(Dir)))).Failure);

        MemoryImage.AssertSame(MemoryImage.Index(1), await Copying.ReadAsync(new DirSource(Dir)));
        Assert.DoesNotContain(digest.Hex, Names());
    }

    [Fact]
    public async Task Put_ManyAtOnce_OneOfThemIsThereWhole()
    {
        var images = Enumerable.Range(0, 12).Select(seed => MemoryImage.Plain(seed)).ToList();

        var errors = await Task.WhenAll(images.Select(image => Task.Run(async () => (PailException?)await Record.ExceptionAsync(() => Copying.RunAsync(image, new DirSink(Dir))))));

        Assert.All(errors, error => Assert.True(error is null or { Failure: Failure.Conflict }, error?.Message));
        var there = await Copying.ReadAsync(new DirSource(Dir));
        MemoryImage.AssertSame(images.Single(image => image.Root!.Digest == there.Root!.Digest), there);
    }

    [Theory]
    [InlineData("thesis.txt", "mine", Failure.BadInput, "holds something else")]
    [InlineData("manifest.json", "{}", Failure.BadInput, "holds something else")]
    [InlineData("version", "Directory Transport Version: 2.0\n", Failure.BadContent, "says 'Directory Transport Version: 2.0'")]
    [InlineData("version", "Directory Transport Version: 1.1", Failure.BadContent, "1.1 and 1.2 are known")]
    public async Task Put_FolderHoldsSomethingElse_TouchesNothing(string name, string content, Failure failure, string says)
    {
        Directory.CreateDirectory(Dir);
        await File.WriteAllTextAsync(In(name), content);
        var before = Times();

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(MemoryImage.Plain(), new DirSink(Dir)));

        Assert.Equal(failure, error.Failure);
        Assert.Contains(says, error.Message);
        Assert.Equal(before, Times());
    }

    [Fact]
    public async Task Put_FileOrLayout_IsRefused()
    {
        await Copying.RunAsync(MemoryImage.Plain(), new OciLayoutSink(Dir, "1"));
        await File.WriteAllTextAsync(_folder["file"], "");

        Assert.Contains("holds something else", (await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(MemoryImage.Plain(), new DirSink(Dir)))).Message);
        Assert.Contains("this is a file", (await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(MemoryImage.Plain(), new DirSink(_folder["file"])))).Message);
    }

    [Fact]
    public async Task DryRun_MakesNothing()
    {
        var result = await Copying.RunAsync(MemoryImage.Index(), new DryRunSink(new DirSink(Dir), new()));

        Assert.Equal(5, result.Sent);
        Assert.False(Directory.Exists(Dir));
    }

    [Theory]
    [InlineData("version", "Directory Transport Version: 2.0\n", Failure.BadContent, "says 'Directory Transport Version: 2.0'")]
    [InlineData("version", "long", Failure.BadContent, "version has 5000000 bytes")]
    [InlineData("manifest.json", null, Failure.NotFound, "holds no image: it has no manifest.json")]
    [InlineData("manifest.json", "long", Failure.BadContent, "manifest.json has 5000000 bytes; at most 4194304")]
    [InlineData("manifest.json", "", Failure.BadContent, "can't be used")]
    [InlineData("manifest.json", "[]", Failure.BadContent, "'docker save' writes, unpacked; pack it")]
    [InlineData("manifest.json", """{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:../../etc/passwd","size":1}}""", Failure.BadContent, "is not a digest")]
    [InlineData("manifest.json", """{"schemaVersion":1,"fsLayers":[]}""", Failure.BadContent, "schema 1")]
    [InlineData("manifest.json", "/dev/zero", Failure.BadContent, "can't be used")]
    [InlineData("manifest.json", "/proc/self/environ", Failure.BadContent, "can't be used")]
    [InlineData("manifest.json", "nowhere", Failure.NotFound, "it has no manifest.json")]
    public async Task GetRoot_HostileDirectory_IsOneClearLine(string name, string? content, Failure failure, string says)
    {
        await Copying.RunAsync(MemoryImage.Plain(), new DirSink(Dir));
        File.Delete(In(name));
        if (content is ['/', ..] or "nowhere")
            File.CreateSymbolicLink(In(name), content);
        else if (content is not null)
            await File.WriteAllTextAsync(In(name), content == "long" ? new string('x', 5_000_000) : content);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => new DirSource(Dir).GetRootAsync(default));

        Assert.Equal(failure, error.Failure);
        Assert.Contains(says, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("gone", Failure.NotFound, "has no manifest sha256:")]
    [InlineData("long", Failure.BadContent, "5000000 bytes; at most 4194304")]
    [InlineData("other", Failure.BadContent, "what came has")]
    [InlineData("device", Failure.BadContent, "what came has 0")]
    public async Task GetManifest_HostileDirectory_IsOneClearLine(string how, Failure failure, string says)
    {
        var image = MemoryImage.Index();
        await Copying.RunAsync(image, new DirSink(Dir));
        var (one, other) = (image.Root!.Manifests[0], image.Root.Manifests[1]);
        File.Delete(In($"{one.Digest.Hex}.manifest.json"));
        if (how == "long")
            await File.WriteAllBytesAsync(In($"{one.Digest.Hex}.manifest.json"), new byte[5_000_000]);
        else if (how == "other")
            File.Copy(In($"{other.Digest.Hex}.manifest.json"), In($"{one.Digest.Hex}.manifest.json"));
        else if (how == "device")
            File.CreateSymbolicLink(In($"{one.Digest.Hex}.manifest.json"), "/dev/zero");

        var error = await Assert.ThrowsAnyAsync<PailException>(() => new DirSource(Dir).GetManifestAsync(one, default));

        Assert.Equal(failure, error.Failure);
        Assert.Contains(says, error.Message);
    }

    [Fact]
    public async Task OpenBlob_LyingSizesAndLinks_AreRefusedOrProveThemselves()
    {
        var image = MemoryImage.Plain();
        await Copying.RunAsync(image, new DirSink(Dir));
        var (config, first, second) = (image.Root!.Config!, image.Root.Layers[0], image.Root.Layers[1]);
        File.Move(In(config.Digest.Hex), _folder["elsewhere"]);
        File.CreateSymbolicLink(In(config.Digest.Hex), "../elsewhere");
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new DirSource(Dir)));

        File.AppendAllText(In(first.Digest.Hex), "x");
        File.Delete(In(second.Digest.Hex));
        File.CreateSymbolicLink(In(second.Digest.Hex), "/dev/zero");
        await using var source = new DirSource(Dir);
        Assert.Contains($"has {first.Size + 1} bytes; its descriptor says {first.Size}", (await Assert.ThrowsAnyAsync<PailException>(() => source.OpenBlobAsync(first, 0, default))).Message);
        Assert.Contains($"has 0 bytes; its descriptor says {second.Size}", (await Assert.ThrowsAnyAsync<PailException>(() => source.OpenBlobAsync(second, 0, default))).Message);
    }

    [Fact]
    public async Task GetRoot_WithoutVersion_IsReadAsSkopeoReadsIt()
    {
        var image = MemoryImage.Index();
        await Copying.RunAsync(image, new DirSink(Dir));
        File.Delete(In("version"));

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new DirSource(Dir)));
    }

    [Fact]
    [NeedsServers]
    public async Task Put_PipeForAVersionFile_IsRefused()
    {
        Directory.CreateDirectory(Dir);
        (await Kit.Child.RunAsync("mkfifo", [In("version")])).Succeeded();

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(MemoryImage.Plain(), new DirSink(Dir)));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.DoesNotContain("manifest.json", Names());
    }

    public void Dispose() => _folder.Dispose();

    private string In(string name) => Path.Combine(Dir, name);

    private IEnumerable<string?> Names() => Directory.GetFileSystemEntries(Dir).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private (string, DateTime)[] Times() => [.. Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => (path, File.GetLastWriteTimeUtc(path)))];
}
