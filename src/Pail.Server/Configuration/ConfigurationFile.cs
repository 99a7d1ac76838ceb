using System.Text.Json;
using Pail.Oci;

namespace Pail.Server.Configuration;

/// <summary>The configuration file: one JSON object, the names of settings to text, numbers, true or false, or lists of text. Comments are allowed.</summary>
internal static class ConfigurationFile
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Reads a file.</summary>
    /// <exception cref="PailException">It can't be read, or names a setting there is not.</exception>
    public static Dictionary<string, IReadOnlyList<string>> Read(string file)
    {
        try
        {
            using var document = JsonDocument.Parse(Values.Text(file), Lenient);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new FormatException("a JSON object is expected");
            var values = new Dictionary<string, IReadOnlyList<string>>();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (Settings.All.All(setting => setting.Name != property.Name))
                    throw new FormatException($"there is no setting '{SafeText.OneLine(property.Name)}'; docs/server.md lists them");
                values[property.Name] = property.Value.ValueKind == JsonValueKind.Array ? [.. property.Value.EnumerateArray().Select(Text)] : [Text(property.Value)];
            }
            return values;
        }
        catch (Exception e) when (e is FormatException or JsonException or InvalidOperationException)
        {
            throw new PailException(Failure.BadInput, $"{SafeText.OneLine(file)}: {SafeText.OneLine(e.Message).TrimEnd('.')}.", e);
        }
    }

    private static string Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!,
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => throw new FormatException("text, a number, true or false is expected"),
    };
}
