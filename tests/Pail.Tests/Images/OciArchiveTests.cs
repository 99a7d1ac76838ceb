using System.Diagnostics;
using System.Formats.Tar;
using Pail.Images;
using Pail.Io;
using Pail.OciLayout;

namespace Pail.Tests.Images;

public sealed partial class OciArchiveTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string Archive => _folder["image.tar"];

    [Theory]
    [MemberData(nameof(MemoryImage.Kinds), MemberType = typeof(MemoryImage))]
    public async Task Archive_AnyImage_ComesBackByteForByte(string kind)
    {
        var image = MemoryImage.Of(kind);

        await PutAsync(image, "1");

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(Archive, "1")));
        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(Archive, null)));
        Assert.Equal(["image.tar"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [MemberData(nameof(MemoryImage.Kinds), MemberType = typeof(MemoryImage))]
    public async Task Archive_SameImageTwice_IsTheSameFile(string kind)
    {
        await PutAsync(MemoryImage.Of(kind), "1");
        var first = await File.ReadAllBytesAsync(Archive);
        File.Delete(Archive);
        await PutAsync(MemoryImage.Of(kind), "1");

        Assert.Equal(first, await File.ReadAllBytesAsync(Archive));
        Assert.Equal([.. Names(first).Order(StringComparer.Ordinal)], Names(first));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("sha512")]
    public async Task Archive_UnpackedByTar_IsTheLayout(string kind)
    {
        var image = MemoryImage.Of(kind);
        await PutAsync(image, "1");
        Directory.CreateDirectory(_folder["out"]);

        Run("tar", "-xf", Archive, "-C", _folder["out"]);

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciLayoutSource(_folder["out"], "1")));
    }

    [Theory]
    [InlineData("ustar")]
    [InlineData("gnu")]
    [InlineData("pax")]
    [InlineData("v7")]
    public async Task Archive_PackedByTar_IsRead(string format)
    {
        var image = MemoryImage.Nested();
        await Copying.RunAsync(image, new OciLayoutSink(_folder["layout"], "1"));

        Run("tar", $"--format={format}", "-cf", Archive, "-C", _folder["layout"], ".");

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(Archive, "1")));
    }

    [Theory]
    [InlineData("gnu")]
    [InlineData("pax")]
    public async Task Archive_LongNamesPackedByTar_AreRead(string format)
    {
        var image = MemoryImage.Of("sha512");
        await Copying.RunAsync(image, new OciLayoutSink(_folder["layout"], "1"));

        Run("tar", $"--format={format}", "-cf", Archive, "-C", _folder["layout"], ".");

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(Archive, "1")));
    }

    [Fact]
    public async Task Archive_CompressedWithGzip_IsRead()
    {
        var image = MemoryImage.Index();
        await PutAsync(image, "1");
        await File.WriteAllBytesAsync(Archive, ImageBytes.Gzip(await File.ReadAllBytesAsync(Archive)));

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(Archive, "1")));
    }

    [Fact]
    public async Task OpenBlob_FromAnOffset_GivesTheRest()
    {
        var image = MemoryImage.Plain();
        await PutAsync(image, "1");
        var layer = image.Root!.Layers[0];
        await using var source = new OciArchiveSource(Archive, "1");
        await using var stream = await source.OpenBlobAsync(layer, 100, default);
        using var rest = new MemoryStream();
        await stream.CopyToAsync(rest);

        Assert.Equal(image.Blobs[layer.Digest][100..], rest.ToArray());
    }

    [Fact]
    public async Task Put_FileHoldsAnotherImage_IsRefusedAndKept()
    {
        await PutAsync(MemoryImage.Plain(1), "1");
        var before = await File.ReadAllBytesAsync(Archive);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(MemoryImage.Plain(2), "1"));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains("exists", error.Message);
        Assert.Equal(before, await File.ReadAllBytesAsync(Archive));
    }

    [Fact]
    public async Task Put_FileIsNoArchive_IsRefusedAndKept()
    {
        await File.WriteAllTextAsync(Archive, "my thesis");

        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(MemoryImage.Plain(), "1"));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Equal("my thesis", await File.ReadAllTextAsync(Archive));
    }

    [Fact]
    public async Task Put_SameImageAgain_ChangesNothing()
    {
        await PutAsync(MemoryImage.Nested(), "1");
        await using var sink = new OciArchiveSink(Archive, "1");

        Assert.True(await sink.HasRootAsync(MemoryImage.Nested().Root!, default));
    }

    [Theory]
    [InlineData("mkfifo {0}")]
    [InlineData("mknod {0} c 1 3")]
    [InlineData("touch {0}.empty && ln -s {0}.empty {0}")]
    [InlineData("ln -s nothing {0}")]
    [InlineData("mkdir {0}")]
    public async Task Put_WhereNoRegularFileIs_IsRefusedBeforeAnyByteMoves(string make)
    {
        Run("sh", "-c", string.Format(System.Globalization.CultureInfo.InvariantCulture, make, Archive));

        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(MemoryImage.Of("plain"), "1"));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Empty(Directory.GetFiles(_folder.Path, ".*"));
        Run("sh", "-c", $"test -L {Archive} || ! test -f {Archive}");
    }

    // Not a file of that name, while `docker load` waits for its input.
    [Fact]
    public async Task Put_StandardOutput_IsRefused()
    {
        foreach (var sink in (IImageSink[])[new OciArchiveSink("-", null), new Pail.Docker.DockerArchiveSink("-", null)])
            await using (sink)
                Assert.Equal(Failure.BadInput, (await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(MemoryImage.Plain(), sink, default))).Failure);
        Assert.False(File.Exists("-"));
    }

    [Fact]
    public async Task Put_EmptyFile_IsReplaced()
    {
        await File.WriteAllBytesAsync(Archive, []);

        await PutAsync(MemoryImage.Plain(), "1");

        MemoryImage.AssertSame(MemoryImage.Plain(), await Copying.ReadAsync(new OciArchiveSource(Archive, null)));
    }

    [Fact]
    public async Task Put_SourceLies_LeavesNothing()
    {
        var image = MemoryImage.Plain();
        var (digest, bytes) = image.Blobs.First();
        image.Spoil(digest, [.. bytes[..^1], (byte)(bytes[^1] ^ 1)]);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => PutAsync(image, "1"));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Put_SizeThatNoFileCanHave_IsBadContent_AndLeavesNothing()
    {
        var blob = MemoryImage.Plain().Root!.Blobs.First() with { Size = long.MaxValue };
        await using (var sink = new OciArchiveSink(Archive, "1"))
        {
            var error = await Assert.ThrowsAnyAsync<PailException>(() => sink.PutBlobAsync(blob, (_, _) => Task.FromResult(Stream.Null), NoProgress.Instance, default));
            Assert.Equal(Failure.BadContent, error.Failure);
        }
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Put_LeftoverOfAKilledRun_IsBegunAnew()
    {
        await File.WriteAllBytesAsync(_folder[".image.tar.pail-partial"], new byte[1_000_000]);

        await PutAsync(MemoryImage.Plain(), "1");

        MemoryImage.AssertSame(MemoryImage.Plain(), await Copying.ReadAsync(new OciArchiveSource(Archive, null)));
        Assert.Equal(["image.tar"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Put_SomebodyMadeTheFileMeanwhile_IsAConflict_AndLeavesNothingElse()
    {
        var image = MemoryImage.Plain();
        await using var late = new OciArchiveSink(Archive, "1");
        Assert.False(await late.HasRootAsync(image.Root!, default));
        await PutAsync(MemoryImage.Nested(), "1");
        var before = await File.ReadAllBytesAsync(Archive);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => late.PutManifestAsync(image.Root!, default));

        Assert.Equal(Failure.Conflict, error.Failure);
        Assert.Equal(before, await File.ReadAllBytesAsync(Archive));
        Assert.Equal(["image.tar"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task HasRoot_WhileTheFileAppears_NeverEmptiesIt()
    {
        var image = MemoryImage.Plain();
        await PutAsync(image, "1");
        var whole = new FileInfo(Archive).Length;
        for (var round = 0; round < 300; round++)
        {
            File.Move(Archive, _folder["ready"]);
            await using var other = new OciArchiveSink(Archive, "1");
            var appears = Task.Run(() => File.Move(_folder["ready"], Archive));
            while (!appears.IsCompleted)
                await other.HasRootAsync(image.Root!, default);
            await appears;

            Assert.Equal(whole, new FileInfo(Archive).Length);
        }
    }

    public static readonly TheoryData<string, string> BadTars = new()
    {
        { "parent", "leads outside" },
        { "deep parent", "leads outside" },
        { "pax parent", "leads outside" },
        { "blob is a symlink", "is a link in the archive" },
        { "blob is a hard link to nothing", "is a link in the archive" },
        { "index is a symlink", "is a link in the archive" },
        { "no tar", "not a tar" },
        { "zeros", "no OCI image layout" },
        { "sparse", "map of a sparse file does not match" },
        { "pax sparse", "map of a sparse file" },
        { "huge pax header", "has 2000000000 bytes; at most 1048576" },
        { "huge long name", "has 2000000000 bytes; at most 1048576" },
        { "negative size", "number in a header" },
        { "size beyond all", "size of" },
        { "pax size beyond all", "size of" },
        { "pax malformed", "malformed" },
        { "size past the end", "ends in the middle" },
        { "many entries", "more than 262144 entries" },
        { "zstd", "zstd" },
        { "xz", "compressed with xz" },
        { "bzip2", "compressed with bzip2" },
        { "damaged gzip", "gzip" },
        { "empty", "empty" },
    };

    [Fact]
    public async Task Archive_LinksAndFoldersThatNobodyNeeds_AreLeftAlone()
    {
        var image = MemoryImage.Plain();
        await PutAsync(image, "1");
        var bytes = await File.ReadAllBytesAsync(Archive);
        await File.WriteAllBytesAsync(Archive, [.. new TarBytes().Folder("blobs/").Link("etc", "/etc").Link("blobs/latest", "../../x").ToArray()[..^1024], .. bytes]);

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(Archive, "1")));
    }

    [Fact]
    public async Task Archive_NotThere_SaysSo()
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => new OciArchiveSource(Archive, null).GetRootAsync(default));

        Assert.Equal(Failure.NotFound, error.Failure);
    }

    [Fact]
    public async Task OpenBlob_SizeDiffersFromDescriptor_SaysWhichAndHowMuch()
    {
        var image = MemoryImage.Plain();
        var layer = image.Root!.Layers[0];
        await PutAsync(image, "1");
        await using var source = new OciArchiveSource(Archive, "1");

        var error = await Assert.ThrowsAnyAsync<PailException>(() => source.OpenBlobAsync(layer with { Size = 7 }, 0, default));

        Assert.Contains($"blob {layer.Digest} has {layer.Size} bytes; its descriptor says 7", error.Message);
    }

    public void Dispose() => _folder.Dispose();

    private async Task PutAsync(MemoryImage image, string? tag)
    {
        await using var sink = new OciArchiveSink(Archive, tag);
        await Copying.RunAsync(image, sink);
    }

    // Into a sink that verifies, as all of Pail's do.
    private async Task<MemoryImage> ReadVerifiedAsync(IImageSource source)
    {
        var layout = _folder[Guid.NewGuid().ToString()];
        await using (source)
            await Copying.RunAsync(source, new OciLayoutSink(layout, "1"));
        return await Copying.ReadAsync(new OciLayoutSource(layout, "1"));
    }

    private static List<string> Names(byte[] tar)
    {
        using var reader = new TarReader(new MemoryStream(tar));
        var names = new List<string>();
        while (reader.GetNextEntry() is { } entry)
            names.Add(entry.Name);
        return names;
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }
}
