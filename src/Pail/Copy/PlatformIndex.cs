using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pail.Images;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>
/// An index cut down to some platforms. The only manifest Pail writes in the place of one it read: entries and all else are
/// taken over byte for byte, only what is not asked for is left out. The same index and platforms give the same bytes.
/// </summary>
internal static class PlatformIndex
{
    // How BuildKit says, in an index, which image an attestation is about.
    private const string AboutAnnotation = "vnd.docker.reference.digest";

    /// <summary>All entries for these platforms, of nested indexes too, with the attestations about them; the index itself if that is all it holds.</summary>
    /// <exception cref="PailException">There is nothing for one of the platforms (<see cref="Failure.NotFound"/>).</exception>
    public static async Task<Manifest> OfAsync(IImageSource source, Manifest root, IReadOnlyList<Platform> platforms, CancellationToken cancel)
    {
        if (!root.IsIndex)
            throw new PailException(Failure.NotFound, $"{source.Name} is one image, no index of images for several platforms; name one --platform, or none.");
        var entries = new List<Entry>();
        await FlattenAsync(source, root, entries, [root.Digest], 0, cancel);
        foreach (var platform in platforms)
            if (!entries.Any(entry => Accepts(platform, entry)))
                throw PlatformChoice.Missing(source, entries.Select(entry => entry.Descriptor), platform);

        var images = entries.Where(entry => platforms.Any(platform => Accepts(platform, entry))).Select(entry => entry.Descriptor.Digest).ToHashSet();
        bool IsKept(Entry entry) => images.Contains(entry.Descriptor.Digest)
            || (entry.Descriptor.Annotations.TryGetValue(AboutAnnotation, out var about) && Digest.TryParse(about, out var image) && images.Contains(image));
        var kept = entries.Where(IsKept).ToList();
        return kept.Select(entry => entry.Descriptor.Digest).SequenceEqual(root.Manifests.Select(entry => entry.Digest)) ? root : Write(root, kept);
    }

    private static bool Accepts(Platform platform, Entry entry) => entry.Descriptor.Platform is { } offered && platform.Accepts(offered);

    // An index within the index, for no platform of its own, stands for what it lists.
    private static async Task FlattenAsync(IImageSource source, Manifest index, List<Entry> entries, HashSet<Digest> opened, int depth, CancellationToken cancel)
    {
        if (depth > GraphLimits.MaxDepth)
            throw new PailException(Failure.BadContent, $"{source.Name}: indexes are nested more than {GraphLimits.MaxDepth} deep.");
        using var document = JsonDocument.Parse(index.Bytes);
        foreach (var (child, json) in index.Manifests.Zip(document.RootElement.GetProperty("manifests").EnumerateArray()))
            if (!MediaTypes.IsIndex(child.MediaType) || child.Platform is not null)
                entries.Add(new(child, JsonMarshal.GetRawUtf8Value(json).ToArray()));
            else if (opened.Add(child.Digest))
                await FlattenAsync(source, await source.GetManifestAsync(child, cancel), entries, opened, depth + 1, cancel);
        if (entries.Count + opened.Count > GraphLimits.MaxManifests)
            throw new PailException(Failure.BadContent, $"{source.Name}: its indexes name more than {GraphLimits.MaxManifests} manifests, the most one copy may hold.");
    }

    private static Manifest Write(Manifest root, IReadOnlyList<Entry> kept)
    {
        using var document = JsonDocument.Parse(root.Bytes);
        var bytes = new ArrayBufferWriter<byte>(root.Bytes.Length);
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            foreach (var property in document.RootElement.EnumerateObject())
            {
                writer.WritePropertyName(property.Name);
                if (property.NameEquals("manifests"))
                    WriteEntries(writer, kept);
                else
                    writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(property.Value));
            }
            writer.WriteEndObject();
        }
        return Manifest.Parse(bytes.WrittenMemory, root.MediaType, root.Digest.Algorithm);
    }

    private static void WriteEntries(Utf8JsonWriter writer, IReadOnlyList<Entry> entries)
    {
        writer.WriteStartArray();
        foreach (var entry in entries)
            writer.WriteRawValue(entry.Json);
        writer.WriteEndArray();
    }

    private sealed record Entry(Descriptor Descriptor, byte[] Json);
}
