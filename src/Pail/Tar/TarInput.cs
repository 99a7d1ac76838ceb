using Pail.Compression;
using Pail.Io;
using Pail.Oci;

namespace Pail.Tar;

/// <summary>Opens the file of an archive: plain, or compressed with gzip or zstd.</summary>
internal static class TarInput
{
    private static readonly (byte[] Magic, string Name)[] OtherCompressions =
        [([0xFD, 0x37, 0x7A, 0x58], "xz"), ([0x42, 0x5A, 0x68], "bzip2")];

    /// <summary>The tar from its first byte: a <see cref="FileStream"/> that can seek where it is a plain file, else a stream that can't.</summary>
    /// <param name="name">Its address, for messages.</param>
    /// <param name="file">Path of the file, or of a pipe; <c>-</c> is standard input.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">There is no such file (<see cref="Failure.NotFound"/>), or it is no tar for certain.</exception>
    public static async Task<Stream> OpenAsync(string name, string file, CancellationToken cancel)
    {
        var stream = Open(name, file);
        try
        {
            if (stream.CanSeek && stream.Length == 0)
                throw new PailException(Failure.BadContent, $"{name} is empty, or no regular file.");
            var head = new byte[4];
            var length = await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancel);
            if (length < head.Length)
                throw new PailException(Failure.BadContent, $"{name} can't be read as a tar: it ends after {length} bytes.");
            foreach (var (other, called) in OtherCompressions)
                if (head.AsSpan().StartsWith(other))
                    throw new PailException(Failure.BadContent, $"{name} is compressed with {called}; decompress it first.");
            var kind = LayerCompression.KindOf(head.AsSpan());
            if (stream.CanSeek)
            {
                stream.Position = 0;
                return kind != CompressionKind.None ? new Decompressing(name, stream, kind) : stream;
            }
            var whole = new JoinedStream(head, stream);
            return kind != CompressionKind.None ? new Decompressing(name, whole, kind) : whole;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    private static Stream Open(string name, string file)
    {
        if (file == "-")
            return Console.OpenStandardInput();
        if (Directory.Exists(file))
            throw new PailException(Failure.BadInput, $"{name}: this is a directory, no archive; for an OCI image layout write oci:{SafeText.OneLine(file)}, for one image of skopeo's dir:{SafeText.OneLine(file)}.");
        try
        {
            return new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 4096, useAsync: true);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new PailException(Failure.NotFound, $"{name}: there is no such file.", e);
        }
    }

    private sealed class Decompressing(string name, Stream file, CompressionKind kind) : ReadOnlyStream
    {
        private readonly Stream _plain = LayerCompression.Decompress(file, kind);

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await _plain.ReadAsync(buffer, cancellationToken);
            }
            catch (InvalidDataException e)
            {
                throw new PailException(Failure.BadContent, $"{name}: the {(kind == CompressionKind.Gzip ? "gzip" : "zstd")} data is damaged: {e.Message}", e);
            }
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _plain.Dispose();
            base.Dispose(disposing);
        }
    }
}
