using System.Security.Cryptography;
using Pail.Oci;

namespace Pail.Compression;

/// <summary>
/// Zstandard on all cores, by libzstd's own workers: one frame, whose bytes depend on input, level and libzstd's version
/// alone. One worker or many cut the input in the same places; no worker would cut it nowhere, so there is always one.
/// </summary>
internal static class ParallelZstd
{
    /// <summary>The level zstd itself uses by default.</summary>
    public const int DefaultLevel = 3;

    /// <summary>Above it windows grow past the 8 MiB that every reader must take. Source: RFC 8878, section 3.1.1.1.2.</summary>
    public const int MaxLevel = 19;

    // Each worker holds several windows: more of them would take gigabytes at the high levels.
    private const int MaxWorkers = 8;

    private const int BlockSize = 512 << 10;

    /// <summary>Compresses all of a stream; both stay open.</summary>
    /// <exception cref="PailException">libzstd is not on this machine.</exception>
    public static Task<CompressionResult> CompressAsync(Stream source, Stream destination, int level, CancellationToken cancel) =>
        CompressAsync(source, destination, level, Math.Min(Environment.ProcessorCount, MaxWorkers), cancel);

    /// <summary>The same by so many workers, for tests.</summary>
    internal static async Task<CompressionResult> CompressAsync(Stream source, Stream destination, int level, int workers, CancellationToken cancel)
    {
        ZstdLibrary.Require();
        using var input = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var output = new HashingWriter(destination);
        using var context = new Compressor(level, workers);
        var (bytes, made) = (new byte[BlockSize], new byte[BlockSize]);
        var size = 0L;
        for (var last = false; !last;)
        {
            var read = await source.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel);
            last = read < bytes.Length;
            input.AppendData(bytes.AsSpan(0, read));
            size += read;
            var taken = 0;
            for (var done = false; !done;)
            {
                (var took, var length, done) = context.Run(bytes.AsSpan(taken, read - taken), made, last);
                taken += took;
                await output.WriteAsync(made.AsMemory(0, length), cancel);
            }
        }
        return new(Digest.FromHash(DigestAlgorithm.Sha256, input.GetCurrentHash()), size, output.Digest, output.Length);
    }

    private sealed class Compressor : IDisposable
    {
        private readonly nint _context = ZstdLibrary.CreateCompressor();

        public Compressor(int level, int workers)
        {
            ZstdLibrary.Check(ZstdLibrary.SetCompressor(_context, ZstdLibrary.CompressionLevel, level));
            ZstdLibrary.Check(ZstdLibrary.SetCompressor(_context, ZstdLibrary.ChecksumFlag, 1));
            ZstdLibrary.Check(ZstdLibrary.SetCompressor(_context, ZstdLibrary.Workers, workers));
        }

        /// <summary>Compresses some; done when the input is taken, and at the end when all is written.</summary>
        public unsafe (int Taken, int Made, bool Done) Run(ReadOnlySpan<byte> input, Span<byte> output, bool last)
        {
            fixed (byte* from = input, to = output)
            {
                var source = new ZstdLibrary.Buffer { Bytes = from, Size = (nuint)input.Length };
                var destination = new ZstdLibrary.Buffer { Bytes = to, Size = (nuint)output.Length };
                var left = ZstdLibrary.Check(ZstdLibrary.Compress(_context, &destination, &source, last ? ZstdLibrary.End : ZstdLibrary.Continue));
                return ((int)source.Position, (int)destination.Position, last ? left == 0 : source.Position == source.Size);
            }
        }

        public void Dispose() => _ = ZstdLibrary.FreeCompressor(_context);
    }
}
