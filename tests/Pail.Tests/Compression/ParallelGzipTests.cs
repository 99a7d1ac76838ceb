using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using Pail.Compression;
using Pail.Oci;
using Pail.Tests.Transfer;

namespace Pail.Tests.Compression;

public sealed class ParallelGzipTests
{
    private const int Block = 512 << 10;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<int> Sizes => [0, 1, 100, Block - 1, Block, Block + 1, 3 * Block, (7 * Block) + 12345];

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task CompressAsync_AnySize_GivesOneStandardMember(int size)
    {
        var bytes = Compressible(size);
        var (gzip, result) = await CompressAsync(bytes);
        Assert.Equal(new CompressionResult(Digest.Of(bytes), size, Digest.Of(gzip), gzip.Length), result);
        Assert.Equal(bytes, Read(new GZipStream(new MemoryStream(gzip), CompressionMode.Decompress)));
        // One member: header, one deflate stream that ends right before the trailer, trailer.
        Assert.Equal([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255], gzip[..10]);
        Assert.Equal(bytes, Read(new DeflateStream(new MemoryStream(gzip[10..^8]), CompressionMode.Decompress)));
        Assert.Equal((uint)size, BinaryPrimitives.ReadUInt32LittleEndian(gzip.AsSpan(^4)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(9)]
    public async Task CompressAsync_IncompressibleBytes_RoundTrip(int level)
    {
        var bytes = new TestBlob((2 * Block) + 77).Bytes;
        var (gzip, _) = await CompressAsync(bytes, level);
        Assert.Equal(bytes, Read(new GZipStream(new MemoryStream(gzip), CompressionMode.Decompress)));
    }

    [Fact]
    public async Task CompressAsync_WhatIsCompressedAlready_IsStored()
    {
        var (once, _) = await CompressAsync(Compressible(20 * Block), 9);
        foreach (var bytes in new[] { new TestBlob(2 * Block).Bytes, once[..Block] })
        {
            var (gzip, _) = await CompressAsync(bytes);
            Assert.True(gzip.AsSpan().IndexOf(bytes.AsSpan(1000, 1000)) > 0);
            Assert.InRange(gzip.Length, bytes.Length, bytes.Length + (bytes.Length / 1000));
        }
    }

    [Theory]
    [InlineData("base64")]
    [InlineData("repeated")]
    [InlineData("half")]
    public async Task CompressAsync_NoiseThatHasAPattern_IsCompressed(string kind)
    {
        var noise = new TestBlob(Block).Bytes;
        var bytes = kind switch
        {
            "base64" => Encoding.ASCII.GetBytes(Convert.ToBase64String(noise)),
            // A stretch shorter than a sample, again and again.
            "repeated" => [.. Enumerable.Repeat(noise[..1000], Block / 1000).SelectMany(part => part)],
            _ => [.. noise[..(Block / 2)], .. Compressible(Block / 2)],
        };
        var (gzip, _) = await CompressAsync(bytes);
        Assert.InRange(gzip.Length, 1, bytes.Length * 9 / 10);
    }

    [Fact]
    public async Task CompressAsync_SourceThatTrickles_GivesTheSameBytes()
    {
        var bytes = Compressible((3 * Block) + 5);
        var (whole, _) = await CompressAsync(bytes);
        using var trickled = new MemoryStream();
        await ParallelGzip.CompressAsync(new TricklingStream(bytes), trickled, ParallelGzip.DefaultLevel, Cancel);
        Assert.Equal(whole, trickled.ToArray());
    }

    [Fact]
    public async Task CompressAsync_Output_IsWhatGunzipAccepts()
    {
        var (gzip, _) = await CompressAsync(Compressible((2 * Block) + 3));
        using var gunzip = Process.Start(new ProcessStartInfo("gunzip", ["-t"]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardError = true })!;
        await gunzip.StandardInput.BaseStream.WriteAsync(gzip, Cancel);
        gunzip.StandardInput.Close();
        Assert.Equal("", await gunzip.StandardError.ReadToEndAsync(Cancel));
        await gunzip.WaitForExitAsync(Cancel);
        Assert.Equal(0, gunzip.ExitCode);
    }

    [Fact]
    public async Task CompressAsync_SourceBreaks_FailsAsTheSource()
    {
        var broken = new BreakingStream(new MemoryStream(Compressible(5 * Block)), 3 * Block, new IOException("The disk broke."));
        var error = await Assert.ThrowsAsync<IOException>(() => ParallelGzip.CompressAsync(broken, Stream.Null, ParallelGzip.DefaultLevel, Cancel));
        Assert.Equal("The disk broke.", error.Message);
    }

    [Fact]
    public async Task CompressAsync_DestinationBreaks_FailsAsTheDestination() =>
        await Assert.ThrowsAsync<NotSupportedException>(() =>
            ParallelGzip.CompressAsync(new MemoryStream(Compressible(20 * Block)), new MemoryStream(new byte[100]), ParallelGzip.DefaultLevel, Cancel));

    [Fact]
    public async Task CompressAsync_Cancelled_Ends()
    {
        using var cancel = new CancellationTokenSource();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            ParallelGzip.CompressAsync(new TricklingStream(Compressible(Block)), Stream.Null, ParallelGzip.DefaultLevel, cancel.Token));
    }

    private static async Task<(byte[] Gzip, CompressionResult Result)> CompressAsync(byte[] bytes, int level = ParallelGzip.DefaultLevel)
    {
        using var output = new MemoryStream();
        var result = await ParallelGzip.CompressAsync(new MemoryStream(bytes), output, level, Cancel);
        return (output.ToArray(), result);
    }

    private static byte[] Read(Stream stream)
    {
        using var copy = new MemoryStream();
        using (stream)
            stream.CopyTo(copy);
        return copy.ToArray();
    }

    // Words of a small vocabulary: matches near and far, as files have.
    private static byte[] Compressible(int size)
    {
        var random = new Random(size);
        var words = Enumerable.Range(0, 500).Select(_ => new TestBlob(random.Next(2, 12), random.Next()).Bytes).ToArray();
        var bytes = new byte[size];
        for (var at = 0; at < size;)
        {
            var word = words[random.Next(words.Length)];
            var count = Math.Min(word.Length, size - at);
            word.AsSpan(0, count).CopyTo(bytes.AsSpan(at));
            at += count;
        }
        return bytes;
    }

    private sealed class TricklingStream(byte[] bytes) : Io.ReadOnlyStream
    {
        private readonly Random _random = new(1);
        private int _at;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            cancellationToken.ThrowIfCancellationRequested();
            var count = Math.Min(Math.Min(buffer.Length, _random.Next(1, 100_000)), bytes.Length - _at);
            bytes.AsSpan(_at, count).CopyTo(buffer.Span);
            _at += count;
            return count;
        }
    }
}
