using System.Text.Json;
using Pail.Buckets;
using Pail.Oci;

namespace Pail.Collect;

/// <summary>How one object names another.</summary>
internal enum LinkKind : byte
{
    /// <summary>An index names a manifest, or a tag does.</summary>
    Manifest = 1,

    /// <summary>A manifest names a config or a layer.</summary>
    Blob = 2,

    /// <summary>Something names what may be either.</summary>
    Any = 3,

    /// <summary>A manifest refers to another: what keeps either keeps both.</summary>
    Subject = 4,

    /// <summary>A tag named a manifest once, until <see cref="Link.Until"/>.</summary>
    Past = 5,

    /// <summary>Retention dropped a tag that named a manifest: that is not kept for its digest alone any more.</summary>
    Dropped = 6,
}

/// <summary>That one object names another.</summary>
/// <param name="Kind">How.</param>
/// <param name="Digest">Which.</param>
/// <param name="Until">When a tag ceased to name it.</param>
internal readonly record struct Link(LinkKind Kind, Digest Digest, DateTimeOffset Until = default)
{
    /// <summary>Reads what a manifest names. Of a type that is not known here, every digest in it counts.</summary>
    /// <returns>Null if the bytes are no manifest of any kind.</returns>
    public static (IReadOnlyList<Link> Links, bool IsKnown)? Read(ReadOnlyMemory<byte> bytes, string? mediaType)
    {
        try
        {
            return (Of(Oci.Manifest.Parse(bytes, mediaType)), true);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return ReadUnknown(bytes) is { } links ? (links, false) : null;
        }
    }

    /// <summary>What must stay while something removed can be brought back; null if what was kept is damaged.</summary>
    public static IReadOnlyList<Link>? Of(RemovedEntry? entry) => entry is null ? null :
    [
        new(LinkKind.Manifest, Digest.Of(entry.Manifest)),
        .. entry.Dropped ? [new Link(LinkKind.Dropped, Digest.Of(entry.Manifest))] : Array.Empty<Link>(),
        .. Read(entry.Manifest, entry.MediaType)?.Links ?? [],
        .. OfMoves(TagHistory.Parse(entry.History)),
    ];

    /// <summary>What a tag named before.</summary>
    public static IEnumerable<Link> OfMoves(IEnumerable<TagMove> moves) => moves.Where(move => move.Digest is not null).Select(move => new Link(LinkKind.Past, move.Digest!.Value, move.Until));

    private static List<Link> Of(Manifest manifest)
    {
        var links = new HashSet<Link>();
        if (manifest.Config is { } config)
            links.Add(new(LinkKind.Blob, config.Digest));
        // Also those that have addresses elsewhere: they may have been stored all the same.
        foreach (var layer in manifest.Layers)
            links.Add(new(LinkKind.Blob, layer.Digest));
        foreach (var child in manifest.Manifests)
            links.Add(new(MediaTypes.IsManifest(child.MediaType) ? LinkKind.Manifest : LinkKind.Any, child.Digest));
        if (manifest.Subject is { } subject)
            links.Add(new(LinkKind.Subject, subject.Digest));
        return [.. links];
    }

    private static List<Link>? ReadUnknown(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var document = JsonDocument.Parse(bytes);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !IsManifest(document.RootElement))
                return null;
            var links = new HashSet<Link>();
            if (document.RootElement.TryGetProperty("subject", out var subject) && subject.ValueKind == JsonValueKind.Object
                && subject.TryGetProperty("digest", out var text) && text.ValueKind == JsonValueKind.String && Digest.TryParse(text.GetString(), out var digest))
                links.Add(new(LinkKind.Subject, digest));
            Search(document.RootElement, links);
            return [.. links];
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Manifests of all kinds state the version of their schema.
    private static bool IsManifest(JsonElement root) =>
        (root.TryGetProperty("schemaVersion", out var version) && version.ValueKind == JsonValueKind.Number)
        || (root.TryGetProperty("mediaType", out var type) && type.ValueKind == JsonValueKind.String && type.GetString()!.Contains("manifest", StringComparison.Ordinal));

    private static void Search(JsonElement element, HashSet<Link> links)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                    Search(property.Value, links);
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                    Search(item, links);
                break;
            case JsonValueKind.String when Digest.TryParse(element.GetString(), out var digest):
                links.Add(new(LinkKind.Any, digest));
                break;
        }
    }
}
