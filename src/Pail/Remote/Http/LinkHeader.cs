namespace Pail.Remote.Http;

/// <summary>
/// Reads Link headers: <c>&lt;address&gt;; rel="next"</c>, several in one header and in several. Source: RFC 8288, 3. Taken beside what
/// it allows: no brackets around the address, single quotes, and one link alone without <c>rel</c>, which in a list means the next page.
/// </summary>
internal static class LinkHeader
{
    /// <summary>Finds the address of the next page.</summary>
    /// <param name="lines">The values of the headers.</param>
    /// <param name="next">The address as it is written; null if there is no next page.</param>
    /// <returns>False if the headers speak of a next page, but not where it is.</returns>
    public static bool TryFindNext(IEnumerable<string> lines, out string? next)
    {
        var links = new List<(string Address, string? Relation)>();
        var isWhole = true;
        foreach (var line in lines)
            isWhole &= new Reader(line).Read(links) || !line.Contains("next", StringComparison.OrdinalIgnoreCase);
        next = links.FirstOrDefault(link => IsNext(link.Relation)).Address ?? (links is [{ Relation: null } only] ? only.Address : null);
        return next is not null || isWhole;
    }

    private static bool IsNext(string? relation) => relation?.Split(' ').Contains("next", StringComparer.OrdinalIgnoreCase) == true;

    private sealed class Reader(string text)
    {
        private int _at;

        // link = "<" address ">" *( ";" name [ "=" value ] ), and "," between links. False at what can't be read.
        public bool Read(List<(string Address, string? Relation)> links)
        {
            while (true)
            {
                Skip(" \t,");
                if (_at == text.Length)
                    return true;
                if (Address() is not { Length: > 0 } address)
                    return false;
                string? relation = null;
                while (Skip(" \t;") && text[_at] != ',')
                {
                    var name = Until("=;,").Trim();
                    var value = _at < text.Length && text[_at] == '=' ? Value() : "";
                    if (name.Equals("rel", StringComparison.OrdinalIgnoreCase))
                        relation ??= value;
                }
                links.Add((address, relation));
            }
        }

        private string? Address()
        {
            if (text[_at] != '<')
                return Until(";").Trim();
            var end = text.IndexOf('>', _at);
            if (end < 0)
                return null;
            var address = text[(_at + 1)..end].Trim();
            _at = end + 1;
            return address;
        }

        private string Value()
        {
            _at++;
            Skip(" \t");
            if (_at == text.Length || text[_at] is not ('"' or '\'') || text.IndexOf(text[_at], _at + 1) is not (> 0 and var end))
                return Until(";,").Trim(' ', '\t', '"', '\'');
            var value = text[(_at + 1)..end];
            _at = end + 1;
            return value;
        }

        // True if something is left.
        private bool Skip(string characters)
        {
            while (_at < text.Length && characters.Contains(text[_at]))
                _at++;
            return _at < text.Length;
        }

        private string Until(string characters)
        {
            var from = _at;
            while (_at < text.Length && !characters.Contains(text[_at]))
                _at++;
            return text[from.._at];
        }
    }
}
