using System.Formats.Tar;
using Pail.Compare;
using Pail.Oci;
using Pail.Tests.Images;
using static Pail.Tests.Compare.Diffing;

namespace Pail.Tests.Compare;

/// <summary>Which files differ, wherever in the layers they come from.</summary>
public sealed class FileDiffTests
{
    /// <summary>What differs, and whether the layer that both images have must be read to know it.</summary>
    public static TheoryData<string, bool, string[]> Cases => new()
    {
        { "same", false, [] },
        { "content", false, ["~ a: content"] },
        { "more content", false, ["~ a: content"] },
        { "type", false, ["~ a: type"] },
        { "link", false, ["~ l: link"] },
        { "mode", false, ["~ a: mode"] },
        { "owner", false, ["~ a: owner"] },
        { "large owner", false, ["~ a: owner"] },
        { "attributes", false, ["~ a: attributes"] },
        { "device", false, ["~ a: device"] },
        { "mode of a link", false, [] },
        { "time", false, [] },
        { "holes", false, [] },
        { "written anew", true, ["~ base/x: content"] },
        { "written anew, the same", true, [] },
        { "mode of a lower file", true, ["~ base/x: mode"] },
        { "added", true, ["+ new"] },
        { "whiteout", true, ["- base/x"] },
        { "whiteout of a folder", true, ["- base/", "- base/sub/", "- base/sub/y", "- base/x"] },
        { "opaque folder", true, ["+ base/new", "- base/sub/", "- base/sub/y", "- base/x"] },
        { "both remove", true, [] },
        { "file over folder", true, ["~ base: type", "- base/sub/", "- base/sub/y", "- base/x"] },
        { "folder over file", true, ["~ base/x/: type", "+ base/x/in"] },
        { "folder without entry over link", true, ["~ lib/: type", "+ lib/in"] },
        { "hard link to a lower file", true, ["~ l: content"] },
        { "hard link, the same", false, [] },
        { "hard link instead of a copy", true, [] },
        { "removed and made again", true, ["- base/sub/", "- base/sub/y", "- base/x"] },
        { "folder described by one", true, ["~ base/: mode"] },
        { "folder described by one, the same", true, [] },
        { "order of names", true, ["+ a-b", "+ a/", "+ a/b", "+ a0"] },
        { "other layers, same files", true, [] },
    };

    private static TarBytes Base => Blank().Folder("base/").Folder("base/sub/").File("base/sub/y", "1").File("base/x", "1").Link("lib", "usr/lib");

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Files_OfTwoImages_AreCompared(string kind, bool readsShared, string[] expected)
    {
        var (old, @new) = Pair(kind);

        var diff = await DiffAsync(old, @new);

        if (kind == "order of names")
            Assert.Equal(["+ a/", "+ a/b", "+ a-b", "+ a0"], Told(diff.Files));
        Assert.Equal(expected.Order(StringComparer.Ordinal), Told(diff.Files).Order(StringComparer.Ordinal));
        Assert.Equal(expected.Length == 0, diff.IsSame);
        Assert.Equal(readsShared, Read(old, 0) || Read(@new, 0));
        // The other way round, what was added is removed.
        var back = await DiffAsync(@new, old);
        Assert.Equal(diff.Files.Select(file => file.Path.TrimEnd('/')), back.Files.Select(file => file.Path.TrimEnd('/')));
        Assert.Equal(diff.Files.Select(file => (file.OldSize, file.NewSize)), back.Files.Select(file => (file.NewSize, file.OldSize)));
    }

    [Fact]
    public async Task Files_ThatDiffer_HaveTheirSizes()
    {
        var diff = await DiffAsync(ImageOf(Blank().File("gone", "12345").File("grows", "1")), ImageOf(Blank().File("grows", "123").File("new", "1234567")));
        Assert.Equal([("gone", 5, null), ("grows", 1, 3), ("new", null, 7L)], diff.Files.Select(file => (file.Path, file.OldSize, file.NewSize)));
    }

    [Fact]
    public async Task Images_WithTheSameLayers_HaveNoneRead()
    {
        var (old, @new) = (ImageOf(Base, Blank().File(".wh.lib", "")), ImageOf("""{"config":{"User":"1"}}""", Base, Blank().File(".wh.lib", "")));
        var diff = await DiffAsync(old, @new);
        Assert.Empty(diff.Files);
        Assert.Equal((2, false), (diff.SharedLayers.Count, diff.IsSame));
        Assert.False(Read(old, 0) || Read(old, 1) || Read(@new, 0) || Read(@new, 1));
    }

    [Fact]
    public async Task Layers_OfEachImage_AreToldApart()
    {
        var (old, @new) = (ImageOf(Base, Blank().File("a", "1"), Blank().File("c", "1")), ImageOf(Base, Blank().File("b", "1"), Blank().File("c", "1"), Blank().File("d", "1")));
        var diff = await DiffAsync(old, @new);
        Assert.Equal([@new.Root!.Layers[0], @new.Root.Layers[2]], diff.SharedLayers);
        Assert.Equal([old.Root!.Layers[1]], diff.OldLayers);
        Assert.Equal([@new.Root.Layers[1], @new.Root.Layers[3]], diff.NewLayers);
        Assert.Equal(["- a", "+ b", "+ d"], Told(diff.Files));
        Assert.Equal((old.Root.Digest, @new.Root.Digest), (diff.OldDigest, diff.NewDigest));
    }

    [Theory]
    [InlineData("damaged", Failure.BadContent)]
    [InlineData("link to nothing", Failure.BadContent)]
    [InlineData("outside", Failure.BadContent)]
    [InlineData("artifact", Failure.BadInput)]
    [InlineData("other layer", Failure.BadInput)]
    public async Task Image_ThatCantBeRead_IsRefused(string kind, Failure failure)
    {
        var good = ImageOf(Base, Blank().File("a", "1"));
        var bad = kind switch
        {
            "link to nothing" => ImageOf(Base, Blank().Link("a", "nothing", TarEntryType.HardLink)),
            "outside" => ImageOf(Base, Blank().File("../a", "1")),
            "artifact" => MemoryImage.Of("artifact"),
            _ => ImageOf(Base, Blank().File("a", "2")),
        };
        if (kind == "damaged")
            bad.Spoil(bad.Root!.Layers[1].Digest, ImageBytes.Gzip(Blank().File("a", "3").ToArray()));
        if (kind == "other layer")
            bad.AddManifest(ImageBuilder.ManifestOf(bad.Root!.Config!, [bad.Root.Layers[0], bad.Root.Layers[1] with { MediaType = "application/x-wasm" }]));
        Assert.Equal(failure, (await Assert.ThrowsAnyAsync<PailException>(() => DiffAsync(good, bad))).Failure);
        Assert.Equal(failure, (await Assert.ThrowsAnyAsync<PailException>(() => DiffAsync(bad, good))).Failure);
    }

    [Fact]
    public async Task Names_MoreThanAreKept_AreRefused()
    {
        var image = ImageOf(Blank().File("abcdef", "1").Link("l", "ghijkl"));
        using var room = new LayerReader(maxText: 13);
        Assert.Equal(2, await room.ReadAsync(image, image.Root!.Layers[0], Digest.Of(Blank().File("abcdef", "1").Link("l", "ghijkl").ToArray()), TestContext.Current.CancellationToken).CountAsync(TestContext.Current.CancellationToken));
        using var none = new LayerReader(maxText: 12);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => none.ReadAsync(image, image.Root.Layers[0], Digest.Of(Blank().File("abcdef", "1").Link("l", "ghijkl").ToArray()), TestContext.Current.CancellationToken).CountAsync(TestContext.Current.CancellationToken).AsTask());
        Assert.Equal(Failure.BadContent, error.Failure);
    }

    private static (MemoryImage Old, MemoryImage New) Pair(string kind)
    {
        var (old, @new) = kind switch
        {
            "same" => (Blank().File("a", "1"), Blank().File("a", "1").File("a", "1")),
            "content" => (Blank().File("a", "1"), Blank().File("a", "2")),
            "more content" => (Blank().File("a", new byte[10]), Blank().File("a", new byte[20])),
            "type" => (Blank().File("a", "1"), Blank().Link("a", "b")),
            "link" => (Blank().Link("l", "a"), Blank().Link("l", "b")),
            "mode" => (With(entry => entry.Mode = UnixFileMode.UserRead), With(entry => entry.Mode = UnixFileMode.UserRead | UnixFileMode.SetUser)),
            "owner" => (With(entry => entry.Uid = 1), With(entry => entry.Uid = 2)),
            "large owner" => (With(entry => entry.Gid = int.MaxValue, TarEntryFormat.Pax), With(entry => entry.Gid = int.MaxValue - 1, TarEntryFormat.Pax)),
            "attributes" => (Attributed("b=c"), Attributed("b=d")),
            "device" => (Device(1, 3), Device(1, 5)),
            "mode of a link" => (With(entry => entry.Mode = (UnixFileMode)1, type: TarEntryType.SymbolicLink), With(entry => entry.Mode = (UnixFileMode)2, type: TarEntryType.SymbolicLink)),
            "time" => (With(_ => { }), With(entry => entry.ModificationTime = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000))),
            "holes" => (Blank().Raw(Sparse()), Blank().File("a", [.. new byte[10_000], .. "bytes"u8, .. new byte[10_000]])),
            "written anew" => (Blank(), Blank().File("base/x", "2")),
            "written anew, the same" => (Blank(), Blank().File("base/x", "1")),
            "mode of a lower file" => (Blank(), Blank().Add(TarEntryType.RegularFile, "base/x", entry => (entry.Mode, entry.DataStream) = (UnixFileMode.UserRead, new MemoryStream("1"u8.ToArray())))),
            "added" => (Blank(), Blank().File("new", "1")),
            "whiteout" => (Blank().File("base/new", "1"), Blank().File("base/new", "1").File("base/.wh.x", "")),
            "whiteout of a folder" => (Blank(), Blank().File(".wh.base", "")),
            "opaque folder" => (Blank(), Blank().Folder("base/").File("base/.wh..wh..opq", "").File("base/new", "1")),
            "both remove" => (Blank().File("base/.wh.x", ""), Blank().File("base/.wh.x", "").File(".wh.never", "")),
            "file over folder" => (Blank(), Blank().File("base", "1")),
            "folder over file" => (Blank(), Blank().Folder("base/x/").File("base/x/in", "1")),
            "folder without entry over link" => (Blank(), Blank().File("lib/in", "1")),
            "hard link to a lower file" => (Blank().Link("l", "base/x", TarEntryType.HardLink), Blank().File("l", "2")),
            "hard link, the same" => (Blank().File("a", "1").Link("b", "a", TarEntryType.HardLink), Blank().File("a", "1").File("b", "1")),
            "hard link instead of a copy" => (Blank().File("base/z", "1"), Blank().Link("base/z", "base/x", TarEntryType.HardLink)),
            "folder described by one" => (Blank(), Blank().Add(TarEntryType.Directory, "base/", entry => entry.Mode = UnixFileMode.UserRead)),
            "folder described by one, the same" => (Blank(), Blank().Folder("base/")),
            "order of names" => (Blank(), Blank().File("a0", "1").File("a-b", "1").Folder("a/").File("a/b", "1")),
            _ => (Blank(), Blank()),
        };
        return kind switch
        {
            "removed and made again" => (ImageOf(Base, Blank().Folder("base/")), ImageOf(Base, Blank().File("base", "1"), Blank().File(".wh.base", ""), Blank().Folder("base/"))),
            "other layers, same files" => (ImageOf(Base, Blank().File("a", "1"), Blank().File("b", "1")), ImageOf(Base, Blank().File("c", "1").File("b", "1").File("a", "1"), Blank().File(".wh.c", ""))),
            _ => (ImageOf(Base, old), ImageOf(Base, @new)),
        };
    }

    private static TarBytes With(Action<TarEntry> fill, TarEntryFormat format = TarEntryFormat.Ustar, TarEntryType type = TarEntryType.RegularFile) => new TarBytes { Format = format }.Add(type, "a", entry =>
    {
        if (type == TarEntryType.SymbolicLink)
            entry.LinkName = "b";
        fill(entry);
    });

    private static TarBytes Device(int major, int minor) => Blank().Add(TarEntryType.CharacterDevice, "a", entry => (((PosixTarEntry)entry).DeviceMajor, ((PosixTarEntry)entry).DeviceMinor) = (major, minor));

    private static TarBytes Attributed(string value)
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
            writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "a", new Dictionary<string, string> { ["SCHILY.xattr.security.capability"] = value }) { ModificationTime = DateTimeOffset.UnixEpoch });
        return Blank().Raw(tar.ToArray()[..^1024]);
    }

    // GNU's form 0.1: five bytes of 20,005 are stored.
    private static byte[] Sparse()
    {
        string Record(string text) => $"{text.Length + 15} GNU.sparse.{text}\n";
        var records = System.Text.Encoding.ASCII.GetBytes(Record("major=0") + Record("minor=1") + Record("name=a") + Record("size=20005") + Record("map=10000,5"));
        byte[] Padded(byte[] bytes) => [.. bytes, .. new byte[512 - bytes.Length]];
        var file = TarBytes.Header("sparse", '0', 5);
        // What the runtime's writer gives files.
        System.Text.Encoding.ASCII.GetBytes("0000644\00000000\00000000\0").CopyTo(file, 100);
        return [.. TarBytes.Header("pax", 'x', records.Length), .. Padded(records), .. Signed(file), .. Padded("bytes"u8.ToArray())];
    }

    private static byte[] Signed(byte[] block)
    {
        block.AsSpan(148, 8).Fill((byte)' ');
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(block.Sum(value => value), 8).PadLeft(6, '0') + "\0 ").CopyTo(block, 148);
        return block;
    }
}
