using System.Formats.Tar;
using System.Text;
using Pail.Export;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tests.Kit;

namespace Pail.Tests.Images;

/// <summary>Layers one over the other, as one tar.</summary>
public sealed class ExportTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>What is exported: each name, and for files what is in them, for links where they lead.</summary>
    public static TheoryData<string, string[]> Cases => new()
    {
        { "upper over lower", ["a=2", "b=1"] },
        { "whiteout", ["d/", "d/kept=1"] },
        { "whiteout of a folder", ["kept=1"] },
        { "opaque", ["d/", "d/new=2", "d/sub/", "d/sub/also=2"] },
        { "opaque last", ["d/", "d/new=2", "d/sub/", "d/sub/also=2"] },
        { "folder over file", ["x/", "x/in=2"] },
        { "file below a file", ["x/", "x/in=2"] },
        { "file over folder", ["x=2"] },
        { "folder over folder", ["x/", "x/in=1", "x/too=2"] },
        { "through a symbolic link", ["lib->usr/lib", "usr/", "usr/lib/", "usr/lib/a=2", "usr/lib/old=1"] },
        { "absolute link stays inside", ["etc/", "etc/passwd=2", "out->/etc"] },
        { "link above the root", ["etc/", "etc/passwd=2", "out->../../../etc"] },
        { "over a lower link", ["lib/", "lib/a=2", "usr/", "usr/lib/", "usr/lib/old=1"] },
        { "opaque over a lower link", ["lib/", "lib/a=2", "usr/", "usr/lib/", "usr/lib/old=1"] },
        { "whiteout over a lower link", ["lib/", "usr/", "usr/lib/", "usr/lib/old=1"] },
        { "through a link that is there again", ["lib->usr/lib", "usr/", "usr/lib/", "usr/lib/a=2", "usr/lib/old=1"] },
        { "hard links", ["a=1", "b=>a"] },
        { "hard link whose target goes", ["b=1"] },
        { "hard link whose target changes", ["a=2", "b=1", "c=>b"] },
        { "hard link into a lower layer", ["a=1", "z=>a"] },
        { "whiteout before its own layer's file", ["a=2"] },
        { "of aufs", ["a=1"] },
        { "of aufs, in folders", ["a/", "a/b=1"] },
        { "names of a file that aufs keeps", ["bin/", "bin/x=1", "bin/y=>bin/x"] },
        { "names from the root", ["etc/", "etc/new=2", "etc/passwd=1", "etc/x=>etc/passwd"] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    [NeedsServers]
    public async Task Export_Layers_AreAppliedAsTheSpecificationSays(string kind, string[] expected)
    {
        var image = ImageOf(kind switch
        {
            "upper over lower" => [Tar().File("a", "1").File("b", "1"), Tar().File("./a", "2")],
            "whiteout" => [Tar().Folder("d/").File("d/kept", "1").File("d/gone", "1"), Tar().File("d/.wh.gone", "").File(".wh.never", "")],
            "whiteout of a folder" => [Tar().Folder("d/").File("d/x", "1").File("kept", "1"), Tar().File(".wh.d", "")],
            "opaque" => [Lower(), Tar().Folder("d/").File("d/.wh..wh..opq", "").File("d/new", "2").Folder("d/sub/").File("d/sub/also", "2")],
            "opaque last" => [Lower(), Tar().Folder("d/").File("d/new", "2").Folder("d/sub/").File("d/sub/also", "2").File("d/.wh..wh..opq", "")],
            "folder over file" => [Tar().File("x", "1"), Tar().Folder("x/").File("x/in", "2")],
            "file over folder" => [Tar().Folder("x/").File("x/in", "1"), Tar().File("x", "2")],
            "folder over folder" => [Tar().Folder("x/").File("x/in", "1"), Tar().Folder("x/").File("x/too", "2")],
            "file below a file" => [Tar().File("x", "1"), Tar().File("x/in", "2")],
            "through a symbolic link" => [LinkedLib().File("lib/a", "2")],
            "absolute link stays inside" => [Tar().Folder("etc/").Link("out", "/etc").File("out/passwd", "2")],
            "link above the root" => [Tar().Folder("etc/").Link("out", "../../../etc").File("out/passwd", "2")],
            // As overlay2 of Docker shows them.
            "over a lower link" => [LinkedLib(), Tar().File("lib/a", "2")],
            "opaque over a lower link" => [LinkedLib(), Tar().File("lib/.wh..wh..opq", "").File("lib/a", "2")],
            "whiteout over a lower link" => [LinkedLib(), Tar().File("lib/.wh.old", "")],
            "through a link that is there again" => [LinkedLib(), Tar().Link("lib", "usr/lib").File("lib/a", "2")],
            "hard links" => [Tar().File("a", "1").Link("b", "a", TarEntryType.HardLink)],
            "hard link whose target goes" => [Tar().File("a", "1").Link("b", "a", TarEntryType.HardLink), Tar().File(".wh.a", "")],
            "hard link whose target changes" => [Tar().File("a", "1").Link("b", "a", TarEntryType.HardLink).Link("c", "a", TarEntryType.HardLink), Tar().File("a", "2")],
            "hard link into a lower layer" => [Tar().File("a", "1"), Tar().Link("z", "a", TarEntryType.HardLink)],
            "whiteout before its own layer's file" => [Tar().File("a", "1"), Tar().File(".wh.a", "").File("a", "2")],
            "names from the root" => [Tar().Folder("/").Folder("/etc/").File("/etc/x", "1").File("//etc/gone", "1").Link("/etc/passwd", "/etc/x", TarEntryType.HardLink), Tar().File("/etc/.wh.gone", "").File("./etc/new", "2")],
            "of aufs, in folders" => [Tar().Folder(".wh..wh.orph/").File(".wh..wh.orph/x", "1").Folder("a/").File("a/b", "1").File("a/.wh..wh.b", "").Folder("a/.wh..wh.c/").File("a/.wh..wh.c/d", "1")],
            "names of a file that aufs keeps" => [Tar().Folder(".wh..wh.plnk/").File(".wh..wh.plnk/1.2", "1").Link(".wh..wh.plnk/3.4", ".wh..wh.plnk/1.2", TarEntryType.HardLink).Folder("bin/").Link("bin/x", ".wh..wh.plnk/1.2", TarEntryType.HardLink).Link("bin/y", ".wh..wh.plnk/3.4", TarEntryType.HardLink)],
            "of aufs" => [Tar().File("a", "1"), Tar().File(".wh..wh.plnk", "").File(".wh..wh.aufs", "")],
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        });

        var bytes = await ExportAsync(image);

        Assert.Equal(expected, Told(bytes));
        Assert.Equal(bytes, await ExportAsync(image));
        Assert.Equal(expected.Length, await ExtractedAsync(bytes));
    }

    [Theory]
    [InlineData("/../etc/passwd", "leads outside")]
    [InlineData("../x", "leads outside")]
    [InlineData("a/../../x", "leads outside")]
    [InlineData("link ring", "without end")]
    [InlineData("hard link outside", "not there")]
    [InlineData("hard link to nothing", "not there")]
    [InlineData("hard link to a folder", "a folder")]
    [InlineData("deep", "1024")]
    [InlineData("other diffID", "its config says")]
    public async Task Export_Trick_IsRefused(string trick, string says)
    {
        var image = trick switch
        {
            "link ring" => ImageOf(Tar().Link("a", "b").Link("b", "a").File("a/x", "1")),
            "hard link outside" => ImageOf(Tar().Link("x", "../../etc/passwd", TarEntryType.HardLink)),
            "hard link to nothing" => ImageOf(Tar().Link("x", "y", TarEntryType.HardLink)),
            "hard link to a folder" => ImageOf(Tar().Folder("y/").Link("x", "y", TarEntryType.HardLink)),
            "deep" => ImageOf(new TarBytes { Format = TarEntryFormat.Pax }.File(string.Concat(Enumerable.Repeat("a/", 2000)) + "x", "1")),
            "other diffID" => ImageOf([Tar().File("a", "1")], [Digest.Of([])]),
            _ => ImageOf(Tar().File(trick, "1")),
        };

        var error = await Assert.ThrowsAnyAsync<PailException>(() => ExportAsync(image));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Gnu)]
    public async Task Export_LongNamesOwnersTimesAndAttributes_Stay(TarEntryFormat format)
    {
        var path = $"é/{new string('n', 150)}";
        using var layer = new MemoryStream();
        await using (var writer = new TarWriter(layer, format, leaveOpen: true))
        {
            TarEntry entry = format == TarEntryFormat.Pax
                ? new PaxTarEntry(TarEntryType.RegularFile, path, new Dictionary<string, string> { ["SCHILY.xattr.user.a"] = "b=ü" })
                : new GnuTarEntry(TarEntryType.RegularFile, path);
            (entry.Mode, entry.Uid, entry.Gid, entry.ModificationTime) = (UnixFileMode.UserExecute | UnixFileMode.SetUser, 1234, 4321, DateTimeOffset.FromUnixTimeSeconds(1_600_000_000));
            entry.DataStream = new MemoryStream("bytes"u8.ToArray());
            await writer.WriteEntryAsync(entry, Cancel);
            await writer.WriteEntryAsync(new UstarTarEntry(TarEntryType.CharacterDevice, "null") { DeviceMajor = 1, DeviceMinor = 3 }, Cancel);
        }

        await using var reader = new TarReader(new MemoryStream(await ExportAsync(ImageOf(new TarBytes().Raw(layer.ToArray()[..^1024])))));

        var device = Assert.IsAssignableFrom<PosixTarEntry>(await reader.GetNextEntryAsync(cancellationToken: Cancel));
        Assert.Equal(("null", TarEntryType.CharacterDevice, 1, 3), (device.Name, device.EntryType, device.DeviceMajor, device.DeviceMinor));
        var file = (await reader.GetNextEntryAsync(cancellationToken: Cancel))!;
        Assert.Equal((path, UnixFileMode.UserExecute | UnixFileMode.SetUser, 1234, 4321, 1_600_000_000L), (file.Name, file.Mode, file.Uid, file.Gid, file.ModificationTime.ToUnixTimeSeconds()));
        if (format == TarEntryFormat.Pax)
            Assert.Equal("b=ü", Assert.IsType<PaxTarEntry>(file).ExtendedAttributes["SCHILY.xattr.user.a"]);
        Assert.Null(await reader.GetNextEntryAsync(cancellationToken: Cancel));
    }

    [Fact]
    public async Task Export_LayerWithoutEnd_IsRefused()
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => ExportAsync(MemoryImage.Bomb()));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains("its config says", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_IntoAFile_NeverChangesOneAndLeavesNoneBehind()
    {
        var image = ImageOf(Tar().File("a", "1"));
        await ImageExport.WriteFileAsync(image, image.Root!, _folder["out"], Cancel);
        Assert.Equal(Failure.BadInput, (await Assert.ThrowsAnyAsync<PailException>(() => ImageExport.WriteFileAsync(image, image.Root!, _folder["out"], Cancel))).Failure);
        var bad = ImageOf(Tar().File("../a", "1"));
        await Assert.ThrowsAnyAsync<PailException>(() => ImageExport.WriteFileAsync(bad, bad.Root!, _folder["bad"], Cancel));
        Assert.False(File.Exists(_folder["bad"]));
        Assert.Equal(["a=1"], Told(await File.ReadAllBytesAsync(_folder["out"], Cancel)));
    }

    [Fact]
    [NeedsServers]
    public async Task Export_AsUmociUnpacks_TheSameFiles()
    {
        var image = ImageOf(Lower().File("f", "1").Link("s", "d/x"), Tar().Folder("d/").File("d/.wh..wh..opq", "").File("d/new", "2").File(".wh.f", "").Link("h", "d/new", TarEntryType.HardLink));
        await Copying.RunAsync(image, new OciLayoutSink(_folder["layout"], "1"), Cancel);
        await RunAsync("umoci", "raw", "unpack", "--rootless", "--image", $"{_folder["layout"]}:1", _folder["theirs"]);
        await ExtractedAsync(await ExportAsync(image), _folder["ours"]);
        Assert.Equal("", (await RunAsync("diff", "-r", "--no-dereference", _folder["theirs"], _folder["ours"])).Output);
    }

    public void Dispose() => _folder.Dispose();

    private static TarBytes Tar() => new();

    private static TarBytes LinkedLib() => Tar().Folder("usr/").Folder("usr/lib/").File("usr/lib/old", "1").Link("lib", "usr/lib");

    private static TarBytes Lower() => Tar().Folder("d/").File("d/x", "1").Folder("d/sub/").File("d/sub/y", "1");

    private static MemoryImage ImageOf(params TarBytes[] layers) => ImageOf(layers, [.. layers.Select(layer => Digest.Of(layer.ToArray()))]);

    private static MemoryImage ImageOf(TarBytes[] layers, Digest[] diffIds)
    {
        var image = new MemoryImage();
        var blobs = layers.Select(layer => image.Add(ImageBytes.Gzip(layer.ToArray()), MediaTypes.OciLayerGzip)).ToList();
        image.AddManifest(ImageBuilder.ManifestOf(image.Add(ImageBytes.Config("amd64", diffIds), MediaTypes.OciConfig), blobs));
        return image;
    }

    private static async Task<byte[]> ExportAsync(MemoryImage image)
    {
        using var output = new MemoryStream();
        await ImageExport.WriteAsync(image, image.Root!, output, Cancel);
        return output.ToArray();
    }

    private static List<string> Told(byte[] tar)
    {
        using var reader = new TarReader(new MemoryStream(tar));
        var told = new List<string>();
        while (reader.GetNextEntry() is { } entry)
            told.Add(entry.EntryType switch
            {
                TarEntryType.Directory => entry.Name,
                TarEntryType.SymbolicLink => $"{entry.Name}->{entry.LinkName}",
                TarEntryType.HardLink => $"{entry.Name}=>{entry.LinkName}",
                _ => $"{entry.Name}={new StreamReader(entry.DataStream ?? Stream.Null, Encoding.UTF8).ReadToEnd()}",
            });
        return told;
    }

    // GNU tar takes it too; how many names it made.
    private async Task<int> ExtractedAsync(byte[] tar, string? folder = null)
    {
        folder ??= _folder["extracted"];
        Directory.CreateDirectory(folder);
        await File.WriteAllBytesAsync(_folder["export.tar"], tar, Cancel);
        await RunAsync("tar", "-xf", _folder["export.tar"], "-C", folder);
        return (await RunAsync("find", folder, "-mindepth", "1")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
    }

    private static async Task<Finished> RunAsync(string program, params string[] arguments)
    {
        await using var child = Child.Start(program, arguments, new Dictionary<string, string?>());
        return (await child.EndAsync()).Succeeded();
    }
}
