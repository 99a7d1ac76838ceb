using System.Text.RegularExpressions;
using Pail.Oci;

namespace Pail.Docker;

/// <summary>The name of an image as Docker takes it.</summary>
internal static partial class DockerName
{
    /// <summary>True for a name or id that can stand in a request's path as it is.</summary>
    public static bool IsSafe(string image) => SafePattern().IsMatch(image) && !image.Split('/').Any(part => part is "" or "." or "..");

    /// <summary>The name and tag to give an image: as written, <c>:latest</c> added where no tag is.</summary>
    /// <param name="address">The address with it, for messages.</param>
    /// <param name="image">The name.</param>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: it is no name, or one with a digest, which can't be given.</exception>
    public static string ForTarget(string address, string image) =>
        TargetPattern().Match(image) is { Success: true } match && image.Length <= 400
            ? WithTag(image)
            : throw new PailException(Failure.BadInput, $"{SafeText.OneLine(address)}: a NAME or NAME:TAG is expected, such as team/app:1.0.");

    /// <summary>The name as written, <c>:latest</c> added where no tag is.</summary>
    public static string WithTag(string image) => image.IndexOf(':', image.LastIndexOf('/') + 1) < 0 ? image + ":latest" : image;

    /// <summary>
    /// The whole name, as containerd keeps it: <c>app:1.0</c>, <c>docker.io/app:1.0</c> and <c>index.docker.io/library/app:1.0</c> are
    /// <c>docker.io/library/app:1.0</c>. Source: distribution/reference, <c>ParseNormalizedNamed</c>.
    /// </summary>
    public static string Whole(string target)
    {
        var slash = target.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : target[..slash];
        var isHost = first.AsSpan().ContainsAny('.', ':') || first == "localhost" || first.Any(char.IsAsciiLetterUpper);
        if (isHost && first is not ("docker.io" or "index.docker.io"))
            return target;
        var name = isHost ? target[(slash + 1)..] : target;
        return name.Contains('/', StringComparison.Ordinal) ? $"docker.io/{name}" : $"docker.io/library/{name}";
    }

    [GeneratedRegex(@"\A[a-zA-Z0-9][a-zA-Z0-9._:/@+-]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex SafePattern();

    // Source: distribution/reference, "Grammar"; a host may hold capitals and a port.
    [GeneratedRegex(@"\A(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::(?<tag>[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}))?\z", RegexOptions.NonBacktracking)]
    private static partial Regex TargetPattern();
}
