using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Pail.Oci;

namespace Pail.Server.Uploads;

/// <summary>
/// Turns sessions into a path segment and back. Encrypted, since a session names keys of the bucket; authenticated, since
/// what it says of digests is believed; bound to its repository. Any replica with the same secret can open it.
/// </summary>
/// <param name="secret">The secret all replicas share.</param>
/// <param name="lifetime">How long a session lasts after its last bytes.</param>
/// <param name="time">The clock.</param>
internal sealed class SessionSeal(ReadOnlySpan<byte> secret, TimeSpan lifetime, TimeProvider time)
{
    // AES-GCM. Its nonces are random, so one key is good for some 2^32 sessions.
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int MaxSize = 512;
    private const byte Version = 1;

    private readonly byte[] _key = DeriveKey(secret);

    /// <summary>The session as characters that are legal in a path.</summary>
    public string Seal(UploadSession session)
    {
        Span<byte> plain = stackalloc byte[MaxSize];
        plain = plain[..Write(session, plain)];
        Span<byte> sealedBytes = stackalloc byte[NonceSize + plain.Length + TagSize];
        RandomNumberGenerator.Fill(sealedBytes[..NonceSize]);
        using var cipher = new AesGcm(_key, TagSize);
        cipher.Encrypt(sealedBytes[..NonceSize], plain, sealedBytes[NonceSize..^TagSize], sealedBytes[^TagSize..], Binding(session.Repository));
        return Base64Url.EncodeToString(sealedBytes);
    }

    /// <summary>The session; null if it was tampered with, is another repository's or registry's, or has expired.</summary>
    public UploadSession? Open(string text, RepositoryName repository)
    {
        Span<byte> sealedBytes = stackalloc byte[MaxSize];
        if (Base64Url.DecodeFromChars(text, sealedBytes, out _, out var length) != OperationStatus.Done || length <= NonceSize + TagSize)
            return null;
        sealedBytes = sealedBytes[..length];
        Span<byte> plain = stackalloc byte[length - NonceSize - TagSize];
        try
        {
            using var cipher = new AesGcm(_key, TagSize);
            cipher.Decrypt(sealedBytes[..NonceSize], sealedBytes[NonceSize..^TagSize], sealedBytes[^TagSize..], plain, Binding(repository));
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
        return Read(plain, repository) is { } session && time.GetUtcNow() - session.Touched < lifetime ? session : null;
    }

    private static byte[] DeriveKey(ReadOnlySpan<byte> secret)
    {
        var key = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, salt: [], info: "pail upload session"u8);
        return key;
    }

    private static byte[] Binding(RepositoryName repository) => Encoding.UTF8.GetBytes(repository.ToString());

    private static int Write(UploadSession session, Span<byte> to)
    {
        var writer = new SealWriter(to);
        writer.Add(Version);
        writer.Add(session.Id.ToByteArray());
        writer.Add((byte)session.Algorithm);
        writer.AddNumber((ulong)session.Touched.ToUnixTimeSeconds());
        writer.AddNumber((ulong)session.Size);
        writer.AddNumber((ulong)session.Pieces);
        writer.AddNumber((ulong)session.Staged);
        writer.AddNumber(session.Last.Own);
        writer.AddNumber(session.Last.Parent);
        writer.AddNumber((ulong)session.LastSize);
        if (session.Digest is { } digest)
            writer.Add(Convert.FromHexString(digest.Hex));
        return writer.Length;
    }

    // What is read was written by Write, here or in another replica; only its version may be unknown.
    private static UploadSession? Read(ReadOnlySpan<byte> from, RepositoryName repository)
    {
        var reader = new SealReader(from);
        if (reader.Take(1)[0] != Version)
            return null;
        var (id, algorithm) = (new Guid(reader.Take(16)), (DigestAlgorithm)reader.Take(1)[0]);
        return new UploadSession(id, repository, algorithm, DateTimeOffset.FromUnixTimeSeconds((long)reader.TakeNumber()))
        {
            Size = (long)reader.TakeNumber(),
            Pieces = (int)reader.TakeNumber(),
            Staged = (int)reader.TakeNumber(),
            Last = new(reader.TakeNumber(), reader.TakeNumber()),
            LastSize = (long)reader.TakeNumber(),
            Digest = reader.IsAtEnd ? null : Digest.FromHash(algorithm, reader.TakeRest()),
        };
    }
}
