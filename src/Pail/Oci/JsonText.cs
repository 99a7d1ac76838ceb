using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pail.Oci;

/// <summary>Reads JSON that others wrote, and says what is wrong with it in words for people, not in those of a parser.</summary>
internal static class JsonText
{
    /// <summary>Parses a document.</summary>
    /// <exception cref="FormatException">It is empty or not JSON; the message says where.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> bytes, JsonDocumentOptions options = default)
    {
        try
        {
            return JsonDocument.Parse(bytes, options);
        }
        catch (JsonException e)
        {
            throw new FormatException(bytes.Span.Trim(" \t\r\n\0"u8).IsEmpty ? "it is empty" : Why(e), e);
        }
    }

    /// <summary>True for what parsing, and reading what was parsed, may throw.</summary>
    public static bool IsFault(Exception e) => e is JsonException or FormatException or InvalidOperationException;

    /// <summary>Says what such an exception means, in one line without a full stop.</summary>
    public static string Why(Exception e) => e switch
    {
        JsonException { Path: { Length: > 1 } path, LineNumber: { } line } => $"it is not what is expected at {SafeText.OneLine(path, 80)} in line {line + 1}",
        JsonException { LineNumber: { } line, BytePositionInLine: { } position } => $"it is not JSON (line {line + 1}, byte {position + 1})",
        JsonException => "it is not JSON of the expected form",
        // JsonElement finds this only when the text is read.
        InvalidOperationException => "a text in it is not Unicode",
        _ => SafeText.OneLine(e.Message, 400).TrimEnd('.'),
    };

    /// <summary>Returns a value that can be changed. Of a name that is there twice the last counts; <see cref="JsonNode"/> itself refuses it.</summary>
    /// <param name="element">The value.</param>
    /// <param name="joins">Whether objects that an object holds under one name are joined, as Go's decoder joins maps.</param>
    public static JsonNode? ToNode(JsonElement element, bool joins = false)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var copy = new JsonObject();
                foreach (var property in element.EnumerateObject())
                    if (joins && ToNode(property.Value) is JsonObject more && copy[property.Name] is JsonObject before)
                        foreach (var (name, value) in more)
                            before[name] = value?.DeepClone();
                    else
                        copy[property.Name] = ToNode(property.Value);
                return copy;
            case JsonValueKind.Array:
                return new JsonArray([.. element.EnumerateArray().Select(item => ToNode(item))]);
            default:
                return element.ValueKind == JsonValueKind.Null ? null : JsonValue.Create(element.Clone());
        }
    }

    /// <summary>Returns a text; null for anything else.</summary>
    public static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
