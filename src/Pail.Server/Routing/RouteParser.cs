using Pail.Oci;
using Pail.Server.Errors;

namespace Pail.Server.Routing;

/// <summary>
/// Reads a path from the right, since a repository's name may itself contain <c>blobs</c>, <c>tags</c> or <c>manifests</c>.
/// Pure. What it lets through consists of names, tags and digests the specifications allow: nothing in them can
/// climb out of a bucket's root.
/// </summary>
internal static class RouteParser
{
    private const string Prefix = "/v2/";

    private static readonly RegistryRoute Root = new RegistryRoute.Root();
    private static readonly RegistryRoute Catalog = new RegistryRoute.Catalog();

    /// <summary>Reads a path, decoded; an encoded slash (<c>%2F</c>) must still be encoded, so that it separates nothing.</summary>
    /// <param name="path">The path, with its leading slash.</param>
    /// <param name="reads">Whether it is read: then a manifest of an impossible name is one that is not there.</param>
    /// <param name="route">What it names.</param>
    /// <returns>Null if it names something; else what is wrong with it.</returns>
    public static RegistryError? Parse(string path, bool reads, out RegistryRoute route)
    {
        route = Root;
        if (!path.StartsWith(Prefix, StringComparison.Ordinal))
            return RegistryError.NotFound;
        if (path.Length == Prefix.Length)
            return null;
        if (path == "/v2/_catalog")
        {
            route = Catalog;
            return null;
        }
        // A part of a name can't begin with '_'.
        var own = path.IndexOf("/_pail/", Prefix.Length - 1, StringComparison.Ordinal);
        return own >= 0
            ? Named(path, own, name => new RegistryRoute.Direct(name, path[(own + "/_pail/".Length)..]), out route)
            : ParseRight(path, reads, out route);
    }

    private static RegistryError? ParseRight(string path, bool reads, out RegistryRoute route)
    {
        route = Root;
        var slash = path.LastIndexOf('/');
        var last = path[(slash + 1)..];
        var parent = slash <= 3 ? -1 : path.LastIndexOf('/', slash - 1);
        if (parent < 3)
            return RegistryError.NotFound;
        return path.AsSpan(parent + 1, slash - parent - 1) switch
        {
            "manifests" => Reference.TryParse(last, out var reference)
                ? Named(path, parent, name => new RegistryRoute.ManifestOf(name, reference), out route)
                : Bad(path, parent, reads ? RegistryError.ManifestUnknown : last.Contains(':') ? RegistryError.DigestInvalid : RegistryError.TagInvalid, last),
            "uploads" when EndsWithPart(path, parent, "blobs", out var end) => last.Length == 0
                ? Named(path, end, name => new RegistryRoute.Uploads(name), out route)
                : Named(path, end, name => new RegistryRoute.Upload(name, last), out route),
            "blobs" when last == "uploads" => Named(path, parent, name => new RegistryRoute.Uploads(name), out route),
            "blobs" => Digest.TryParse(last, out var digest)
                ? Named(path, parent, name => new RegistryRoute.Blob(name, digest), out route)
                : Bad(path, parent, RegistryError.DigestInvalid, last),
            "referrers" => Digest.TryParse(last, out var subject)
                ? Named(path, parent, name => new RegistryRoute.Referrers(name, subject), out route)
                : Bad(path, parent, RegistryError.DigestInvalid, last),
            "tags" when last == "list" => Named(path, parent, name => new RegistryRoute.Tags(name), out route),
            _ => RegistryError.NotFound,
        };
    }

    private static bool EndsWithPart(string path, int end, string part, out int start)
    {
        start = end - part.Length - 1;
        return start >= Prefix.Length - 1 && path[start] == '/' && path.AsSpan(start + 1, part.Length).SequenceEqual(part);
    }

    private static RegistryError? Named(string path, int end, Func<RepositoryName, RegistryRoute> make, out RegistryRoute route)
    {
        route = Root;
        if (end <= Prefix.Length || !RepositoryName.TryParse(path[Prefix.Length..end], out var name))
            return BadName(path, end);
        route = make(name);
        return null;
    }

    private static RegistryError Bad(string path, int end, RegistryError error, string what) =>
        end <= Prefix.Length || !RepositoryName.TryParse(path[Prefix.Length..end], out _) ? BadName(path, end) : error.About(what);

    private static RegistryError BadName(string path, int end) =>
        RegistryError.NameInvalid.About(end > Prefix.Length ? path[Prefix.Length..end] : "");
}
