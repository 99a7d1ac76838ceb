using Pail.Oci;
using Pail.Server.Sealing;

namespace Pail.Server.Uploads;

/// <summary>
/// Sessions as they travel. Encrypted, since a session names keys of the bucket; authenticated, since what it says of
/// digests is believed.
/// </summary>
/// <param name="seal">Seals them.</param>
/// <param name="lifetime">How long a session lasts after its last bytes.</param>
/// <param name="time">The clock.</param>
internal sealed class SessionSeal(PathSeal seal, TimeSpan lifetime, TimeProvider time)
{
    private const byte Version = 2;

    /// <summary>The session as characters that are legal in a path.</summary>
    public string Seal(UploadSession session)
    {
        var writer = new SealWriter(stackalloc byte[PathSeal.MaxSize]);
        writer.Add(Version);
        writer.Add(session.Id.ToByteArray());
        writer.Add((byte)session.Algorithm);
        writer.AddNumber((ulong)session.Touched.ToUnixTimeSeconds());
        writer.AddNumber((ulong)session.Size);
        writer.AddNumber((ulong)session.Pieces);
        writer.AddNumber((ulong)session.Staged);
        writer.AddNumber(session.Last.Own);
        writer.AddNumber(session.Last.Parent);
        writer.AddNumber(session.Before);
        writer.AddNumber((ulong)session.LastSize);
        if (session.Digest is { } digest)
            writer.Add(Convert.FromHexString(digest.Hex));
        return seal.Seal(Binding(session.Repository), writer.Written);
    }

    /// <summary>The session; null if it was tampered with, is another repository's or registry's, or has expired.</summary>
    public UploadSession? Open(string text, RepositoryName repository) =>
        seal.Open(Binding(repository), text) is { } plain && Read(plain, repository) is { } session && time.GetUtcNow() - session.Touched < lifetime ? session : null;

    private static string Binding(RepositoryName repository) => $"upload {repository}";

    // What is read was written by Seal, here or in another replica; only its version may be unknown.
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
            Before = reader.TakeNumber(),
            LastSize = (long)reader.TakeNumber(),
            Digest = reader.IsAtEnd ? null : Digest.FromHash(algorithm, reader.TakeRest()),
        };
    }
}
