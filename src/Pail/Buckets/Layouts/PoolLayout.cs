using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets.Layouts;

/// <summary>
/// The layout of s3lo (1.1 and later): one pool of blobs, each stored once whatever repository names it.
/// <code>
/// blobs/sha256/HEX                     layers, configs, and manifests by digest
/// manifests/REPO/TAG/manifest.json
/// manifests/REPO/TAG/oci-layout        {"imageLayoutVersion":"1.0.0"}
/// referrers/REPO/sha256/HEX            Pail's own, beside the documented keys
/// </code>
/// </summary>
internal sealed class PoolLayout : BucketLayout
{
    private const string TagFile = "/manifest.json";

    private static readonly byte[] LayoutFile = """{"imageLayoutVersion":"1.0.0"}"""u8.ToArray();

    /// <inheritdoc/>
    public override LayoutKind Kind => LayoutKind.Pool;

    /// <inheritdoc/>
    public override string Name => "pool";

    /// <inheritdoc/>
    public override bool SharesBlobs => true;

    /// <inheritdoc/>
    // "a-b/manifest.json" sorts before "a/manifest.json", and "a" before "a-b"; the tags of a/b sort among those of a.
    public override bool NamesSortAsKeys => false;

    /// <inheritdoc/>
    public override bool CanBePublic => false;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Prefixes { get; } = ["manifests/", "blobs/", "referrers/"];

    /// <inheritdoc/>
    public override ObjectHeaders BlobHeaders { get; } = new(MediaTypes.OctetStream, Immutable + ", no-transform") { StorageClass = "INTELLIGENT_TIERING" };

    /// <inheritdoc/>
    public override ListQuery RepositoryQuery { get; } = new("manifests/", TagFile);

    /// <inheritdoc/>
    public override string BlobsPrefix(RepositoryName repository) => "blobs/";

    /// <inheritdoc/>
    public override string BlobKey(RepositoryName repository, Digest digest) => $"blobs/{digest.AlgorithmName}/{digest.Hex}";

    /// <inheritdoc/>
    public override string ManifestKey(RepositoryName repository, Reference reference) =>
        reference.Digest is { } digest ? BlobKey(repository, digest) : $"manifests/{repository}/{reference}{TagFile}";

    /// <inheritdoc/>
    public override string ReferrersKey(RepositoryName repository, Digest subject) => $"referrers/{repository}/{subject.AlgorithmName}/{subject.Hex}";

    /// <inheritdoc/>
    public override ListQuery TagQuery(RepositoryName repository) => new($"manifests/{repository}/", TagFile);

    /// <inheritdoc/>
    public override ListQuery TagsQuery(string repositories) => new($"manifests/{repositories}");

    /// <inheritdoc/>
    public override string OwnPrefix(RepositoryName repository) => "";

    /// <inheritdoc/>
    public override string? TagStart(RepositoryName repository, string after) => null;

    /// <inheritdoc/>
    public override string? ReadTag(RepositoryName repository, string keyOrPrefix)
    {
        var rest = keyOrPrefix[$"manifests/{repository}/".Length..];
        return rest.EndsWith(TagFile, StringComparison.Ordinal) && Reference.IsTag(rest[..^TagFile.Length]) ? rest[..^TagFile.Length] : null;
    }

    /// <inheritdoc/>
    public override string? RepositoryStart(RepositoryName after) => null;

    /// <inheritdoc/>
    public override RepositoryName? ReadRepository(string keyOrPrefix)
    {
        if (!keyOrPrefix.EndsWith(TagFile, StringComparison.Ordinal))
            return null;
        var path = keyOrPrefix["manifests/".Length..^TagFile.Length];
        var slash = path.LastIndexOf('/');
        return slash > 0 && RepositoryName.TryParse(path[..slash], out var name) ? name : null;
    }

    /// <inheritdoc/>
    public override KeyMeaning Read(string key)
    {
        // From the right: a part of a repository's name may be anything a repository's name may be.
        var parts = key.Split('/');
        string Middle(int last) => string.Join('/', parts[1..^last]);
        return parts switch
        {
            ["blobs", var algorithm, var hex] when Digest.TryParse($"{algorithm}:{hex}", out var digest) => new(KeyKind.Blob, Digest: digest),
            ["manifests", _, .., var tag, "manifest.json"] when Reference.IsTag(tag) && RepositoryName.TryParse(Middle(2), out var name) => new(KeyKind.Tag, name, Tag: tag),
            ["manifests", _, .., var tag, "oci-layout"] when Reference.IsTag(tag) && RepositoryName.TryParse(Middle(2), out var name) => new(KeyKind.TagCompanion, name, Tag: tag),
            ["referrers", _, .., var algorithm, var hex] when Digest.TryParse($"{algorithm}:{hex}", out var digest) && RepositoryName.TryParse(Middle(2), out var name) => new(KeyKind.Referrers, name, digest),
            _ => base.Read(key),
        };
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Key, ObjectHeaders Headers, ReadOnlyMemory<byte> Body)> TagCompanions(RepositoryName repository, string tag)
    {
        yield return ($"manifests/{repository}/{tag}/oci-layout", V2Layout.ListHeaders, LayoutFile);
    }
}
