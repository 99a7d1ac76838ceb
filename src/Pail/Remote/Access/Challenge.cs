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
                Skip(" \t,");
                if (Token() is not { Length: > 0 } word)
                    return;
                Skip(" \t");
                if (parameters is null || _at >= text.Length || text[_at] != '=')
                {
                    parameters = new(StringComparer.Ordinal);
                    found.Add(new Challenge(word.ToLowerInvariant(), parameters));
                    continue;
                }
                _at++;
                Skip(" \t");
                if (Value() is not { } value)
                    return;
                parameters[word.ToLowerInvariant()] = value;
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

        private string? Value()
        {
            if (_at >= text.Length || text[_at] != '"')
                return Token() is { Length: > 0 } token ? token : null;
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
