using System.Net.Http.Headers;

namespace Pail.Remote.Access;

/// <summary>What a 401 asks for. Source: RFC 9110, 11.6.1; CNCF Distribution, "Token authentication".</summary>
/// <param name="Scheme">In lower case: basic or bearer.</param>
/// <param name="Parameters">By name in lower case.</param>
internal sealed record Challenge(string Scheme, IReadOnlyDictionary<string, string> Parameters)
{
    // A header line is bounded by the wire; so many challenges nobody means.
    private const int Most = 16;

    public string? this[string parameter] => Parameters.GetValueOrDefault(parameter);

    /// <summary>Reads WWW-Authenticate lines, each of one or more challenges. What is malformed ends the line.</summary>
    public static IReadOnlyList<Challenge> Parse(HttpResponseHeaders headers)
    {
        var found = new List<Challenge>();
        if (headers.NonValidated.TryGetValues("WWW-Authenticate", out var lines))
            foreach (var line in lines)
                new Reader(line, found).Read();
        return found;
    }

    private sealed class Reader(string text, List<Challenge> found)
    {
        private int _at;

        // challenge = scheme [ 1*SP ( name "=" value *( "," name "=" value ) ) ], and "," between challenges too.
        public void Read()
        {
            Dictionary<string, string>? parameters = null;
            while (found.Count <= Most)
            {
                Skip(" \t,;");
                if (Token() is not { Length: > 0 } word)
                    return;
                Skip(" \t");
                if (parameters is null || _at >= text.Length || text[_at] != '=')
                {
                    parameters = new(StringComparer.Ordinal);
                    found.Add(new Challenge(word.ToLowerInvariant(), parameters));
                    SkipToken68();
                    continue;
                }
                _at++;
                Skip(" \t");
                var name = word.ToLowerInvariant();
                if ((_at < text.Length && text[_at] == '"' ? Quoted() : Unquoted(isList: name == "scope")) is not { } value)
                    return;
                parameters[name] = value;
            }
        }

        private void Skip(string characters)
        {
            while (_at < text.Length && characters.Contains(text[_at]))
                _at++;
        }

        private string Token()
        {
            var from = _at;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || "!#$%&'*+-.^_`|~".Contains(text[_at])))
                _at++;
            return text[from.._at];
        }

        // Negotiate and its like have one value without a name: token68, RFC 9110, 11.2.
        private void SkipToken68()
        {
            var at = _at;
            while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || "-._~+/".Contains(text[at])))
                at++;
            if (at == _at)
                return;
            while (at < text.Length && text[at] == '=')
                at++;
            while (at < text.Length && text[at] is ' ' or '\t')
                at++;
            if (at == text.Length || text[at] == ',')
                _at = at;
        }

        // Registries leave out the quotes that addresses and scopes need. A comma in a scope has more actions after it: "pull,push".
        private string? Unquoted(bool isList)
        {
            var from = _at;
            for (; _at < text.Length && text[_at] is not (' ' or '\t'); _at++)
                if (text[_at] == ',' && !(isList && IsAction(_at + 1)))
                    break;
            return _at > from ? text[from.._at] : null;
        }

        private bool IsAction(int at)
        {
            var end = at;
            while (end < text.Length && (char.IsAsciiLetterLower(text[end]) || text[end] == '*'))
                end++;
            return end > at && (end == text.Length || text[end] == ',');
        }

        private string? Quoted()
        {
            var value = new System.Text.StringBuilder();
            for (_at++; _at < text.Length; _at++)
            {
                if (text[_at] == '"')
                {
                    _at++;
                    return value.ToString();
                }
                if (text[_at] == '\\' && ++_at == text.Length)
                    break;
                value.Append(text[_at]);
            }
            return null;
        }
    }
}
