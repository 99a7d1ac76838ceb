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
internal abstract class BucketLayout
{
    /// <summary>The metadata that carries a manifest's digest, so that an edge can send it as Docker-Content-Digest.</summary>
    /// <remarks>Letters alone are legal everywhere: Azure wants identifiers of C#, S3 and GCS header names, and some proxies drop underscores.</remarks>
    public const string DigestMetadata = "dockercontentdigest";

    /// <summary>The metadata by which a blob states the digest of the tar it was compressed from.</summary>
    public const string DiffIdMetadata = "paildiffid";

    // What Pail wrote before 0.1.0, and still reads.
    private const string OldDigestMetadata = "docker-content-digest";
    private const string OldDiffIdMetadata = "pail-diff-id";

    // What never changes under its name may be kept by anybody for a year; the rest is asked for anew each time.
    private protected const string Immutable = "public, max-age=31536000, immutable";
    private protected const string Mutable = "no-cache";

    private const string MemoryPrefix = "pail/layers/";

    private protected BucketLayout()
    {
    }

    /// <summary>Which layout this is.</summary>
    public abstract LayoutKind Kind { get; }

    /// <summary>What people call it.</summary>
    public abstract string Name { get; }

    /// <summary>True if all repositories share their blobs and their manifests by digest.</summary>
    public abstract bool SharesBlobs { get; }

    /// <summary>True if the listings of tags and of repositories show them in the order of their names, so that a listing can begin after one.</summary>
    public abstract bool NamesSortAsKeys { get; }

    /// <summary>True if clients can pull from the bucket itself.</summary>
    public abstract bool CanBePublic { get; }

    /// <summary>What the keys of repositories begin with; everything else of Pail's is below <c>pail/</c>, or <c>pail.json</c>.</summary>
    public abstract IReadOnlyList<string> Prefixes { get; }

    /// <summary>The layout of that kind.</summary>
    public static BucketLayout Of(LayoutKind kind) => kind == LayoutKind.Pool ? new PoolLayout() : new V2Layout();

    /// <summary>The layout of that name; null if there is none.</summary>
    public static BucketLayout? Named(string? name) => Enum.GetValues<LayoutKind>().Select(Of).FirstOrDefault(layout => layout.Name == name);

    /// <summary>The layout whose keys a bucket has, by the common prefixes at its root; the default if it has none.</summary>
    public static BucketLayout Recognise(IReadOnlyList<string> roots) => Enum.GetValues<LayoutKind>().Select(Of).FirstOrDefault(layout => layout.Prefixes.Any(roots.Contains)) ?? Of(default);

    /// <summary>The digest that a manifest's object states; null if it doesn't.</summary>
    public static Digest? DigestOf(ObjectInfo info) => Stated(info, DigestMetadata, OldDigestMetadata);

    /// <summary>The digest of the tar that a blob's object states; null if it doesn't.</summary>
    public static Digest? DiffIdOf(ObjectInfo info) => Stated(info, DiffIdMetadata, OldDiffIdMetadata);

    /// <summary>Where a blob is.</summary>
    public abstract string BlobKey(RepositoryName repository, Digest digest);

    /// <summary>What the keys of the blobs of a repository begin with, or of all repositories that share them.</summary>
    public abstract string BlobsPrefix(RepositoryName repository);

    /// <summary>What a blob is served as.</summary>
    public abstract ObjectHeaders BlobHeaders { get; }

    /// <summary>What a blob is served as that was compressed from a tar of that digest.</summary>
    public ObjectHeaders BlobHeadersOf(Digest? diffId) =>
        diffId is { } tar ? BlobHeaders with { Metadata = new Dictionary<string, string> { [DiffIdMetadata] = tar.ToString() } } : BlobHeaders;

    /// <summary>Where a bucket of either layout remembers which blob a tar of that digest became, compressed so; without a kind, which repository holds a blob.</summary>
    public static string MemoryKey(Digest digest, CompressionKind? kind) => $"{MemoryPrefix}{digest}/{kind?.ToString().ToLowerInvariant() ?? "blob"}";

    /// <summary>What a key names: the inverse of the methods that make keys. Anything they can't make is <see cref="KeyKind.Foreign"/>.</summary>
    public virtual KeyMeaning Read(string key)
    {
        if (key == BucketSettings.Key)
            return new(KeyKind.Settings);
        if (key == RetentionFile.Key)
            return new(KeyKind.Policy);
        if (StagingKey.IsOne(key))
            return new(KeyKind.Staging);
        if (PullKeys.HourIn(key) is not null)
            return new(KeyKind.Pulls);
        if (RemovedKey.Read(key) is var (repository, reference))
            return new(KeyKind.Removed, repository, reference.Digest, reference.Tag);
        if (OwnKeys.Contains(key))
            return new(KeyKind.Own);
        if (!key.StartsWith(MemoryPrefix, StringComparison.Ordinal))
            return default;
        var slash = key.LastIndexOf('/');
        return slash > MemoryPrefix.Length && Digest.TryParse(key[MemoryPrefix.Length..slash], out var digest) && key[(slash + 1)..] is "blob" or "gzip" or "zstd" or "none"
            ? new(KeyKind.Memory, Digest: digest)
            : default;
    }

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

    /// <summary>A listing that shows the objects of all tags, and little else, of the repositories whose names begin so.</summary>
    public abstract ListQuery TagsQuery(string repositories);

    /// <summary>What the keys begin with that belong to a repository alone; empty if some of its keys are those of all.</summary>
    public abstract string OwnPrefix(RepositoryName repository);

    /// <summary>The key after which the listing of tags goes on past one; null unless <see cref="NamesSortAsKeys"/>.</summary>
    public abstract string? TagStart(RepositoryName repository, string after);

    /// <summary>The tag that a key or prefix of that listing shows; null if it shows none.</summary>
    public abstract string? ReadTag(RepositoryName repository, string keyOrPrefix);

    /// <summary>A listing that shows each repository at least once.</summary>
    public abstract ListQuery RepositoryQuery { get; }

    /// <summary>The key after which the listing of repositories goes on past one; null unless <see cref="NamesSortAsKeys"/>.</summary>
    public abstract string? RepositoryStart(RepositoryName after);

    /// <summary>The repository that a key or prefix of that listing shows; null if it shows none.</summary>
    public abstract RepositoryName? ReadRepository(string keyOrPrefix);

    /// <summary>What else a tag consists of, written before it.</summary>
    public virtual IEnumerable<(string Key, ObjectHeaders Headers, ReadOnlyMemory<byte> Body)> TagCompanions(RepositoryName repository, string tag) => [];

    private static Digest? Stated(ObjectInfo info, string name, string oldName) =>
        Digest.TryParse(info.Metadata.GetValueOrDefault(name) ?? info.Metadata.GetValueOrDefault(oldName), out var digest) ? digest : null;
}
