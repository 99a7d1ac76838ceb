using Pail.Compression;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets.Layouts;

/// <summary>The two ways to lay a registry out in a bucket.</summary>
public enum LayoutKind
{
    /// <summary>Keys are the paths of the registry API, so the bucket itself can be pulled from.</summary>
    V2,

    /// <summary>One pool of blobs for all repositories.</summary>
    Pool,
}

/// <summary>
/// Where each thing of a registry is in the bucket, and what it is served as. Pure: names in, keys out, no requests.
/// docs/layouts.md draws both.
/// </summary>
public abstract class BucketLayout
{
    /// <summary>The metadata that carries a manifest's digest, so that an edge can emit the header of that name.</summary>
    public const string DigestMetadata = "docker-content-digest";

    /// <summary>The metadata by which a blob says the digest of the tar it was compressed from.</summary>
    public const string DiffIdMetadata = "pail-diff-id";

    // What never changes under its name may be kept by anybody for a year; the rest is asked for anew each time.
    private protected const string Immutable = "public, max-age=31536000, immutable";
    private protected const string Mutable = "no-cache";

    private protected BucketLayout()
    {
    }

    /// <summary>Which layout this is.</summary>
    public abstract LayoutKind Kind { get; }

    /// <summary>The layout of that kind.</summary>
    public static BucketLayout Of(LayoutKind kind) => kind == LayoutKind.Pool ? new PoolLayout() : new V2Layout();

    /// <summary>Where a blob is.</summary>
    public abstract string BlobKey(RepositoryName repository, Digest digest);

    /// <summary>What a blob is served as.</summary>
    public abstract ObjectHeaders BlobHeaders { get; }

    /// <summary>What a blob is served as that was compressed from a tar of that digest.</summary>
    public ObjectHeaders LayerHeaders(Digest? diffId) =>
        diffId is { } tar ? BlobHeaders with { Metadata = new Dictionary<string, string> { [DiffIdMetadata] = tar.ToString() } } : BlobHeaders;

    /// <summary>Where a bucket of either layout remembers which blob a tar of that digest became, compressed so; without a kind, which repository holds a blob.</summary>
    public static string MemoryKey(Digest digest, CompressionKind? kind) => $"pail/layers/{digest}/{kind?.ToString().ToLowerInvariant() ?? "blob"}";

    /// <summary>Where a manifest is.</summary>
    public abstract string ManifestKey(RepositoryName repository, Reference reference);

    /// <summary>What a manifest is served as under this reference.</summary>
    public static ObjectHeaders ManifestHeaders(Manifest manifest, Reference reference) =>
        new(manifest.MediaType, reference.Digest is null ? Mutable : Immutable)
        {
            Sha256 = manifest.Digest.Algorithm == DigestAlgorithm.Sha256 ? manifest.Digest : null,
            Metadata = new Dictionary<string, string> { [DigestMetadata] = manifest.Digest.ToString() },
        };

    /// <summary>Where the list of a manifest's referrers is.</summary>
    public abstract string ReferrersKey(RepositoryName repository, Digest subject);

    /// <summary>What the list of referrers is served as.</summary>
    public ObjectHeaders ReferrersHeaders { get; } = new(MediaTypes.OciIndex, Mutable);

    /// <summary>A listing that shows each tag of a repository once, and little else.</summary>
    public abstract ListQuery TagQuery(RepositoryName repository);

    /// <summary>The key after which the listing of tags goes on past one; null if keys do not sort as tags do.</summary>
    public abstract string? TagStart(RepositoryName repository, string after);

    /// <summary>The tag that a key or prefix of that listing shows; null if it shows none.</summary>
    public abstract string? ReadTag(RepositoryName repository, string keyOrPrefix);

    /// <summary>A listing that shows each repository at least once.</summary>
    public abstract ListQuery RepositoryQuery { get; }

    /// <summary>The key after which the listing of repositories goes on past one; null if it can't.</summary>
    public abstract string? RepositoryStart(RepositoryName after);

    /// <summary>The repository that a key or prefix of that listing shows; null if it shows none.</summary>
    public abstract RepositoryName? ReadRepository(string keyOrPrefix);

    /// <summary>What else a tag consists of, written before it.</summary>
    public virtual IEnumerable<(string Key, ObjectHeaders Headers, ReadOnlyMemory<byte> Body)> TagCompanions(RepositoryName repository, string tag) => [];
}
