using System.IO.Compression;
using Pail.Io;

namespace Pail.Tar;

/// <summary>Opens the file of an archive: plain or compressed with gzip.</summary>
internal static class TarInput
{
    private static readonly (byte[] Magic, string Name)[] OtherCompressions =
        [([0x28, 0xB5, 0x2F, 0xFD], "zstd"), ([0xFD, 0x37, 0x7A, 0x58], "xz"), ([0x42, 0x5A, 0x68], "bzip2")];

    /// <summary>The tar from its first byte: a <see cref="FileStream"/> where it is plain, else one that can't seek.</summary>
    /// <exception cref="PailException">There is no such file (<see cref="Failure.NotFound"/>), or it is no tar for certain.</exception>
    public static async Task<Stream> OpenAsync(string name, string file, CancellationToken cancel)
    {
        switch (LocalFiles.SizeOf(file))
        {
            case null:
                throw new PailException(Failure.NotFound, $"{name}: there is no such file.");
            case 0:
                throw new PailException(Failure.BadContent, $"{name} is empty, or no regular file.");
        }
        var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 4096, useAsync: true);
        try
        {
            return await IsGzipAsync(name, stream, cancel) ? new Decompressing(name, stream) : stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static async Task<bool> IsGzipAsync(string name, FileStream stream, CancellationToken cancel)
    {
        var magic = new byte[4];
        if (await stream.ReadAtLeastAsync(magic, magic.Length, throwOnEndOfStream: false, cancel) < magic.Length)
            throw new PailException(Failure.BadContent, $"{name} can't be read as a tar: it ends after {stream.Length} bytes.");
        stream.Position = 0;
        foreach (var (other, called) in OtherCompressions)
            if (magic.AsSpan().StartsWith(other))
                throw new PailException(Failure.BadContent, $"{name} is compressed with {called}; decompress it first.");
        return magic is [0x1F, 0x8B, ..];
    }

    private sealed class Decompressing(string name, FileStream file) : ReadOnlyStream
    {
        private readonly GZipStream _gzip = new(file, CompressionMode.Decompress);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await _gzip.ReadAsync(buffer, cancellationToken);
            }
            catch (InvalidDataException e)
            {
                throw new PailException(Failure.BadContent, $"{name}: the gzip data is damaged: {e.Message}", e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _gzip.Dispose();
            base.Dispose(disposing);
        }
    }
}
