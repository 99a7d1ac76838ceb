using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.Oci;

namespace Pail.Images;

/// <summary>
/// Makes manifests that name other parts, and changes nothing else in them. What becomes of Docker's manifests is OCI's, for
/// Docker's types know no zstd.
/// </summary>
internal static class ManifestRewriter
{
    // Where tools find files within the compressed bytes that are no more.
    private static readonly string[] OfOldBytes = ["containerd.io/snapshot/stargz/", "io.containers.estargz.", "io.github.containers.zstd-chunked."];

    // By which BuildKit says whose attestation an entry is.
    private const string Attested = "vnd.docker.reference.digest";

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The image with other layers.</summary>
    public static Manifest Image(Manifest image, IReadOnlyDictionary<Digest, Descriptor> layers)
    {
        var root = JsonNode.Parse(image.Bytes.Span)!.AsObject();
        root["mediaType"] = MediaTypes.OciManifest;
        if (root["config"] is JsonObject config && (string?)config["mediaType"] == MediaTypes.DockerConfig)
            config["mediaType"] = MediaTypes.OciConfig;
        foreach (var layer in root["layers"]!.AsArray().OfType<JsonObject>())
        {
            layer["mediaType"] = (string?)layer["mediaType"] switch
            {
                MediaTypes.DockerLayerGzip => MediaTypes.OciLayerGzip,
                MediaTypes.DockerLayerTar => MediaTypes.OciLayerTar,
                var other => other,
            };
            if (!Replace(layer, layers) || layer["annotations"] is not JsonObject annotations)
                continue;
            foreach (var name in annotations.Select(pair => pair.Key).Where(name => OfOldBytes.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal))).ToList())
                annotations.Remove(name);
        }
        return Parse(root, image, MediaTypes.OciManifest);
    }

    /// <summary>The index with other manifests.</summary>
    public static Manifest Index(Manifest index, IReadOnlyDictionary<Digest, Descriptor> manifests)
    {
        var root = JsonNode.Parse(index.Bytes.Span)!.AsObject();
        root["mediaType"] = MediaTypes.OciIndex;
        foreach (var entry in root["manifests"]!.AsArray().OfType<JsonObject>())
        {
            Replace(entry, manifests);
            if (entry["annotations"] is JsonObject annotations && Digest.TryParse((string?)annotations[Attested], out var subject) && manifests.TryGetValue(subject, out var other))
                annotations[Attested] = other.Digest.ToString();
        }
        return Parse(root, index, MediaTypes.OciIndex);
    }

    private static bool Replace(JsonObject part, IReadOnlyDictionary<Digest, Descriptor> others)
    {
        if (!Digest.TryParse((string?)part["digest"], out var digest) || !others.TryGetValue(digest, out var other))
            return false;
        (part["mediaType"], part["digest"], part["size"]) = (other.MediaType, other.Digest.ToString(), other.Size);
        return true;
    }

    private static Manifest Parse(JsonObject root, Manifest original, string type) =>
        Manifest.Parse(JsonSerializer.SerializeToUtf8Bytes(root, Compact), type, original.Digest.Algorithm);
}
