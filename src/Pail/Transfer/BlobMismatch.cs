using System.Security.Cryptography;
using Pail.Oci;

namespace Pail.Transfer;

/// <summary>The errors for bytes that are not what their descriptor says.</summary>
internal static class BlobMismatch
{
    public static PailException TooLong(Descriptor blob) =>
        new(Failure.BadContent, $"{blob.Digest}: more bytes came than the {blob.Size} its descriptor states.");

    public static void ThrowIfDifferent(Descriptor blob, long size, IncrementalHash hash)
    {
        if (size < blob.Size)
            throw new PailException(Failure.BadContent, $"{blob.Digest}: the bytes end after {size}; its descriptor states {blob.Size}.");
        if (size > blob.Size)
            throw TooLong(blob);
        var actual = Digest.FromHash(blob.Digest.Algorithm, hash.GetCurrentHash());
        if (actual != blob.Digest)
            throw new PailException(Failure.BadContent, $"The bytes are not what their digest says: expected {blob.Digest}, got {actual}.");
    }
}
