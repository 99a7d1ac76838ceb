using System.Text;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Compare;

/// <summary>Compares how two images run and what on. Source: OCI image-spec, config.md.</summary>
internal static class ConfigComparison
{
    private static readonly string[] Outer = ["architecture", "os", "os.version", "os.features", "variant", "author"];

    /// <summary>Returns the fields that differ. When the images were built, and by which steps, is left out.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: one is no JSON.</exception>
    public static IReadOnlyList<ConfigDiff> Of(string oldName, ReadOnlyMemory<byte> old, string newName, ReadOnlyMemory<byte> @new)
    {
        var (before, now) = (Fields(oldName, old), Fields(newName, @new));
        return [.. before.Keys.Union(now.Keys).Order(StringComparer.Ordinal)
            .Select(field => new ConfigDiff(field, before.GetValueOrDefault(field), now.GetValueOrDefault(field)))
            .Where(diff => diff.Old != diff.New)];
    }

    private static Dictionary<string, string> Fields(string name, ReadOnlyMemory<byte> config)
    {
        try
        {
            using var document = JsonText.Parse(config);
            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new FormatException("it is no object");
            foreach (var field in document.RootElement.EnumerateObject())
                if (Outer.Contains(field.Name))
                    Add(fields, field.Name, field.Value);
                else if (field is { Name: "config", Value.ValueKind: JsonValueKind.Object })
                    foreach (var inner in field.Value.EnumerateObject())
                        AddInner(fields, inner);
            return fields;
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadContent, $"{name}: its config can't be read: {JsonText.Why(e)}.", e);
        }
    }

    private static void AddInner(Dictionary<string, string> fields, JsonProperty field)
    {
        switch (field)
        {
            case { Name: "Env", Value.ValueKind: JsonValueKind.Array }:
                foreach (var variable in field.Value.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString()!.Split('=', 2)))
                    fields[$"env {variable[0]}"] = variable.Length > 1 ? variable[1] : "";
                break;
            case { Name: "Labels" or "ExposedPorts" or "Volumes", Value.ValueKind: JsonValueKind.Object }:
                var kind = field.Name switch { "Labels" => "label", "Volumes" => "volume", _ => "port" };
                foreach (var item in field.Value.EnumerateObject())
                    fields[$"{kind} {item.Name}"] = item.Value.ValueKind == JsonValueKind.String ? item.Value.GetString()! : "";
                break;
            default:
                Add(fields, field.Name.ToLowerInvariant(), field.Value);
                break;
        }
    }

    // What says nothing is the same as what is not there.
    private static void Add(Dictionary<string, string> fields, string name, JsonElement value)
    {
        var text = value.ValueKind == JsonValueKind.String ? value.GetString()! : Compact(value);
        if (text is not ("" or "null" or "[]" or "{}" or "false"))
            fields[name] = text;
    }

    private static string Compact(JsonElement value)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
            value.WriteTo(json);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
