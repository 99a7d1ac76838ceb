using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pail.Oci;

/// <summary>
/// Makes manifests that name other parts. Docker's manifests become OCI's, for Docker's types know no zstd. A descriptor that is
/// rewritten keeps nothing that was true of the old bytes alone: embedded data, addresses, places within the compressed bytes.
/// </summary>
internal static class ManifestRewriter
{
    // What names places within the compressed bytes, or other places that have exactly these.
    private static readonly string[] OfOldBytes =
        ["containerd.io/snapshot/", "containerd.io/distribution.source.", "io.containers.estargz.", "io.github.containers.", "com.amazon.soci."];

    // By which BuildKit says whose attestation an entry is.
    private const string Attested = "vnd.docker.reference.digest";

    /// <summary>Returns the image with other layers.</summary>
    public static Manifest Image(Manifest image, IReadOnlyDictionary<Digest, Descriptor> layers)
    {
        var root = Changeable(image);
        root["mediaType"] = MediaTypes.OciManifest;
        if (root["config"] is JsonObject config && JsonText.TextOf(config["mediaType"]) == MediaTypes.DockerConfig)
            config["mediaType"] = MediaTypes.OciConfig;
        foreach (var layer in root["layers"]!.AsArray().OfType<JsonObject>())
        {
            layer["mediaType"] = JsonText.TextOf(layer["mediaType"]) switch
            {
                MediaTypes.DockerLayerGzip => MediaTypes.OciLayerGzip,
                MediaTypes.DockerLayerZstd => MediaTypes.OciLayerZstd,
                MediaTypes.DockerLayerTar => MediaTypes.OciLayerTar,
                var other => other,
            };
            Replace(layer, layers);
        }
        return Parse(root, image, MediaTypes.OciManifest);
    }

    /// <summary>Returns the index with other manifests.</summary>
    public static Manifest Index(Manifest index, IReadOnlyDictionary<Digest, Descriptor> manifests)
    {
        var root = Changeable(index);
        root["mediaType"] = MediaTypes.OciIndex;
        foreach (var entry in root["manifests"]!.AsArray().OfType<JsonObject>())
        {
            Replace(entry, manifests);
            if (entry["annotations"] is JsonObject annotations && Digest.TryParse(JsonText.TextOf(annotations[Attested]), out var subject) && manifests.TryGetValue(subject, out var other))
                annotations[Attested] = other.Digest.ToString();
        }
        return Parse(root, index, MediaTypes.OciIndex);
    }

    private static JsonObject Changeable(Manifest manifest)
    {
        using var document = JsonText.Parse(manifest.Bytes);
        return JsonText.ToNode(document.RootElement)!.AsObject();
    }

    private static void Replace(JsonObject part, IReadOnlyDictionary<Digest, Descriptor> others)
    {
        if (!Digest.TryParse(JsonText.TextOf(part["digest"]), out var digest) || !others.TryGetValue(digest, out var other))
            return;
        (part["mediaType"], part["digest"], part["size"]) = (other.MediaType, other.Digest.ToString(), other.Size);
        part.Remove("data");
        part.Remove("urls");
        if (part["annotations"] is not JsonObject annotations)
            return;
        foreach (var (name, value) in annotations.ToList())
            if (OfOldBytes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)) || JsonText.TextOf(value)?.Contains(digest.Hex, StringComparison.Ordinal) == true)
                annotations.Remove(name);
        if (annotations.Count == 0)
            part.Remove("annotations");
    }

    private static Manifest Parse(JsonObject root, Manifest original, string type)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, ManifestWriter.Plain))
            root.WriteTo(json);
        return Manifest.Parse(buffer.ToArray(), type, original.Digest.Algorithm);
    }
}
