using Pail.Oci;

namespace Pail.Policies;

/// <summary>
/// A pattern that a whole name must match: <c>*</c> is any characters of one segment, <c>**</c> any characters, <c>?</c> one,
/// <c>[a-z]</c> and <c>[!a-z]</c> one of a set. <c>**/</c> at the beginning of a segment is also nothing at all.
/// </summary>
internal sealed class Glob
{
    private readonly string _text;
    private readonly GlobTokens _before;
    private readonly GlobTokens? _group;
    private readonly GlobTokens? _after;

    // Without parentheses all stands before them.
    private Glob(string text, IReadOnlyList<GlobTokens> parts) => (_text, _before, _group, _after) = (text, parts[0], parts.ElementAtOrDefault(1), parts.ElementAtOrDefault(2));

    /// <summary>Reads a pattern for repository names.</summary>
    /// <exception cref="FormatException">It can match no repository name; the message says what to write instead.</exception>
    public static Glob OfRepositories(string text)
    {
        if (text.AsSpan().ContainsAnyInRange('A', 'Z'))
            throw new FormatException($"repository names have no capital letters: write '{SafeText.OneLine(text.ToLowerInvariant())}'");
        if (text.AsSpan().ContainsAny(':', '@'))
            throw new FormatException($"a repository is expected, without tag or digest: write '{SafeText.OneLine(text[..text.AsSpan().IndexOfAny(':', '@')])}'");
        if (text.StartsWith('/') || text.EndsWith('/') || text.Contains("//", StringComparison.Ordinal))
            throw new FormatException($"no repository name has an empty segment: write '{SafeText.OneLine(string.Join('/', text.Split('/', StringSplitOptions.RemoveEmptyEntries)))}'");
        return new(text, new GlobReader(text, IsInRepository, groups: false).Read());
    }

    /// <summary>Reads a pattern for tags.</summary>
    /// <param name="text">The pattern.</param>
    /// <param name="groups">True if a part of it may stand in parentheses: what <see cref="GroupOf"/> returns.</param>
    /// <exception cref="FormatException">It can match no tag; the message says what to write instead.</exception>
    public static Glob OfTags(string text, bool groups = false)
    {
        if (text is ['.' or '-', ..])
            throw new FormatException(text.StartsWith(".*", StringComparison.Ordinal)
                ? $"patterns are globs, not regular expressions: write '{SafeText.OneLine(text[1..])}'"
                : $"no tag begins with '{text[0]}'");
        return new(text, new GlobReader(text, IsInTag, groups).Read());
    }

    /// <summary>Reads a pattern for any text, such as the claims of a token. Its segments are separated by slashes as well.</summary>
    /// <exception cref="FormatException">It is no pattern; the message says what to write instead.</exception>
    public static Glob OfText(string text) => new(text, new GlobReader(text, _ => true, groups: false).Read());

    /// <summary>True if the whole name matches. Takes time in proportion to the pattern times the name.</summary>
    public bool Matches(string name)
    {
        var at = GlobTokens.Begin(name);
        _before.Step(name, at);
        _group?.Step(name, at);
        _after?.Step(name, at);
        return at[^1];
    }

    /// <summary>The longest part of a matching tag that what stands in parentheses can be; empty if there are none; null if the tag does not match.</summary>
    public string? GroupOf(string tag)
    {
        if (!Matches(tag))
            return null;
        if (_group is null)
            return "";
        var (starts, ends) = (GlobTokens.Begin(tag), _after!.Suffixes(tag));
        _before.Step(tag, starts);
        var longest = "";
        for (var start = 0; start <= tag.Length - longest.Length; start++)
        {
            if (!starts[start])
                continue;
            var at = new bool[tag.Length + 1];
            at[start] = true;
            _group.Step(tag, at);
            var end = Enumerable.Range(start, tag.Length - start + 1).LastOrDefault(end => at[end] && ends[end], start);
            longest = end - start > longest.Length ? tag[start..end] : longest;
        }
        return longest;
    }

    /// <summary>The pattern as it was written.</summary>
    public override string ToString() => _text;

    private static bool IsInRepository(char c) => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-' or '/';

    private static bool IsInTag(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-';
}
