using System.Buffers;
using System.Text.RegularExpressions;
using Pail.Buckets;
using Pail.Oci;

namespace Pail.Places;

/// <summary>Reads addresses. The forms are listed in docs/addresses.md.</summary>
internal static partial class AddressParser
{
    private const string Forms = "docker-daemon:NAME:TAG, oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR, docker-archive:FILE[:NAME:TAG], file:DIR//REPO:TAG, docker://HOST/REPO:TAG";

    private const string DockerHub = "docker.io";

    private static readonly SearchValues<char> ImageCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/:@");

    /// <summary>Reads an address; a text without a scheme is an image of the local Docker Engine.</summary>
    /// <exception cref="PailException">It has no such form.</exception>
    public static Address Parse(string text)
    {
        // What .NET makes of arguments that aren't UTF-8: it would be another file than the one meant.
        if (text.Contains('\uFFFD', StringComparison.Ordinal))
            throw new PailException(Failure.BadInput, $"{SafeText.OneLine(text)}: the address is not UTF-8. Give the file a name that is, or a link with one.");
        try
        {
            return Scheme(text) switch
            {
                ("docker-daemon" or null, { Length: > 0 } rest) => new Address.DockerDaemon(EngineImage(rest)),
                ("oci", { Length: > 0 } rest) => PathAndTag(rest) is var (path, tag) ? new Address.OciLayout(path, tag) : throw Bad(text),
                ("oci-archive", { Length: > 0 } rest) => PathAndTag(rest) is var (path, tag) ? new Address.OciArchive(path, tag) : throw Bad(text),
                ("dir", { Length: > 0 } path) => new Address.Dir(path),
                ("docker-archive", { Length: > 0 } rest) => PathAndTag(rest) is var (path, tag) ? new Address.DockerArchive(path, Saved(tag)) : throw Bad(text),
                ("docker", { } rest) => Registry(rest[2..]),
                ("file", { Length: > 0 } rest) => Folder(rest),
                ({ } scheme, { } rest) when StoreProviders.Find(scheme) is { } provider => Bucket(provider, rest[2..]),
                _ => throw Bad(text),
            };
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, $"{SafeText.OneLine(text)}: {e.Message}", e);
        }
    }

    /// <summary>Reads the address of a whole bucket: <c>s3://BUCKET</c>, <c>s3://BUCKET/PREFIX//</c> or <c>file:DIR</c>.</summary>
    /// <exception cref="PailException">It is none, or names a repository as well.</exception>
    public static BucketRoot ParseRoot(string text) => Parse(text) is Address.Bucket { Root: var root, Repository: null }
        ? root
        : throw new PailException(Failure.BadInput, $"{SafeText.OneLine(text)}: a bucket is expected, s3://BUCKET, s3://BUCKET/PREFIX// or file:DIR.");

    /// <summary>Reads what names images of a bucket, patterns such as <c>s3://acme/team/*:pr-*</c> among them.</summary>
    /// <returns>The bucket, and the images; null for an address that is none in a bucket.</returns>
    /// <exception cref="PailException">It names nothing in the bucket, or no such pattern can be.</exception>
    public static (BucketRoot Root, ImagePattern Images)? ParsePattern(string text)
    {
        try
        {
            var found = Scheme(text) switch
            {
                ("file", { Length: > 0 } rest) => SplitFolder(rest),
                ({ } scheme, { } rest) when StoreProviders.Find(scheme) is { } provider => Split(provider, rest[2..]),
                _ => ((BucketRoot, string)?)null,
            };
            return found is not var (root, path) ? null
                : path.Length > 0 ? (root, ImagePattern.Parse(path))
                : throw new FormatException($"a repository, tag or digest is expected, such as {root.WithSeparator}app:1.0; '{root.WithSeparator}**' is all of the bucket's.");
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, $"{SafeText.OneLine(text)}: {e.Message}", e);
        }
    }

    /// <summary>Reads a registry's host, as people name it to log in: Docker Hub has several names.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static string RegistryHost(string text) => text switch
    {
        "index.docker.io" or "registry-1.docker.io" => DockerHub,
        _ when HostPattern().IsMatch(text) && Uri.TryCreate($"https://{text}/", UriKind.Absolute, out _) => text,
        _ => throw new FormatException($"'{SafeText.OneLine(text)}' is not a registry's HOST[:PORT]."),
    };

    private static (string? Scheme, string Path) Scheme(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var scheme = colon < 0 ? "" : text[..colon];
        var slashes = colon >= 0 && text.AsSpan(colon).StartsWith("://");
        return scheme switch
        {
            "docker-daemon" or "oci" or "oci-archive" or "dir" or "docker-archive" or "file" => (scheme, text[(colon + 1)..]),
            "docker" when slashes => (scheme, text[(colon + 1)..]),
            _ when slashes && StoreProviders.Find(scheme) is not null => (scheme, text[(colon + 1)..]),
            // A scheme nobody here knows, not an image called so; but "docker:dind" is an image.
            "containers-storage" or "ostree" or "sif" => ("", text),
            _ => slashes ? ("", text) : (null, text),
        };
    }

    // What an engine can know: NAME, HOST:PORT/NAME:TAG, NAME@DIGEST or an id. The engine judges the rest.
    private static string EngineImage(string text) =>
        text[0] == '-' ? throw new FormatException("this is no option here, and no address.")
        : text.AsSpan().ContainsAnyExcept(ImageCharacters) || !char.IsAsciiLetterOrDigit(text[0])
            ? throw new FormatException("this is no image of an engine; for a file or folder write oci:DIR, oci-archive:FILE or file:DIR//REPO:TAG.")
            : text;

    // As skopeo does: the path ends at the first colon, so that a tag may be a whole name, "oci:dir:example.com/app:1.0".
    private static (string Path, string? Tag) PathAndTag(string rest)
    {
        var colon = rest.IndexOf(':', IsDrive(rest) ? 2 : 0);
        if (colon < 0)
            return (rest, null);
        var (path, tag) = (rest[..colon], rest[(colon + 1)..]);
        if (path.Length == 0)
            throw new FormatException("the path before ':' is missing.");
        if (path.EndsWith("@sha256", StringComparison.Ordinal) || path.EndsWith("@sha512", StringComparison.Ordinal))
            throw new FormatException($"an image of a layout is chosen by its digest behind ':', {SafeText.OneLine(path[..^7])}:@{path[^6..]}:...");
        return TagPattern().IsMatch(tag) || (tag is ['@', .. var choice] && IsDigestOrPlace(choice))
            ? (path, tag)
            : throw new FormatException($"'{SafeText.OneLine(tag)}' is no tag, no @DIGEST and no @N, and a path can't hold ':'.");
    }

    private static bool IsDigestOrPlace(string text) => Digest.TryParse(text, out _) || (text.Length is > 0 and < 10 && !text.AsSpan().ContainsAnyExceptInRange('0', '9'));

    // What docker save wrote has names only, and its images no digests.
    private static string? Saved(string? image) => image is ['@', .. var choice] && Digest.TryParse(choice, out _)
        ? throw new FormatException("an image of a docker-archive is chosen by its name or by @N.")
        : image;

    private static bool IsDrive(string path) => OperatingSystem.IsWindows() && path is [>= 'A' and <= 'z', ':', '\\' or '/', ..];

    private static Address.Bucket Bucket(IStoreProvider provider, string rest)
    {
        var (root, path) = Split(provider, rest);
        return WithRepository(root, path);
    }

    // The bucket, and the path in it.
    private static (BucketRoot Root, string Path) Split(IStoreProvider provider, string rest)
    {
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var bucket = slash < 0 ? rest : rest[..slash];
        provider.CheckBucket(bucket);
        var path = slash < 0 ? "" : rest[(slash + 1)..];
        if (path.StartsWith('/'))
            return (new BucketRoot.Url(provider.Scheme, bucket, ""), path[1..]);
        var end = path.IndexOf("//", StringComparison.Ordinal);
        if (end < 0)
            return (new BucketRoot.Url(provider.Scheme, bucket, ""), path);
        var prefix = path[..end];
        if (prefix.Split('/').Any(part => part is "" or "." or "..") || prefix.Any(char.IsControl))
            throw new FormatException("the prefix before '//' has an empty, '.' or '..' part, or a control character.");
        return (new BucketRoot.Url(provider.Scheme, bucket, prefix + "/"), path[(end + 2)..]);
    }

    private static Address.Bucket Folder(string rest)
    {
        var (root, path) = SplitFolder(rest);
        return WithRepository(root, path);
    }

    private static (BucketRoot Root, string Path) SplitFolder(string rest)
    {
        if (rest.StartsWith("//", StringComparison.Ordinal) && rest is not ['/', '/', '/', not '/', ..])
            throw new FormatException("a folder is written file:DIR, or file:///DIR as in URLs; no host can be named.");
        // "file:///srv/bucket" is how URLs write it; the "//" that ends the root comes later.
        var path = rest.StartsWith("///", StringComparison.Ordinal) ? rest[2..] : rest;
        var end = path.IndexOf("//", 1, StringComparison.Ordinal);
        return end < 0 ? (new BucketRoot.Folder(path), "") : (new BucketRoot.Folder(path[..end]), path[(end + 2)..]);
    }

    private static Address.Registry Registry(string rest)
    {
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash == 0 || rest.Length == 0)
            throw new FormatException("docker://HOST[:PORT]/REPO:TAG is expected.");
        var first = slash < 0 ? "" : rest[..slash];
        // As docker tells hosts from names: "team/app" is on Docker Hub, "team.example/app" is not.
        var isHost = first.AsSpan().ContainsAny('.', ':') || first == "localhost" || first.Any(char.IsAsciiLetterUpper);
        var (host, path) = isHost ? (RegistryHost(first), rest[(slash + 1)..]) : (DockerHub, rest);
        if (host == DockerHub && !path.Contains('/', StringComparison.Ordinal))
            path = "library/" + path;
        var (repository, reference, tag) = Named(path);
        return new(host, repository, reference) { Tag = tag };
    }

    private static Address.Bucket WithRepository(BucketRoot root, string text)
    {
        if (text.Length == 0)
            return new(root, null, null);
        var (repository, reference, tag) = Named(text);
        return new(root, repository, reference) { Tag = tag };
    }

    // REPO, REPO:TAG, REPO@DIGEST or REPO:TAG@DIGEST.
    private static (RepositoryName Repository, Reference? Reference, string? Tag) Named(string text)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        // REPO:TAG@DIGEST, as Kubernetes and compose files hold it: the digest counts, as for docker.
        if (at >= 0 && text[..at].LastIndexOf(':') is > 0 and var tag)
            return Reference.IsTag(text[(tag + 1)..at]) ? (RepositoryName.Parse(text[..tag]), Reference.Of(Digest.Parse(text[(at + 1)..])), text[(tag + 1)..at]) : throw new FormatException($"'{SafeText.OneLine(text[(tag + 1)..at])}' is no tag.");
        if (at >= 0)
            return (RepositoryName.Parse(text[..at]), Reference.Of(Digest.Parse(text[(at + 1)..])), null);
        var colon = text.LastIndexOf(':');
        return colon < 0
            ? (RepositoryName.Parse(text), null, null)
            : (RepositoryName.Parse(text[..colon]), Reference.Parse(text[(colon + 1)..]), null);
    }

    // Source: OCI image-spec, annotations.md, org.opencontainers.image.ref.name; a little wider at the ends, as registries' tags are.
    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.:@/+-]{0,511}\z", RegexOptions.NonBacktracking)]
    private static partial Regex TagPattern();

    // A name, an IPv4 or a bracketed IPv6 address; no user, no path.
    [GeneratedRegex(@"\A(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\z", RegexOptions.NonBacktracking)]
    private static partial Regex HostPattern();

    private static PailException Bad(string text) => new(Failure.BadInput, $"'{SafeText.OneLine(text)}' is not an address Pail knows. Write one of {string.Join(", ", StoreProviders.Schemes.Select(scheme => $"{scheme}://BUCKET/REPO:TAG").Append(Forms))}.");
}
