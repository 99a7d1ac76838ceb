using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pail.Oci;

/// <summary>Writes descriptors, manifests and indexes. What is taken over from a manifest that came stays the bytes it came as.</summary>
internal static class ManifestWriter
{
    // "+" stays "+": nothing here is ever put into a page.
    internal static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Returns the manifest of an image.</summary>
    public static Manifest Image(Descriptor config, IReadOnlyList<Descriptor> layers) => Manifest.Parse(
        Write(json =>
        {
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", MediaTypes.OciManifest);
            json.WritePropertyName("config");
            Describe(json, config);
            List(json, "layers", layers);
        }),
        MediaTypes.OciManifest);

    /// <summary>Returns the bytes of an index.</summary>
    public static byte[] Index(IReadOnlyList<Descriptor> entries) => Write(json =>
    {
        json.WriteNumber("schemaVersion", 2);
        json.WriteString("mediaType", MediaTypes.OciIndex);
        List(json, "manifests", entries);
    });

    /// <summary>Returns the bytes of an index with other entries; all else in it stays as it is.</summary>
    /// <param name="index">The bytes of the index.</param>
    /// <param name="entries">The JSON of each entry.</param>
    public static byte[] WithEntries(ReadOnlyMemory<byte> index, IEnumerable<byte[]> entries)
    {
        using var document = JsonDocument.Parse(index);
        return Write(json =>
        {
            var hasList = document.RootElement.TryGetProperty("manifests", out _);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                json.WritePropertyName(property.Name);
                if (property.NameEquals("manifests"))
                    WriteRaw(json, entries);
                else
                    json.WriteRawValue(JsonMarshal.GetRawUtf8Value(property.Value));
            }
            if (hasList)
                return;
            json.WritePropertyName("manifests");
            WriteRaw(json, entries);
        });
    }

    /// <summary>Returns the JSON of each entry of an index, byte for byte.</summary>
    public static IReadOnlyList<byte[]> EntriesOf(ReadOnlyMemory<byte> index)
    {
        using var document = JsonDocument.Parse(index);
        return document.RootElement.TryGetProperty("manifests", out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(entry => JsonMarshal.GetRawUtf8Value(entry).ToArray())]
            : [];
    }

    /// <summary>Returns the JSON of a descriptor.</summary>
    public static byte[] Describe(Descriptor part)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Plain))
            Describe(json, part);
        return buffer.ToArray();
    }

    private static void WriteRaw(Utf8JsonWriter json, IEnumerable<byte[]> values)
    {
        json.WriteStartArray();
        foreach (var value in values)
            json.WriteRawValue(value);
        json.WriteEndArray();
    }

    private static void List(Utf8JsonWriter json, string name, IReadOnlyList<Descriptor> parts)
    {
        json.WriteStartArray(name);
        foreach (var part in parts)
            Describe(json, part);
        json.WriteEndArray();
    }

    private static void Describe(Utf8JsonWriter json, Descriptor part)
    {
        json.WriteStartObject();
        json.WriteString("mediaType", part.MediaType);
        json.WriteString("digest", part.Digest.ToString());
        json.WriteNumber("size", part.Size);
        if (part.ArtifactType is { } type)
            json.WriteString("artifactType", type);
        if (part.Annotations.Count > 0)
        {
            json.WriteStartObject("annotations");
            foreach (var (name, value) in part.Annotations)
                json.WriteString(name, value);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static byte[] Write(Action<Utf8JsonWriter> content)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Plain))
        {
            json.WriteStartObject();
            content(json);
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }
}
