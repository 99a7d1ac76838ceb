using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets.Layouts;

/// <summary>
/// The layout whose keys are the paths of the registry API:
/// <code>
/// v2/                                  {}, in public buckets
/// v2/_catalog                          in public buckets
/// v2/REPO/blobs/sha256:HEX
/// v2/REPO/manifests/TAG
/// v2/REPO/manifests/sha256:HEX
/// v2/REPO/referrers/sha256:HEX
/// v2/REPO/tags/list                    in public buckets
/// </code>
/// A tag can't hold a colon and a digest always does: a listing with the delimiter <c>:</c> shows the tags one by one
/// and folds all digests into one prefix.
/// </summary>
internal sealed class V2Layout : BucketLayout
{
    /// <summary>The object behind <c>GET /v2/</c>.</summary>
    public const string RootKey = "v2/";

    /// <summary>The static list of repositories.</summary>
    public const string CatalogKey = "v2/_catalog";

    private const string ManifestsPart = "/manifests/";

    /// <summary>What the static lists are served as.</summary>
    public static ObjectHeaders ListHeaders { get; } = new(MediaTypes.Json, Mutable);

    /// <inheritdoc/>
    public override LayoutKind Kind => LayoutKind.V2;

    /// <inheritdoc/>
    public override string Name => "v2";

    /// <inheritdoc/>
    public override bool SharesBlobs => false;

    /// <inheritdoc/>
    public override bool NamesSortAsKeys => true;

    /// <inheritdoc/>
    public override bool CanBePublic => true;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Prefixes { get; } = [RootKey];

    /// <inheritdoc/>
    public override ObjectHeaders BlobHeaders { get; } = new(MediaTypes.OctetStream, Immutable + ", no-transform");

    /// <inheritdoc/>
    public override ListQuery RepositoryQuery { get; } = new("v2/", ":");

    /// <inheritdoc/>
    public override string BlobsPrefix(RepositoryName repository) => $"v2/{repository}/blobs/";

    /// <inheritdoc/>
    public override string BlobKey(RepositoryName repository, Digest digest) => $"{BlobsPrefix(repository)}{digest}";

    /// <inheritdoc/>
    public override string ManifestKey(RepositoryName repository, Reference reference) => $"v2/{repository}{ManifestsPart}{reference}";

    /// <inheritdoc/>
    public override string ReferrersKey(RepositoryName repository, Digest subject) => $"v2/{repository}/referrers/{subject}";

    /// <summary>The static list of a repository's tags.</summary>
    public static string TagListKey(RepositoryName repository) => $"v2/{repository}/tags/list";

    /// <inheritdoc/>
    public override ListQuery TagQuery(RepositoryName repository) => new($"v2/{repository}{ManifestsPart}", ":");

    /// <inheritdoc/>
    public override ListQuery TagsQuery(string repositories) => new($"v2/{repositories}", ":");

    /// <inheritdoc/>
    public override string OwnPrefix(RepositoryName repository) => $"v2/{repository}/";

    /// <inheritdoc/>
    public override string TagStart(RepositoryName repository, string after) => $"v2/{repository}{ManifestsPart}{after}";

    /// <inheritdoc/>
    public override string? ReadTag(RepositoryName repository, string keyOrPrefix)
    {
        var rest = keyOrPrefix[$"v2/{repository}{ManifestsPart}".Length..];
        return Reference.IsTag(rest) ? rest : null;
    }

    /// <inheritdoc/>
    // '~' sorts after every character a tag or a digest can have.
    public override string RepositoryStart(RepositoryName after) => $"v2/{after}{ManifestsPart}~";

    /// <inheritdoc/>
    public override RepositoryName? ReadRepository(string keyOrPrefix)
    {
        // From the right: a part of a repository's name may itself be "manifests".
        var part = keyOrPrefix.LastIndexOf(ManifestsPart, StringComparison.Ordinal);
        // What comes after it is a tag or the folded digests; with a slash it is some other part of a repository called so.
        var other = part > 3 && keyOrPrefix.IndexOf('/', part + ManifestsPart.Length) >= 0;
        return part > 3 && !other && RepositoryName.TryParse(keyOrPrefix[3..part], out var name) ? name : null;
    }

    /// <inheritdoc/>
    public override KeyMeaning Read(string key)
    {
        if (key is RootKey or CatalogKey)
            return new(KeyKind.StaticList);
        // From the right: a part of a repository's name may itself be "manifests".
        var slash = key.LastIndexOf('/');
        var part = slash > 0 ? key.LastIndexOf('/', slash - 1) : -1;
        if (part <= RootKey.Length || !key.StartsWith(RootKey, StringComparison.Ordinal) || !RepositoryName.TryParse(key[RootKey.Length..part], out var name))
            return base.Read(key);
        var last = key[(slash + 1)..];
        return (key[(part + 1)..slash], Digest.TryParse(last, out var digest)) switch
        {
            ("blobs", true) => new(KeyKind.Blob, name, digest),
            ("manifests", true) => new(KeyKind.Manifest, name, digest),
            ("manifests", _) when Reference.IsTag(last) => new(KeyKind.Tag, name, Tag: last),
            ("referrers", true) => new(KeyKind.Referrers, name, digest),
            ("tags", _) when last == "list" => new(KeyKind.StaticList, name),
            _ => default,
        };
    }
}
