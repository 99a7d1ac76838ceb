using System.Globalization;
using System.Text.Json;
using Pail.Oci;
using Pail.Policies;

namespace Pail.Retention.Import;

/// <summary>Reads files that others define: what is not of the expected kind is as if it were not there.</summary>
internal static class ForeignJson
{
    public static JsonElement? At(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string? Text(this JsonElement element, string name) => element.At(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    /// <summary>A number from 0, also one written as text; null if there is none.</summary>
    public static int? Number(this JsonElement element, string name) => element.At(name) switch
    {
        { ValueKind: JsonValueKind.Number } value when value.TryGetDouble(out var number) && number is >= 0 and <= int.MaxValue && number == Math.Floor(number) => (int)number,
        { ValueKind: JsonValueKind.String } value when int.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
        _ => null,
    };

    public static bool Flag(this JsonElement element, string name) => element.At(name) is { ValueKind: JsonValueKind.True };

    public static IReadOnlyList<JsonElement> Items(this JsonElement element, string name) => element.At(name) is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()] : [];

    public static List<string> Texts(this JsonElement element, string name) => [.. element.Items(name).Select(item => item.ValueKind == JsonValueKind.String ? item.GetString()! : item.ToString())];

    /// <summary>The first field that is none of these, for people; null if there is none.</summary>
    public static string? Unknown(this JsonElement element, params ReadOnlySpan<string> known)
    {
        if (element.ValueKind == JsonValueKind.Object)
            foreach (var field in element.EnumerateObject())
                if (!known.Contains(field.Name))
                    return SafeText.OneLine(field.Name, 60);
        return null;
    }

    /// <summary>The pattern of the tags that begin so; null if none can.</summary>
    public static string? TagsWith(string prefix) => prefix.Contains('*', StringComparison.Ordinal) ? null : TagsLike($"{prefix}*");

    /// <summary>The pattern, in which '*' is any characters and nothing else has a meaning; null if no tag can match it.</summary>
    public static string? TagsLike(string pattern) => pattern.AsSpan().ContainsAny('?', '[') ? null : AsTags(pattern);

    /// <summary>The pattern, in which all means what it means in ours; null if no tag can match it.</summary>
    public static string? AsTags(string pattern) => Possible(pattern, text => Glob.OfTags(text));

    /// <summary>The same for repositories.</summary>
    public static string? AsRepositories(string pattern) => Possible(pattern, Glob.OfRepositories);

    private static string? Possible(string pattern, Func<string, Glob> read)
    {
        try
        {
            return read(pattern).ToString();
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
