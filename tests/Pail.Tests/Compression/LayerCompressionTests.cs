using System.Diagnostics;
using Pail.Compression;
using Pail.Oci;
using Pail.Tests.Transfer;

namespace Pail.Tests.Compression;

public sealed class LayerCompressionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var compression in (string[])["none", "gzip", "gzip:9", "zstd", "zstd:1", "zstd:19"])
                foreach (var size in (int[])[0, 1, 512 << 10, (3 << 20) + 77])
                    cases.Add(compression, size);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task CompressAsync_AnySize_RoundTripsAndSaysWhatItMade(string text, int size)
    {
        var compression = LayerCompression.Parse(text);
        var bytes = Halves(size);
        using var output = new MemoryStream();
        var result = await compression.CompressAsync(new MemoryStream(bytes), output, Cancel);
        var made = output.ToArray();

        Assert.Equal(new CompressionResult(Digest.Of(bytes), size, Digest.Of(made), made.Length), result);
        Assert.Equal(bytes, await ReadAsync(LayerCompression.Decompress(new MemoryStream(made), compression.Kind)));
        Assert.True(compression.Kind == CompressionKind.None || LayerCompression.KindOf(made) == compression.Kind);
    }

    [Fact]
    public async Task Zstd_OneWorkerOrMany_MakeTheSameBytes()
    {
        // Longer than what each worker takes at once.
        var bytes = Halves(40 << 20);
        Assert.Equal(await ZstdAsync(bytes, 1), await ZstdAsync(bytes, 4));
    }

    [Fact]
    public async Task Zstd_Made_IsWhatTheProgramReads()
    {
        var bytes = Halves(10 << 20);
        using var zstd = Process.Start(new ProcessStartInfo("zstd", ["-dc"]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
        var read = ReadAsync(zstd.StandardOutput.BaseStream);
        await zstd.StandardInput.BaseStream.WriteAsync(await ZstdAsync(bytes, 2), Cancel);
        zstd.StandardInput.Close();
        Assert.Equal(bytes, await read);
    }

    [Fact]
    public async Task ZstdReader_FramesInARow_AreOne()
    {
        var (first, second) = (Halves(700_000), Halves(900_000));
        byte[] both = [.. await ZstdAsync(first, 1), .. await ZstdAsync([], 1), .. await ZstdAsync(second, 1)];
        byte[] expected = [.. first, .. second];
        Assert.Equal(expected, await ReadAsync(new ZstdReader(new MemoryStream(both))));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(-1)]
    [InlineData(0)]
    public async Task ZstdReader_DamagedOrCutShort_Throws(int at)
    {
        var made = await ZstdAsync(Halves(2_000_000), 1);
        var bad = at < 0 ? made[..^1] : made.ToArray();
        if (at >= 0)
            bad[at == 0 ? made.Length / 2 : at] ^= 0x55;
        await Assert.ThrowsAsync<InvalidDataException>(() => ReadAsync(new ZstdReader(new MemoryStream(bad))));
    }

    [Theory]
    [InlineData("zstd:0")]
    [InlineData("zstd:20")]
    [InlineData("gzip:10")]
    [InlineData("gzip:")]
    [InlineData("gzip:+6")]
    [InlineData("none:1")]
    [InlineData("GZIP")]
    [InlineData("")]
    public void Parse_AnythingElse_IsRefused(string text) => Assert.Throws<FormatException>(() => LayerCompression.Parse(text));

    [Theory]
    [InlineData("none", "application/vnd.oci.image.layer.v1.tar")]
    [InlineData("gzip:3", "application/vnd.oci.image.layer.v1.tar+gzip")]
    [InlineData("zstd", "application/vnd.oci.image.layer.v1.tar+zstd")]
    public void MediaType_OfEach_IsTheSpecifications(string text, string type) => Assert.Equal(type, LayerCompression.Parse(text).MediaType);

    // Noise and repetition in turn.
    private static byte[] Halves(int size)
    {
        var bytes = new TestBlob(size).Bytes.ToArray();
        for (var at = 0; at + 2000 <= size; at += 4000)
            bytes.AsSpan(at, 2000).Fill((byte)(at >> 12));
        return bytes;
    }

    private static async Task<byte[]> ZstdAsync(byte[] bytes, int workers)
    {
        using var output = new MemoryStream();
        await ParallelZstd.CompressAsync(new MemoryStream(bytes), output, ParallelZstd.DefaultLevel, workers, Cancel);
        return output.ToArray();
    }

    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        await using (stream)
        {
            using var output = new MemoryStream();
            await stream.CopyToAsync(output, Cancel);
            return output.ToArray();
        }
    }
}
