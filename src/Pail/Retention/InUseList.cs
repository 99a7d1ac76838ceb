using Pail.Oci;

namespace Pail.Retention;

/// <summary>
/// The images that run, by name and digest. Hosts don't count: the same bucket is reached by many names, so a reference is about each
/// repository that its path ends with.
/// </summary>
internal sealed class InUseList
{
    private readonly HashSet<(string Path, string Tag)> _tags = [];
    private readonly HashSet<Digest> _digests = [];
    private readonly List<string> _unclear = [];

    /// <summary>How many references were read.</summary>
    public int Count { get; private set; }

    /// <summary>What was read and names no image, such as a short id: what runs there is not kept by this list.</summary>
    public IReadOnlyList<string> Unclear => _unclear;

    /// <summary>Reads a list: JSON as <c>kubectl</c>, <c>docker</c> and <c>nomad</c> print it, or references with white space between them.</summary>
    /// <param name="stream">The list; read once, in pieces.</param>
    /// <param name="name">What it is called in errors.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">It is neither, or names no image: an empty list would let everything go that a broken command did not print.</exception>
    public static async Task<InUseList> ReadAsync(Stream stream, string name, CancellationToken cancel = default)
    {
        var list = new InUseList();
        var reader = new InUseReader(stream, name);
        await reader.ReadAsync(list, cancel);
        return list.Count > 0 ? list : throw new PailException(Failure.BadContent, $"{name}: it names no image. A list of what runs is expected, as of 'kubectl get pods -A -o json'.");
    }

    /// <summary>True if the list names the tag in this repository, or one of these digests.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="digests">What the tag names, and what hangs on that: manifests of an index, configs.</param>
    public bool Uses(RepositoryName repository, string tag, IEnumerable<Digest> digests) =>
        _tags.Contains((repository.ToString(), tag)) || digests.Any(_digests.Contains);

    /// <summary>Adds a reference, <c>HOST/REPO:TAG</c>, <c>HOST/REPO@DIGEST</c>, both, or a digest; false if it is none.</summary>
    internal bool Add(string text)
    {
        var reference = text[(text.IndexOf("://", StringComparison.Ordinal) is var scheme and >= 0 ? scheme + 3 : 0)..];
        if (Digest.TryParse(reference, out var alone))
        {
            _digests.Add(alone);
            Count++;
            return true;
        }
        var at = reference.IndexOf('@', StringComparison.Ordinal);
        var hasDigest = Digest.TryParse(reference[(at + 1)..], out var digest);
        if (at >= 0 && !hasDigest)
            return false;
        var name = at < 0 ? reference : reference[..at];
        var colon = name.LastIndexOf(':') is var last && last > name.LastIndexOf('/') ? last : name.Length;
        var tag = colon < name.Length ? name[(colon + 1)..] : "latest";
        var path = name[..colon];
        // The host may have a port, and is nothing of the repository's name.
        var slash = path.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && (path.AsSpan(0, slash).ContainsAny('.', ':') || path.StartsWith("localhost/", StringComparison.Ordinal)))
            path = path[(slash + 1)..];
        if (!RepositoryName.TryParse(path, out _) || !Reference.IsTag(tag) || IsShortId(reference))
            return false;
        if (hasDigest)
            _digests.Add(digest);
        if (!hasDigest || colon < name.Length)
            for (var start = 0; start >= 0; start = path.IndexOf('/', start) is var next and >= 0 ? next + 1 : -1)
                _tags.Add((path[start..], tag));
        Count++;
        return true;
    }

    internal void AddUnclear(string text)
    {
        const int most = 100;
        var shown = SafeText.OneLine(text, 80);
        if (_unclear.Count < most && !_unclear.Contains(shown))
            _unclear.Add(shown);
    }

    // What docker ps shows of an image whose tag has moved on.
    internal static bool IsShortId(string text) => text.StartsWith("sha256:", StringComparison.Ordinal) || (text.Length is 12 or 64 && text.All(char.IsAsciiHexDigitLower));
}
