using System.Text.RegularExpressions;

namespace Pail.Retention.Import;

/// <summary>
/// Translates simple regular expressions, as people write them for tags, to patterns that match the same tags. An expression without
/// anchors matches anywhere, as Go's MatchString does.
/// </summary>
internal static partial class RegexGlob
{
    private const int MaxAlternatives = 64;

    /// <summary>The patterns; none if no tag can match; null if the expression can't be expressed.</summary>
    public static List<string>? Translate(string expression)
    {
        var found = new List<string>();
        foreach (var alternative in Split(expression))
        {
            if (Expand(alternative) is not { } globs || found.Count + globs.Count > MaxAlternatives)
                return null;
            found.AddRange(globs);
        }
        return [.. found.Select(ForeignJson.AsTags).OfType<string>().Distinct()];
    }

    // At each '|' that is not inside of a group or a set.
    private static List<string> Split(string text)
    {
        var (parts, depth, start, set) = (new List<string>(), 0, 0, false);
        for (var at = 0; at < text.Length; at++)
            switch (text[at])
            {
                case '\\':
                    at++;
                    break;
                case '[' or ']':
                    set = text[at] == '[';
                    break;
                case '(' when !set:
                    depth++;
                    break;
                case ')' when !set:
                    depth--;
                    break;
                case '|' when !set && depth == 0:
                    parts.Add(text[start..at]);
                    start = at + 1;
                    break;
            }
        return [.. parts, text[start..]];
    }

    private static List<string>? Expand(string text)
    {
        var (front, back) = (text.StartsWith('^'), text.EndsWith('$') && !text.EndsWith("\\$", StringComparison.Ordinal));
        if (Sequence(text[(front ? 1 : 0)..(back ? ^1 : ^0)]) is not { } globs)
            return null;
        return globs.ConvertAll(glob => Stars().Replace($"{(front ? "" : "*")}{glob}{(back ? "" : "*")}", "*"));
    }

    private static List<string>? Sequence(string text)
    {
        var found = new List<string> { "" };
        for (var at = 0; at < text.Length;)
        {
            if (Piece(text, ref at) is not { } pieces)
                return null;
            var many = at < text.Length ? text[at] : ' ';
            if (many is '*' or '+' or '?')
            {
                at++;
                // Lazy or not, the same tags match.
                at += at < text.Length && text[at] == '?' ? 1 : 0;
                if (many != '?' && pieces is not ["?"])
                    return null;
                pieces = many switch { '*' => ["*"], '+' => ["?*"], _ => ["", .. pieces] };
            }
            else if (many == '{')
            {
                return null;
            }
            found = [.. found.SelectMany(_ => pieces, (before, piece) => before + piece)];
            if (found.Count > MaxAlternatives)
                return null;
        }
        return found;
    }

    // One character, set or group, as what may stand there; null for what has no pattern.
    private static List<string>? Piece(string text, ref int at)
    {
        var c = text[at++];
        switch (c)
        {
            case '.':
                return ["?"];
            case '\\' when at < text.Length:
                return text[at++] switch
                {
                    'd' => ["[0-9]"],
                    'w' => ["[0-9A-Za-z_]"],
                    '.' => ["."],
                    '-' => ["-"],
                    '_' => ["_"],
                    _ => null,
                };
            case '[':
                var set = Set().Match(text[(at - 1)..]);
                at += Math.Max(0, set.Length - 1);
                return set.Success ? [set.Value.Replace("[^", "[!", StringComparison.Ordinal)] : null;
            case '(':
                var group = Group().Match(text[(at - 1)..]);
                if (!group.Success)
                    return null;
                at += group.Length - 1;
                var found = new List<string>();
                foreach (var alternative in Split(group.Groups["inside"].Value))
                {
                    if (Sequence(alternative) is not { } globs)
                        return null;
                    found.AddRange(globs);
                }
                return found;
            default:
                return char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? [c.ToString()] : null;
        }
    }

    [GeneratedRegex(@"\*+", RegexOptions.NonBacktracking)]
    private static partial Regex Stars();

    [GeneratedRegex(@"\A\[\^?(?:[A-Za-z0-9._]|[A-Z]-[A-Z]|[a-z]-[a-z]|[0-9]-[0-9])+-?\]", RegexOptions.NonBacktracking)]
    private static partial Regex Set();

    [GeneratedRegex(@"\A\((?:\?:)?(?<inside>[^()?]*)\)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Group();
}
