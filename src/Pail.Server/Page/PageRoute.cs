using Pail.Oci;

namespace Pail.Server.Page;

/// <summary>
/// What a path of the page names: <c>/</c>, or <c>/-/VIEW/REPO[:TAG|@DIGEST]</c>. No repository's name begins with <c>-</c>, and the registry API and the
/// probes have other paths.
/// </summary>
/// <param name="View">Which view; empty for the first one.</param>
/// <param name="Repository">The repository, if the path names one.</param>
/// <param name="Reference">The tag or digest, if the path names one.</param>
internal sealed record PageRoute(string View, RepositoryName? Repository, Reference? Reference)
{
    /// <summary>What all paths but the first begin with.</summary>
    public const string Prefix = "/-/";

    /// <summary>True for the paths that belong to the page.</summary>
    public static bool IsOne(string path) => path == "/" || path.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Reads a path, decoded; null if the page has no such.</summary>
    public static PageRoute? Parse(string path)
    {
        if (path == "/")
            return new("", null, null);
        if (!IsOne(path))
            return null;
        var rest = path[Prefix.Length..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return new(rest, null, null);
        var (view, image) = (rest[..slash], rest[(slash + 1)..]);
        var at = image.IndexOf('@', StringComparison.Ordinal);
        var end = at >= 0 ? at : image.IndexOf(':', StringComparison.Ordinal);
        if (!RepositoryName.TryParse(end < 0 ? image : image[..end], out var name))
            return null;
        if (end < 0)
            return new(view, name, null);
        // A digest comes behind an @, a tag behind a colon.
        return Oci.Reference.TryParse(image[(end + 1)..], out var reference) && reference.Digest is null == at < 0 ? new(view, name, reference) : null;
    }

    /// <summary>The path of a view of a repository or image.</summary>
    public static string To(string view, RepositoryName repository, Reference? reference = null) =>
        $"{Prefix}{view}/{repository}{(reference is { } named ? $"{(named.Digest is null ? ":" : "@")}{named}" : "")}";

    /// <summary>A path with a query; what is null is left out.</summary>
    public static string With(string path, params IEnumerable<(string Name, string? Value)> query) =>
        path + string.Concat(query.Where(pair => pair.Value is not null).Select((pair, at) => $"{(at == 0 ? '?' : '&')}{pair.Name}={Uri.EscapeDataString(pair.Value!)}"));

    /// <summary>True if a path with its query may be gone to after signing in: one of the page's own.</summary>
    public static bool IsOwn(string? target) => target is not null && (target == "/" || target.StartsWith("/?", StringComparison.Ordinal) || target.StartsWith(Prefix, StringComparison.Ordinal)) && !target.Any(char.IsControl);
}
