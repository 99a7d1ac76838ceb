using System.Buffers.Text;
using System.Text.Json;

namespace Pail.Server.Identity;

/// <summary>A signed token as it came; nothing of it is proved. Source: RFC 7515, RFC 7519.</summary>
/// <param name="Text">All of it.</param>
/// <param name="Algorithm">How it says it is signed.</param>
/// <param name="KeyId">The name of the key it says it is signed with.</param>
/// <param name="Payload">Its claims.</param>
internal sealed record Jwt(string Text, string Algorithm, string KeyId, JsonElement Payload)
{
    /// <summary>The longest token that is read, in characters.</summary>
    public const int MaxLength = 16 << 10;

    private const int MaxKeyId = 256;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <summary>True for a text that is meant to be one: three parts, of which the first is an object.</summary>
    public static bool IsMeant(string text) => text.StartsWith("eyJ", StringComparison.Ordinal) && text.AsSpan().Count('.') == 2;

    /// <summary>
    /// Reads a token; null for none, for one with a member twice, and for one with <c>crit</c>: what it says is critical is not known here. Members that name or
    /// hold a key (<c>jku</c>, <c>jwk</c>, <c>x5u</c>, <c>x5c</c>) are not read at all.
    /// </summary>
    public static Jwt? Read(string text)
    {
        if (text.Length > MaxLength || text.Split('.') is not [var head, var body, { Length: > 0 }])
            return null;
        if (Parse(head) is not { } header || Parse(body) is not { } payload || header.TryGetProperty("crit", out _))
            return null;
        return TextOf(header, "alg") is { Length: > 0 } algorithm && TextOf(header, "kid") is { Length: > 0 and <= MaxKeyId } key ? new(text, algorithm, key, payload) : null;
    }

    /// <summary>A claim that is a text; null if there is none.</summary>
    public string? TextOf(string claim) => TextOf(Payload, claim);

    /// <summary>A claim that is a time; null if there is none. A time that can't be read throws.</summary>
    /// <exception cref="FormatException">It is no time.</exception>
    public DateTimeOffset? TimeOf(string claim)
    {
        if (!Payload.TryGetProperty(claim, out var value))
            return null;
        // Source: RFC 7519, 2, "NumericDate": seconds, which may have a fraction.
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var seconds) && seconds is >= 0 and < 100_000_000_000
            ? DateTimeOffset.FromUnixTimeMilliseconds((long)(seconds * 1000))
            : throw new FormatException($"its {claim} is no time");
    }

    private static string? TextOf(JsonElement from, string name) => from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static JsonElement? Parse(string part)
    {
        try
        {
            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(part), Strict);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        // InvalidOperation: a text that is no Unicode.
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
