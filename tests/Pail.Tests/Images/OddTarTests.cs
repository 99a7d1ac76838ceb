using System.Text;
using Pail.Compression;
using Pail.Copy;
using Pail.Export;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tar;

namespace Pail.Tests.Images;

/// <summary>Tars that engines take and few tools write: what comes out holds the same names and the same bytes.</summary>
public sealed class OddTarTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("name")]
    [InlineData("prefix")]
    [InlineData("pax path")]
    [InlineData("GNU long name")]
    [InlineData("link target")]
    [InlineData("pax linkpath")]
    [InlineData("hard link")]
    public async Task Export_NameThatIsNotUtf8_StaysToTheByte(string where)
    {
        byte[] one = [.. "café"u8, .. "/caf"u8, 0xE9], two = [.. "café"u8, .. "/caf"u8, 0xE8];
        var tar = where switch
        {
            "name" => [.. Entry(one, '0', "one"u8), .. Entry(two, '0', "two"u8)],
            "prefix" => [.. Entry("f"u8, '0', "one"u8, prefix: one), .. Entry("f"u8, '0', "two"u8, prefix: two)],
            "pax path" => [.. Pax("path", one), .. Entry("x"u8, '0', "one"u8), .. Pax("path", two), .. Entry("x"u8, '0', "two"u8)],
            "GNU long name" => [.. Entry("L"u8, 'L', one), .. Entry("x"u8, '0', "one"u8), .. Entry("L"u8, 'L', two), .. Entry("x"u8, '0', "two"u8)],
            "link target" => [.. Entry("l"u8, '2', [], one), .. Entry("m"u8, '2', [], two)],
            "pax linkpath" => [.. Pax("linkpath", one), .. Entry("l"u8, '2', []), .. Pax("linkpath", two), .. Entry("m"u8, '2', [])],
            "hard link" => (byte[])[.. Entry(one, '0', "one"u8), .. Entry(two, '1', [], one)],
            _ => throw new ArgumentOutOfRangeException(nameof(where)),
        };

        var exported = await ExportAsync(tar);

        Assert.True(exported.AsSpan().IndexOf(one) >= 0, "the first name is gone");
        Assert.True(exported.AsSpan().IndexOf(two) >= 0, "the second name is gone");
        // Both are there again when the export is exported.
        Assert.Equal(exported, await ExportAsync(exported[..^1024]));
    }

    [Fact]
    public async Task Export_AttributesThatAreNotUtf8_StayToTheByte()
    {
        byte[] value = [0xFF, 0, (byte)'\n', 0xE9, (byte)'='];

        var exported = await ExportAsync([.. Pax("SCHILY.xattr.user.a", value), .. Entry("a"u8, '0', "1"u8)]);

        Assert.True(exported.AsSpan().IndexOf([.. "SCHILY.xattr.user.a="u8, .. value, (byte)'\n']) >= 0);
    }

    [Theory]
    [InlineData("no padding")]
    [InlineData("no end")]
    [InlineData("part of an end block")]
    [InlineData("dots inside")]
    [InlineData("hard link through a linked folder")]
    public async Task Export_TarThatEnginesTake_IsTaken(string kind)
    {
        var x = Entry("usr/bin/x"u8, '0', "abc"u8);
        byte[] tar = kind switch
        {
            "no padding" => x[..515],
            "no end" => x,
            "part of an end block" => [.. x, .. new byte[100]],
            "dots inside" => [.. Entry("usr/lib/./../bin/x"u8, '0', "abc"u8), .. new byte[1024]],
            "hard link through a linked folder" => [.. x, .. Entry("bin"u8, '2', [], "usr/bin"u8), .. Entry("y"u8, '1', [], "bin/x"u8), .. new byte[1024]],
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

        var exported = await ExportAsync(tar, end: false);

        Assert.Equal(kind.StartsWith("hard", StringComparison.Ordinal) ? ["bin->usr/bin", "usr/bin/x=abc", "y=>usr/bin/x"] : ["usr/bin/x=abc"], await EntriesAsync(exported));
    }

    [Theory]
    [InlineData("a file behind a single block of zeros", "single block of zeros")]
    [InlineData("half a file", "ends in the middle")]
    [InlineData("half a padding", "ends in the middle")]
    public async Task Export_TarThatLostSomething_IsRefused(string kind, string says)
    {
        var a = Entry("a"u8, '0', "abc"u8);
        byte[] tar = kind switch
        {
            "half a file" => a[..514],
            "half a padding" => a[..700],
            _ => [.. a, .. new byte[512], .. a, .. new byte[1024]],
        };

        var error = await Assert.ThrowsAnyAsync<PailException>(() => ExportAsync(tar, end: false));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    public static readonly TheoryData<string> SparseKinds = ["old", "old with a block more", "0.0", "0.1", "1.0", "all hole"];

    [Theory]
    [MemberData(nameof(SparseKinds))]
    public async Task Export_SparseFile_HasItsHolesAsZeros(string kind)
    {
        var (tar, file) = Sparse(kind, "big");

        var exported = await ExportAsync([.. tar, .. Entry("last"u8, '0', "1"u8)]);

        var scanner = new TarScanner(new MemoryStream(exported), "export");
        var entry = (await scanner.NextAsync(Cancel))!;
        Assert.Equal(("big", (long)file.Length, null), (entry.Path, entry.Size, entry.Sparse));
        Assert.Equal(file, await ReadAsync(scanner.OpenContent(entry)));
        Assert.Equal("last", (await scanner.NextAsync(Cancel))!.Path);
    }

    [Theory]
    [MemberData(nameof(SparseKinds))]
    public async Task OciArchive_SparseBlob_IsReadWhole(string kind)
    {
        var (_, layer) = Sparse(kind, "x");
        var image = new MemoryImage();
        image.AddManifest(ImageBuilder.ManifestOf(image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty), [image.Add(layer, MediaTypes.OciLayerTar)]));
        await using (var sink = new OciArchiveSink(_folder["whole.tar"], "1"))
            await Copying.RunAsync(image, sink, Cancel);
        var bytes = new List<byte>();
        await using (var whole = new FileStream(_folder["whole.tar"], FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        {
            var scanner = new TarScanner(whole, "whole");
            while (await scanner.NextAsync(Cancel) is { } entry)
            {
                var content = await ReadAsync(scanner.OpenContent(entry));
                bytes.AddRange(entry.Path.EndsWith(Digest.Of(layer).Hex, StringComparison.Ordinal) ? Sparse(kind, entry.Path).Tar : Entry(Encoding.ASCII.GetBytes(entry.Path), '0', content));
            }
        }
        await File.WriteAllBytesAsync(_folder["sparse.tar"], [.. bytes, .. new byte[1024]], Cancel);

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(_folder["sparse.tar"], "1")));
    }

    [Theory]
    [InlineData("1.0\n", 1L << 41)]
    [InlineData("1.0 too far", 100)]
    public async Task Export_SparseMapThatLies_IsRefused(string kind, long size)
    {
        var map = new byte[512];
        Encoding.ASCII.GetBytes(kind.Length > 4 ? "1\n99\n8\n" : "1\n0\n8\n").CopyTo(map, 0);
        byte[] tar = [.. Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", $"{size}")), .. Entry("x"u8, '0', [.. map, .. "12345678"u8])];

        Assert.Contains("sparse", (await Assert.ThrowsAnyAsync<PailException>(() => ExportAsync(tar))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blobs are hard links")]
    [InlineData("blobs are links to links")]
    [InlineData("all twice")]
    public async Task OciArchive_LinksAndEqualEntries_AreReadAsUnpacked(string kind)
    {
        var image = MemoryImage.Plain();
        await using (var sink = new OciArchiveSink(_folder["whole.tar"], "1"))
            await Copying.RunAsync(image, sink, Cancel);
        var tar = new TarBytes();
        await using (var whole = new FileStream(_folder["whole.tar"], FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        {
            var scanner = new TarScanner(whole, "whole");
            while (await scanner.NextAsync(Cancel) is { } entry)
            {
                var content = await ReadAsync(scanner.OpenContent(entry));
                tar = kind == "all twice" ? tar.File(entry.Path, entry.Path == "index.json" ? "{}"u8.ToArray() : content).File("./" + entry.Path, content)
                    : kind == "blobs are hard links" ? tar.File($"z/{entry.Path}", content).Link(entry.Path, $"z/{entry.Path}", System.Formats.Tar.TarEntryType.HardLink)
                    : tar.File($"z/{entry.Path}", content).Link($"y/{entry.Path}", $"z/{entry.Path}", System.Formats.Tar.TarEntryType.HardLink).Link(entry.Path, $"./y/{entry.Path}", System.Formats.Tar.TarEntryType.HardLink);
            }
        }
        await File.WriteAllBytesAsync(_folder["odd.tar"], tar.ToArray(), Cancel);

        MemoryImage.AssertSame(image, await Copying.ReadAsync(new OciArchiveSource(_folder["odd.tar"], "1")));
    }

    public static TheoryData<string, string> Mistyped => new()
    {
        { MediaTypes.OciLayerGzip, "none" },
        { MediaTypes.OciLayerGzip, "zstd" },
        { MediaTypes.OciLayerTar, "gzip" },
        { MediaTypes.OciLayerTar, "zstd" },
        { MediaTypes.DockerLayerGzip, "none" },
        { MediaTypes.OciLayerZstd, "gzip" },
        { MediaTypes.OciLayerZstd, "none" },
    };

    [Theory]
    [MemberData(nameof(Mistyped))]
    public async Task Layer_TypedOtherwiseThanItsBytes_IsReadByItsBytes(string mediaType, string compression)
    {
        byte[] tar = [.. Entry("a"u8, '0', "1"u8), .. new byte[1024]];
        using var blob = new MemoryStream();
        await LayerCompression.Parse(compression).CompressAsync(new MemoryStream(tar), blob, Cancel);
        var image = new MemoryImage();
        image.AddManifest(ImageBuilder.ManifestOf(image.Add(ImageBytes.Config("amd64", [Digest.Of(tar)]), MediaTypes.OciConfig), [image.Add(blob.ToArray(), mediaType)]));
        using var exported = new MemoryStream();
        await ImageExport.WriteAsync(image, image.Root!, exported, Cancel);
        Assert.Equal(["a=1"], await EntriesAsync(exported.ToArray()));

        foreach (var wanted in (string[])["gzip", "zstd", "none"])
            if (LayerCompression.Parse(wanted) is var asked)
            {
                var sink = new MemoryImage();
                await ImageCopy.RunAsync(image, sink, new CopyOptions(Compression: asked), NoProgress.Instance, Cancel);
                Assert.Equal(asked.MediaType, sink.Root!.Layers[0].MediaType);
                Assert.Equal(tar, await ReadAsync(LayerCompression.Decompress(new MemoryStream(sink.Blobs[sink.Root.Layers[0].Digest]), asked.Kind)));
            }
    }

    [Fact]
    [Trait("Needs", "Time")]
    public async Task Layer_OfMoreThan1GiBOfZeros_IsNoBomb()
    {
        // What "useradd" with a large number makes of lastlog.
        var (size, zeros) = ((1L << 30) + 512, new byte[1 << 20]);
        async Task WriteAsync(Stream to)
        {
            await to.WriteAsync(TarBytes.Header("lastlog", '0', size), Cancel);
            for (var left = size + 1024; left > 0; left -= zeros.Length)
                await to.WriteAsync(zeros.AsMemory(0, (int)Math.Min(left, zeros.Length)), Cancel);
        }
        using var spool = new Spool();
        await WriteAsync(spool.Writer);
        spool.Writer.Position = 0;
        using var blob = new MemoryStream();
        var made = await LayerCompression.Parse("zstd:1").CompressAsync(spool.Writer, blob, Cancel);
        var image = new MemoryImage();
        image.AddManifest(ImageBuilder.ManifestOf(image.Add(ImageBytes.Config("amd64", [made.Uncompressed]), MediaTypes.OciConfig), [image.Add(blob.ToArray(), MediaTypes.OciLayerZstd)]));
        var sink = new MemoryImage();

        await ImageExport.WriteAsync(image, image.Root!, Stream.Null, Cancel);
        await ImageCopy.RunAsync(image, sink, new CopyOptions(Compression: LayerCompression.Parse("gzip")), NoProgress.Instance, Cancel);

        Assert.Equal(MediaTypes.OciLayerGzip, sink.Root!.Layers[0].MediaType);
    }

    [Theory]
    [InlineData(100, 0, 1L << 30)]
    [InlineData(10 << 20, 0, 1040L * (10 << 20))]
    [InlineData(100, 1L << 40, 1L << 40)]
    [InlineData(long.MaxValue, 0, long.MaxValue)]
    public void Layer_Limit_IsWhatGzipCanMakeOrTheDiskHolds(long size, long free, long limit) => Assert.Equal(limit, LayerTar.Limit(size, free));

    public void Dispose() => _folder.Dispose();

    // A file of 40,000 bytes: data, hole, data, ... and a hole at its end; or nothing but a hole.
    private static (byte[] Tar, byte[] File) Sparse(string kind, string name)
    {
        var parts = kind == "all hole" ? [] : Enumerable.Range(0, kind == "old" ? 3 : 30).Select(at => (Offset: at * 1024, Length: 300)).ToArray();
        var file = new byte[40_000];
        foreach (var (offset, length) in parts)
            for (var at = offset; at < offset + length; at++)
                file[at] = (byte)(at * 7 / 3);
        byte[] stored = [.. parts.SelectMany(part => file[part.Offset..(part.Offset + part.Length)])];
        var numbers = parts.SelectMany(part => new[] { part.Offset, part.Length }).ToList();
        var plain = Encoding.ASCII.GetBytes(name);
        switch (kind)
        {
            case "old" or "old with a block more":
                var fields = parts.Append((Offset: file.Length, Length: 0)).Select(part => Encoding.ASCII.GetBytes($"{Octal(part.Offset)}{Octal(part.Length)}")).ToList();
                var more = fields.Skip(4).Chunk(21).Select(chunk => chunk.SelectMany(field => field).ToArray()).ToList();
                var header = Entry(plain, 'S', stored, old: block =>
                {
                    fields.Take(4).SelectMany(field => field).ToArray().CopyTo(block, 386);
                    block[482] = (byte)(more.Count > 0 ? 1 : 0);
                    Encoding.ASCII.GetBytes(Octal(file.Length)).CopyTo(block, 483);
                });
                return ([.. header[..512], .. more.SelectMany((chunk, at) => (byte[])[.. chunk, .. new byte[504 - chunk.Length], (byte)(at < more.Count - 1 ? 1 : 0), .. new byte[7]]), .. header[512..]], file);
            case "0.0":
                return ([.. Pax([("GNU.sparse.size", $"{file.Length}"), ("GNU.sparse.numblocks", $"{parts.Length}"), .. parts.SelectMany(part => new[] { ("GNU.sparse.offset", $"{part.Offset}"), ("GNU.sparse.numbytes", $"{part.Length}") })]), .. Entry(plain, '0', stored)], file);
            case "0.1":
                return ([.. Pax(("GNU.sparse.size", $"{file.Length}"), ("GNU.sparse.map", string.Join(',', numbers)), ("GNU.sparse.name", name)), .. Entry("GNUSparseFile.1/x"u8, '0', stored)], file);
            default:
                var map = Encoding.ASCII.GetBytes(string.Concat(numbers.Prepend(parts.Length).Select(number => $"{number}\n")));
                return ([.. Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", name), ("GNU.sparse.realsize", $"{file.Length}")),
                    .. Entry("GNUSparseFile.1/x"u8, '0', [.. map, .. new byte[TarBlock.Padding(map.Length)], .. stored])], file);
        }
    }

    private static string Octal(int number) => Convert.ToString(number, 8).PadLeft(11, '0') + "\0";

    private static byte[] Entry(ReadOnlySpan<byte> name, char type, ReadOnlySpan<byte> content, ReadOnlySpan<byte> target = default, ReadOnlySpan<byte> prefix = default, Action<byte[]>? old = null)
    {
        var block = TarBytes.Header("", type, content.Length);
        name.CopyTo(block);
        target.CopyTo(block.AsSpan(157));
        prefix.CopyTo(block.AsSpan(345));
        if (old is not null)
        {
            "ustar  \0"u8.CopyTo(block.AsSpan(257));
            old(block);
        }
        block.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(block.Sum(value => value), 8).PadLeft(6, '0') + "\0 ").CopyTo(block, 148);
        return [.. block, .. content, .. new byte[TarBlock.Padding(content.Length)]];
    }

    private static byte[] Pax(params (string Key, string Value)[] records) => Entry("pax"u8, 'x', records.SelectMany(record => Record(record.Key, Encoding.ASCII.GetBytes(record.Value))).ToArray());

    private static byte[] Pax(string key, byte[] value) => Entry("pax"u8, 'x', Record(key, value));

    private static byte[] Record(string key, byte[] value)
    {
        var rest = key.Length + value.Length + 3;
        var length = rest + $"{rest}".Length;
        length = rest + $"{length}".Length;
        return [.. Encoding.ASCII.GetBytes($"{length} {key}="), .. value, (byte)'\n'];
    }

    private static async Task<byte[]> ExportAsync(byte[] tar, bool end = true)
    {
        if (end)
            tar = [.. tar, .. new byte[1024]];
        var image = new MemoryImage();
        image.AddManifest(ImageBuilder.ManifestOf(image.Add(ImageBytes.Config("amd64", [Digest.Of(tar)]), MediaTypes.OciConfig), [image.Add(tar, MediaTypes.OciLayerTar)]));
        using var output = new MemoryStream();
        await ImageExport.WriteAsync(image, image.Root!, output, Cancel);
        return output.ToArray();
    }

    private static async Task<List<string>> EntriesAsync(byte[] tar)
    {
        await using var reader = new System.Formats.Tar.TarReader(new MemoryStream(tar));
        var told = new List<string>();
        while (await reader.GetNextEntryAsync(copyData: true, Cancel) is { } entry)
            told.Add(entry.EntryType switch
            {
                System.Formats.Tar.TarEntryType.SymbolicLink => $"{entry.Name}->{entry.LinkName}",
                System.Formats.Tar.TarEntryType.HardLink => $"{entry.Name}=>{entry.LinkName}",
                _ => $"{entry.Name}={new StreamReader(entry.DataStream ?? Stream.Null).ReadToEnd()}",
            });
        return told;
    }

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        await using (stream)
        {
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, Cancel);
            return bytes.ToArray();
        }
    }
}
