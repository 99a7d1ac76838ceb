using Pail.Buckets;
using Pail.Oci;

namespace Pail.Server.Uploads;

/// <summary>
/// What a session is after a request: it travels in the Location and is nowhere else. Never changed; each request that
/// brings bytes ends in a new one, and older ones still say truly what they said.
/// </summary>
/// <param name="Id">The same over all requests of the session.</param>
/// <param name="Repository">Where it belongs, and is worthless elsewhere.</param>
/// <param name="Algorithm">How its bytes are hashed on the way.</param>
/// <param name="Touched">When it was made.</param>
internal sealed record UploadSession(Guid Id, RepositoryName Repository, DigestAlgorithm Algorithm, DateTimeOffset Touched)
{
    /// <summary>How many bytes have arrived and are safe in the bucket.</summary>
    public long Size { get; init; }

    /// <summary>Their digest; null if no replica saw them all.</summary>
    public Digest? Digest { get; init; }

    /// <summary>The staged objects that hold them, in order one after the other; none if the blob of that digest holds them all.</summary>
    public int Pieces { get; init; }

    /// <summary>How many staged objects were written; more than <see cref="Pieces"/> if some were replaced.</summary>
    public int Staged { get; init; }

    /// <summary>The last piece.</summary>
    public PieceName Last { get; init; }

    /// <summary>What the piece before the last follows; 0 for none. So all pieces are found also where the bucket can't be listed.</summary>
    public ulong Before { get; init; }

    /// <summary>The size of the last piece in bytes.</summary>
    public long LastSize { get; init; }

    /// <summary>True if both hold the same bytes for certain: the same number in the same objects.</summary>
    public bool HoldsSameAs(UploadSession other) =>
        (Id, Size, Pieces, Last, Digest) == (other.Id, other.Size, other.Pieces, other.Last, other.Digest);
}
