using System.Formats.Tar;
using System.Text;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Tests.Images;
/// <summary>Archives that are cut, changed or made up: each is one clear line.</summary>
public sealed partial class OciArchiveTests
{
    [Fact]
    public async Task Archive_CutAnywhere_IsOneClearLine()
    {
        await PutAsync(MemoryImage.Plain(), "1");
        var whole = await File.ReadAllBytesAsync(Archive);
        var random = new Random(3);
        // All but the end marks counts; what is missing of those is forgiven, as other readers do.
        for (var i = 0; i < 60; i++)
        {
            var length = i switch { 0 => 1, 1 => 511, 2 => 512, _ => random.Next(whole.Length - 1024) };
            await File.WriteAllBytesAsync(Archive, whole[..length]);

            var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(new OciArchiveSource(Archive, "1")));

            Assert.True(error.Failure is Failure.BadContent or Failure.NotFound, error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public async Task Archive_OneByteChanged_IsNeverTakenForTheImage()
    {
        var image = MemoryImage.Plain();
        await PutAsync(image, "1");
        var whole = await File.ReadAllBytesAsync(Archive);
        var random = new Random(4);
        for (var i = 0; i < 200; i++)
        {
            var spoilt = whole.ToArray();
            spoilt[random.Next(whole.Length)] ^= (byte)(1 << random.Next(8));
            await File.WriteAllBytesAsync(Archive, spoilt);
            try
            {
                // A bit in padding or in a field nobody reads may change; content may not.
                MemoryImage.AssertSame(image, await ReadVerifiedAsync(new OciArchiveSource(Archive, "1")));
            }
            catch (PailException e)
            {
                Assert.DoesNotContain('\n', e.Message);
            }
        }
    }

    [Theory]
    [MemberData(nameof(BadTars))]
    public async Task Archive_Bad_IsOneClearLine(string kind, string says)
    {
        await File.WriteAllBytesAsync(Archive, Bad(kind));

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(new OciArchiveSource(Archive, null)));

        Assert.Contains(says, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.True(error.Failure is Failure.BadContent or Failure.NotFound);
    }

    private static byte[] Bad(string kind)
    {
        var image = MemoryImage.Plain();
        var (digest, blob) = image.Blobs.First();
        var path = $"blobs/sha256/{digest.Hex}";
        var index = $$"""{"schemaVersion":2,"manifests":[{"mediaType":"{{MediaTypes.OciManifest}}","digest":"{{digest}}","size":{{blob.Length}}}]}""";
        var good = new TarBytes().File("index.json", index);
        return kind switch
        {
            "parent" => good.File("../evil", "x").ToArray(),
            "deep parent" => good.File("blobs/sha256/../../../evil", "x").ToArray(),
            "pax parent" => good.Raw(new TarBytes { Format = TarEntryFormat.Pax }.File("../" + new string('a', 200), "x").ToArray()).ToArray(),
            "blob is a symlink" => good.Link(path, "/etc/passwd").ToArray(),
            "blob is a hard link to nothing" => good.Link(path, "nothing", TarEntryType.HardLink).ToArray(),
            "index is a symlink" => new TarBytes().Link("index.json", "/etc/passwd").ToArray(),
            "no tar" => Encoding.ASCII.GetBytes(new string('z', 5000)),
            "zeros" => new byte[10240],
            "sparse" => good.Raw(TarBytes.Header("x", 'S', 512)).Raw(new byte[512]).ToArray(),
            "pax sparse" => good.Raw(Pax("22 GNU.sparse.major=1\n27 GNU.sparse.realsize=512\n")).ToArray(),
            "huge pax header" => good.Raw(TarBytes.Header("x", 'x', 2_000_000_000)).Raw(new byte[2_000_000]).ToArray(),
            "huge long name" => good.Raw(TarBytes.Header("x", 'L', 2_000_000_000)).Raw(new byte[2_000_000]).ToArray(),
            "negative size" => good.Raw(Binary(0xFF)).ToArray(),
            "size beyond all" => good.Raw(Binary(0x80)).ToArray(),
            "pax size beyond all" => good.Raw(Pax("28 size=9223372036854775807\n")).ToArray(),
            "pax malformed" => good.Raw(Pax("99 path=x\n")).ToArray(),
            "size past the end" => good.Raw(TarBytes.Header("x", '0', 1_000_000)).ToArray(),
            "many entries" => TarBytes.Headers(262_145),
            "zstd" => [0x28, 0xB5, 0x2F, 0xFD, .. new byte[600]],
            "xz" => [0xFD, 0x37, 0x7A, 0x58, .. new byte[600]],
            "bzip2" => [.. "BZh91AY"u8, .. new byte[600]],
            "damaged gzip" => [.. ImageBytes.Gzip(good.ToArray())[..10], .. Enumerable.Repeat((byte)0xFF, 500)],
            "empty" => [],
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }

    private static byte[] Pax(string record) =>
        [.. TarBytes.Header("x", 'x', record.Length), .. Encoding.ASCII.GetBytes(record.PadRight(512, '\0')), .. TarBytes.Header("y", '0', 0)];

    // A size in binary: the first byte, then all ones.
    private static byte[] Binary(byte first)
    {
        var block = TarBytes.Header("x", '0', 0);
        block.AsSpan(124, 12).Fill(first == 0xFF ? (byte)0xFF : (byte)0);
        block[124] = first;
        if (first == 0x80)
            block.AsSpan(128, 8).Fill(0x7F);
        block.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(block.Sum(value => value), 8).PadLeft(6, '0') + "\0 ").CopyTo(block, 148);
        return block;
    }
}
