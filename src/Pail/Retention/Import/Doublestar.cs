namespace Pail.Retention.Import;

/// <summary>Translates the patterns of doublestar, which Harbor and zot use. Source: bmatcuk/doublestar's README.</summary>
internal static class Doublestar
{
    private const int MaxAlternatives = 64;

    /// <summary>The patterns that match the same repository names; none if no name can match; null if it can't be expressed.</summary>
    public static List<string>? Repositories(string pattern)
    {
        if (Alternatives(pattern) is not { } alternatives)
            return null;
        // A set that ours can't say is not one that matches nothing.
        if (pattern.Contains('[', StringComparison.Ordinal) && alternatives.Any(alternative => ForeignJson.AsRepositories(alternative) is null))
            return null;
        var found = new List<string>();
        foreach (var alternative in alternatives)
        {
            // "**" beside other characters of a segment is one '*', and "a/**" is also "a".
            var segments = alternative.Split('/').Select(segment => segment == "**" ? segment : Stars(segment)).ToList();
            found.Add(string.Join('/', segments));
            if (segments is [_, .., "**"])
                found.Add(string.Join('/', segments[..^1]));
        }
        return [.. found.Select(ForeignJson.AsRepositories).OfType<string>().Distinct()];
    }

    /// <summary>The same of tags, which have no segments.</summary>
    public static List<string>? Tags(string pattern)
    {
        if (Alternatives(pattern) is not { } alternatives)
            return null;
        var found = alternatives.Select(Stars).Select(ForeignJson.AsTags).ToList();
        return pattern.Contains('[', StringComparison.Ordinal) && found.Contains(null) ? null : [.. found.OfType<string>().Distinct()];
    }

    private static string Stars(string segment)
    {
        while (segment.Contains("**", StringComparison.Ordinal))
            segment = segment.Replace("**", "*", StringComparison.Ordinal);
        return segment;
    }

    private static List<string>? Alternatives(string pattern)
    {
        // '\' takes its meaning from the next character; sets other than of letters and digits are rare.
        if (pattern.Contains('\\', StringComparison.Ordinal))
            return null;
        var open = pattern.IndexOf('{', StringComparison.Ordinal);
        var close = pattern.IndexOf('}', StringComparison.Ordinal);
        if (open < 0 && close < 0)
            return [pattern];
        var inside = open >= 0 && close > open ? pattern[(open + 1)..close] : "{";
        if (inside.Contains('{', StringComparison.Ordinal))
            return null;
        var found = new List<string>();
        foreach (var part in inside.Split(','))
        {
            if (Alternatives(pattern[..open] + part + pattern[(close + 1)..]) is not { } more || found.Count + more.Count > MaxAlternatives)
                return null;
            found.AddRange(more);
        }
        return found;
    }
}
