using System.Collections.Immutable;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Server.Identity;

/// <summary>
/// The claims of a token that rules ask for, as texts. A claim within an object is named by its path, such as <c>kubernetes.io/serviceaccount/uid</c>; a list is
/// its items, a line each. One that the token does not have is an empty text, which no rule matches: a token for the registry then says which claims it knows of.
/// </summary>
internal static class TokenClaims
{
    // They travel in the tokens of the registry, in headers that proxies bound.
    private const int MaxSize = 3 << 10;

    /// <summary>Reads claims.</summary>
    /// <param name="payload">The claims of a token that is proved.</param>
    /// <param name="names">Those that are asked for.</param>
    /// <exception cref="FormatException">They are ambiguous, or too long.</exception>
    public static ImmutableSortedDictionary<string, string> Of(JsonElement payload, IEnumerable<string> names)
    {
        var claims = names.ToImmutableSortedDictionary(name => name, name => Find(payload, name), StringComparer.Ordinal);
        return claims.Sum(claim => claim.Key.Length + claim.Value.Length) <= MaxSize
            ? claims
            : throw new FormatException($"the claims that rules name have more than {ByteSize.Format(MaxSize)}");
    }

    private static string Find(JsonElement payload, string name)
    {
        var found = Values(payload, name, name).Distinct(StringComparer.Ordinal).ToList();
        return found.Count <= 1 ? found.FirstOrDefault("") : throw new FormatException($"its claim '{SafeText.OneLine(name)}' is there in two forms");
    }

    // A name may hold slashes itself: each way to read it counts.
    private static IEnumerable<string> Values(JsonElement within, string path, string name)
    {
        if (within.TryGetProperty(path, out var whole))
            yield return TextOf(whole, name);
        for (var slash = path.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = path.IndexOf('/', slash + 1))
            if (within.TryGetProperty(path.AsSpan(0, slash), out var inner) && inner.ValueKind == JsonValueKind.Object)
                foreach (var value in Values(inner, path[(slash + 1)..], name))
                    yield return value;
    }

    private static string TextOf(JsonElement value, string name) => value.ValueKind switch
    {
        JsonValueKind.String => Line(value.GetString()!),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        JsonValueKind.Array => string.Join('\n', value.EnumerateArray().Where(item => item.ValueKind != JsonValueKind.Array).Select(item => TextOf(item, name)).Where(text => text.Length > 0)),
        JsonValueKind.Object => throw new FormatException($"its claim '{SafeText.OneLine(name)}' is an object: rules name what is in it, as in {SafeText.OneLine(name)}/NAME"),
        _ => "",
    };

    // A text with a line break must not pass for two of a list.
    private static string Line(string text) => SafeText.OneLine(text, Jwt.MaxLength);
}
