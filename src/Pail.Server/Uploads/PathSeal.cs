using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Pail.Server.Uploads;

/// <summary>
/// Turns bytes into a path segment and back, so that only who has the secret can read or make one. Bound to what it is
/// for: one purpose, one repository.
/// </summary>
/// <param name="secret">The secret all replicas share.</param>
internal sealed class PathSeal(ReadOnlySpan<byte> secret)
{
    /// <summary>The most bytes that are opened.</summary>
    public const int MaxSize = 1024;

    // AES-GCM. Its nonces are random, so one key is good for some 2^32 seals.
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private readonly byte[] _key = DeriveKey(secret);

    /// <summary>The bytes as characters that are legal in a path.</summary>
    public string Seal(string binding, ReadOnlySpan<byte> plain)
    {
        var sealedBytes = new byte[NonceSize + plain.Length + TagSize].AsSpan();
        RandomNumberGenerator.Fill(sealedBytes[..NonceSize]);
        using var cipher = new AesGcm(_key, TagSize);
        cipher.Encrypt(sealedBytes[..NonceSize], plain, sealedBytes[NonceSize..^TagSize], sealedBytes[^TagSize..], Encoding.UTF8.GetBytes(binding));
        return Base64Url.EncodeToString(sealedBytes);
    }

    /// <summary>The bytes; null if they were tampered with, or sealed for something else or with another secret.</summary>
    public byte[]? Open(string binding, string text)
    {
        Span<byte> sealedBytes = stackalloc byte[MaxSize];
        if (Base64Url.DecodeFromChars(text, sealedBytes, out _, out var length) != OperationStatus.Done || length <= NonceSize + TagSize)
            return null;
        sealedBytes = sealedBytes[..length];
        var plain = new byte[length - NonceSize - TagSize];
        try
        {
            using var cipher = new AesGcm(_key, TagSize);
            cipher.Decrypt(sealedBytes[..NonceSize], sealedBytes[NonceSize..^TagSize], sealedBytes[^TagSize..], plain, Encoding.UTF8.GetBytes(binding));
            return plain;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    private static byte[] DeriveKey(ReadOnlySpan<byte> secret)
    {
        var key = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, salt: [], info: "pail upload session"u8);
        return key;
    }
}
