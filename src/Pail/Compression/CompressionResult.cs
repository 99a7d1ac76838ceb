using System.Security.Cryptography;
using Pail.Oci;

namespace Pail.Compression;

/// <summary>What compressing a stream gave.</summary>
/// <param name="Uncompressed">The digest of the input: a layer's diffID.</param>
/// <param name="UncompressedSize">The size of the input in bytes.</param>
/// <param name="Compressed">The digest of the output.</param>
/// <param name="CompressedSize">The size of the output in bytes.</param>
internal sealed record CompressionResult(Digest Uncompressed, long UncompressedSize, Digest Compressed, long CompressedSize);

/// <summary>Writes, counts and hashes.</summary>
internal sealed class HashingWriter(Stream destination) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public long Length { get; private set; }

    public Digest Digest => Digest.FromHash(DigestAlgorithm.Sha256, _hash.GetCurrentHash());

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        _hash.AppendData(bytes.Span);
        Length += bytes.Length;
        return destination.WriteAsync(bytes, cancel);
    }

    public void Dispose() => _hash.Dispose();
}
