using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Pail.Server.Sealing;

/// <summary>
/// Turns bytes into characters that are legal in a path or a header, and back, so that only servers that have the secret can read or make them. Bound to what it is
/// for: one purpose, one binding. What the previous secret sealed is opened too, so that replicas can change to another one after the other.
/// </summary>
/// <param name="purpose">What the seals are for: another purpose has another key.</param>
/// <param name="secrets">The secrets that all replicas share; the first one seals.</param>
/// <param name="maxSize">The most bytes that are opened.</param>
internal sealed class PathSeal(string purpose, IReadOnlyList<ReadOnlyMemory<byte>> secrets, int maxSize = PathSeal.MaxSize)
{
    /// <summary>The most bytes that are opened, if not said otherwise.</summary>
    public const int MaxSize = 1024;

    // AES-GCM. Its nonces are random, so one key is good for some 2^32 seals.
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private readonly byte[][] _keys = [.. secrets.Select(secret => DeriveKey(secret.Span, purpose))];

    /// <summary>The bytes as characters that are legal in a path.</summary>
    public string Seal(string binding, ReadOnlySpan<byte> plain)
    {
        var sealedBytes = new byte[NonceSize + plain.Length + TagSize].AsSpan();
        RandomNumberGenerator.Fill(sealedBytes[..NonceSize]);
        using var cipher = new AesGcm(_keys[0], TagSize);
        cipher.Encrypt(sealedBytes[..NonceSize], plain, sealedBytes[NonceSize..^TagSize], sealedBytes[^TagSize..], Encoding.UTF8.GetBytes(binding));
        return Base64Url.EncodeToString(sealedBytes);
    }

    /// <summary>The bytes; null if they were tampered with, or sealed for something else or with another secret.</summary>
    public byte[]? Open(string binding, string text)
    {
        if (text.Length > Base64Url.GetEncodedLength(maxSize))
            return null;
        var decoded = new byte[Base64Url.GetMaxDecodedLength(text.Length)];
        if (Base64Url.DecodeFromChars(text, decoded, out _, out var length) != OperationStatus.Done || length <= NonceSize + TagSize)
            return null;
        foreach (var key in _keys)
            if (Open(key, binding, decoded.AsSpan(0, length)) is { } plain)
                return plain;
        return null;
    }

    private static byte[]? Open(byte[] key, string binding, ReadOnlySpan<byte> sealedBytes)
    {
        var plain = new byte[sealedBytes.Length - NonceSize - TagSize];
        try
        {
            using var cipher = new AesGcm(key, TagSize);
            cipher.Decrypt(sealedBytes[..NonceSize], sealedBytes[NonceSize..^TagSize], sealedBytes[^TagSize..], plain, Encoding.UTF8.GetBytes(binding));
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static byte[] DeriveKey(ReadOnlySpan<byte> secret, string purpose)
    {
        var key = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, salt: [], info: Encoding.UTF8.GetBytes(purpose));
        return key;
    }
}
