using Pail.Oci;

namespace Pail.Images;

/// <summary>Finds the parts of an image by their digests, through its indexes.</summary>
public static class ImageParts
{
    /// <summary>The manifest of that digest: the root or one below it; null if it is none of them.</summary>
    public static Task<Manifest?> FindManifestAsync(IImageSource source, Manifest root, Digest digest, CancellationToken cancel) =>
        FindAsync(source, root, manifest => manifest.Digest == digest ? manifest : null, [], 0, cancel);

    /// <summary>The config or layer of that digest; null if no manifest names it.</summary>
    public static Task<Descriptor?> FindBlobAsync(IImageSource source, Manifest root, Digest digest, CancellationToken cancel) =>
        FindAsync(source, root, manifest => (manifest.Config is { } config ? [config, .. manifest.Layers] : manifest.Layers).FirstOrDefault(blob => blob.Digest == digest), [], 0, cancel);

    /// <summary>The bytes of config and layers of all images together, each counted once.</summary>
    public static async Task<long> SizeAsync(IImageSource source, Manifest root, CancellationToken cancel)
    {
        var seen = new Dictionary<Digest, long>();
        await FindAsync<Manifest>(source, root, manifest =>
        {
            foreach (var blob in manifest.Blobs)
                seen[blob.Digest] = blob.Size;
            return null;
        }, [], 0, cancel);
        return seen.Values.Sum();
    }

    // Each manifest once: indexes that name one another again and again would never end.
    private static async Task<T?> FindAsync<T>(IImageSource source, Manifest manifest, Func<Manifest, T?> find, HashSet<Digest> seen, int depth, CancellationToken cancel)
        where T : class
    {
        if (depth > GraphLimits.MaxDepth)
            throw new PailException(Failure.BadContent, $"{source.Name}: indexes are nested more than {GraphLimits.MaxDepth} deep.");
        if (manifest.Manifests.Count + seen.Count > GraphLimits.MaxManifests)
            throw new PailException(Failure.BadContent, $"{source.Name}: its indexes name more than {GraphLimits.MaxManifests} manifests.");
        if (find(manifest) is { } found)
            return found;
        foreach (var child in manifest.Manifests)
            if (seen.Add(child.Digest) && await FindAsync(source, await source.GetManifestAsync(child, cancel), find, seen, depth + 1, cancel) is { } below)
                return below;
        return null;
    }
}
