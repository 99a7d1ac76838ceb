using System.Buffers;
using Pail.Oci;

namespace Pail.Addresses;

/// <summary>Reads addresses. The forms are listed in docs/addresses.md.</summary>
public static class AddressParser
{
    private const string Forms = "docker-daemon:NAME:TAG, oci:DIR[:TAG], oci-archive:FILE[:TAG], s3://BUCKET/REPO:TAG, file:DIR//REPO:TAG";

    private static readonly SearchValues<char> BucketCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    /// <summary>Reads an address; a text without a scheme is an image of the local Docker Engine.</summary>
    /// <exception cref="PailException">It has no such form.</exception>
    public static Address Parse(string text)
    {
        try
        {
            return Scheme(text) switch
            {
                ("docker-daemon", { Length: > 0 } rest) => new Address.DockerDaemon(rest),
                ("oci", { Length: > 0 } rest) => PathAndTag(rest) is var (path, tag) ? new Address.OciLayout(path, tag) : throw Bad(text),
                ("oci-archive", { Length: > 0 } rest) => PathAndTag(rest) is var (path, tag) ? new Address.OciArchive(path, tag) : throw Bad(text),
                ("s3", { } rest) when rest.StartsWith("//", StringComparison.Ordinal) => S3(text, rest[2..]),
                ("file", { Length: > 0 } rest) => Folder(rest),
                (null, { Length: > 0 } rest) => new Address.DockerDaemon(rest),
                _ => throw Bad(text),
            };
        }
        catch (FormatException e)
        {
            throw new PailException(Failure.BadInput, $"{Printable.Line(text)}: {e.Message}", e);
        }
    }

    /// <summary>Reads the address of a whole bucket: <c>s3://BUCKET</c>, <c>s3://BUCKET/PREFIX//</c> or <c>file:DIR</c>.</summary>
    /// <exception cref="PailException">It is none, or names a repository as well.</exception>
    public static BucketRoot ParseRoot(string text) => Parse(text) is Address.Bucket { Root: var root, Repository: null }
        ? root
        : throw new PailException(Failure.BadInput, $"{Printable.Line(text)}: a bucket is expected, s3://BUCKET, s3://BUCKET/PREFIX// or file:DIR.");

    private static (string? Scheme, string Path) Scheme(string text)
    {
        foreach (var scheme in (ReadOnlySpan<string>)["docker-daemon", "oci", "oci-archive", "s3", "file"])
            if (text.StartsWith(scheme + ":", StringComparison.Ordinal) && (scheme != "s3" || text.StartsWith("s3://", StringComparison.Ordinal)))
                return (scheme, text[(scheme.Length + 1)..]);
        // "docker-archive:", "containers-storage:", "https://": a scheme nobody here knows, not an image called so.
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var foreign = text.Contains("://", StringComparison.Ordinal) || (colon > 0 && text[..colon] is "docker-archive" or "docker" or "dir" or "containers-storage" or "ostree" or "sif");
        return foreign ? ("", text) : (null, text);
    }

    // The tag follows the last colon, unless a slash comes after it: "oci:/a:b/c" is a path.
    private static (string Path, string? Tag) PathAndTag(string rest)
    {
        var colon = rest.LastIndexOf(':');
        return colon > 0 && rest.IndexOf('/', colon) < 0 && colon < rest.Length - 1 ? (rest[..colon], rest[(colon + 1)..]) : (rest.TrimEnd(':'), null);
    }

    private static Address.Bucket S3(string text, string rest)
    {
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var bucket = slash < 0 ? rest : rest[..slash];
        // S3 bucket names: 3 to 63 of these; dots and underscores only in old ones, which still exist.
        if (bucket.Length is < 3 or > 63 || bucket.AsSpan().ContainsAnyExcept(BucketCharacters))
            throw new FormatException($"'{Printable.Line(bucket)}' is not a bucket's name (3 to 63 letters, digits, '.', '-'). Write {(bucket.Length == 0 ? "s3://BUCKET" : "s3://BUCKET/REPO:TAG")}.");
        var path = slash < 0 ? "" : rest[(slash + 1)..];
        var end = path.IndexOf("//", StringComparison.Ordinal);
        if (end < 0)
            return WithRepository(new BucketRoot.S3(bucket, ""), path);
        var prefix = path[..end].Trim('/');
        if (prefix.Split('/').Any(part => part is "." or ".." || (part.Length == 0 && prefix.Length > 0)))
            throw new FormatException("the prefix before '//' has an empty, '.' or '..' part.");
        return WithRepository(new BucketRoot.S3(bucket, prefix.Length == 0 ? "" : prefix + "/"), path[(end + 2)..]);
    }

    private static Address.Bucket Folder(string rest)
    {
        // "file:///srv/bucket" is how URLs write it; the "//" that ends the root comes later.
        var path = rest.StartsWith("///", StringComparison.Ordinal) ? rest[2..] : rest;
        var end = path.IndexOf("//", 1, StringComparison.Ordinal);
        return end < 0
            ? new(new BucketRoot.Folder(path), null, null)
            : WithRepository(new BucketRoot.Folder(path[..end]), path[(end + 2)..]);
    }

    private static Address.Bucket WithRepository(BucketRoot root, string text)
    {
        if (text.Length == 0)
            return new(root, null, null);
        var at = text.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
            return new(root, RepositoryName.Parse(text[..at]), Reference.Of(Digest.Parse(text[(at + 1)..])));
        var colon = text.LastIndexOf(':');
        return colon < 0
            ? new(root, RepositoryName.Parse(text), null)
            : new(root, RepositoryName.Parse(text[..colon]), Reference.Parse(text[(colon + 1)..]));
    }

    private static PailException Bad(string text) => new(Failure.BadInput, $"{Printable.Line(text)}: not an address Pail knows. Write one of {Forms}.");
}
