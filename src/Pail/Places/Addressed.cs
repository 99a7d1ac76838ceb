using Pail.Oci;

namespace Pail.Places;

/// <summary>Reads addresses of which a verb needs certain parts, and says which one is missing.</summary>
internal static class Addressed
{
    /// <summary>The tag taken where an image's address names none, as docker does.</summary>
    public const string DefaultTag = "latest";

    /// <summary>An address in a bucket, whatever it names there.</summary>
    public static Address.Bucket Bucket(string text) => AddressParser.Parse(text) as Address.Bucket
        ?? throw Bad(text, "an address in a bucket is expected, s3://BUCKET/... or file:DIR//...");

    /// <summary>A repository of a bucket, without tag.</summary>
    public static (BucketRoot Root, RepositoryName Name) Repository(string text) => Bucket(text) switch
    {
        { Repository: { } name, Reference: null } bucket => (bucket.Root, name),
        { Repository: null } bucket => throw Bad(text, $"a repository is expected, such as {bucket.Root.WithSeparator}app."),
        _ => throw Bad(text, "a repository is expected, without tag or digest."),
    };

    /// <summary>A tag in a repository of a bucket.</summary>
    public static (BucketRoot Root, RepositoryName Name, string Tag) Tag(string text, string why) => Bucket(text) switch
    {
        { Repository: { } name, Reference: { Tag: { } tag } } bucket => (bucket.Root, name, tag),
        { Reference: { Digest: not null } } => throw Bad(text, why),
        { Root: var root, Repository: var name } => throw Bad(text, $"a tag is expected, such as {root.WithSeparator}{(name is { } known ? known.ToString() : "app")}:1.0."),
    };

    /// <summary>The address with <see cref="DefaultTag"/> where it names an image in a bucket or registry without tag or digest.</summary>
    public static Address Image(string text) => AddressParser.Parse(text) switch
    {
        Address.Bucket { Repository: null } bucket => throw Bad(text, Forgotten(bucket) ?? $"an image is expected, such as {bucket.Root.WithSeparator}app:1.0."),
        Address.Bucket { Reference: null } bucket => bucket with { Reference = Reference.Parse(DefaultTag) },
        Address.Registry { Reference: null } registry => registry with { Reference = Reference.Parse(DefaultTag) },
        var other => other,
    };

    /// <summary>A digest.</summary>
    public static Digest Digest(string text) => Oci.Digest.TryParse(text, out var digest)
        ? digest
        : throw Bad(text, "a digest is expected, sha256: or sha512: and lower-case hexadecimal digits.");

    /// <summary>A repository of a bucket or registry, without tag, as the place of an image that is not named.</summary>
    public static Address Place(string text) => AddressParser.Parse(text) switch
    {
        Address.Registry { Reference: null } or Address.Bucket { Repository: not null, Reference: null } => Image(text),
        _ => throw Bad(text, "a repository is expected, without tag or digest: s3://BUCKET/REPO, file:DIR//REPO or docker://HOST/REPO."),
    };

    /// <summary>The path of an address, unless a folder is there whose name is this path, a colon and what seems to be the image's name.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: one is: the address names another place than the one meant.</exception>
    public static string Path(Address address, string path, string? image)
    {
        for (var slash = image?.IndexOf('/', StringComparison.Ordinal) ?? -1; slash > 0; slash = image!.IndexOf('/', slash + 1))
            if (Directory.Exists($"{path}:{image![..slash]}"))
                throw Bad(address.ToString(), $"a path can't hold ':', and the folder {SafeText.OneLine($"{path}:{image[..slash]}")} does: use a link to it whose name has none.");
        return path;
    }

    public static PailException Bad(string text, string why) => new(Failure.BadInput, $"{SafeText.OneLine(text)}: {why}");

    // "file:dir/app:1.0" names a folder called so; somebody most likely meant an image.
    private static string? Forgotten(Address.Bucket bucket) =>
        bucket.Root is BucketRoot.Folder { Directory: var path } && path.LastIndexOf('/') is > 0 and var slash && path.IndexOf(':', slash) > 0
            ? $"'//' must end the folder: file:{path[..slash]}//{path[(slash + 1)..]}"
            : null;
}
