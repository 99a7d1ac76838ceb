using Pail.Io;
using Pail.Oci;

namespace Pail.Images;

/// <summary>Finds the parts of an image by their digests, through its indexes.</summary>
internal static class ImageParts
{
    /// <summary>Returns the manifests of a source.</summary>
    public static ManifestGraph Graph(this IImageSource source) => new(source.Name, source.GetManifestAsync);

    /// <summary>Returns the manifest of that digest: the root or one below it; null if it is none of them.</summary>
    public static async Task<Manifest?> FindManifestAsync(IImageSource source, Manifest root, Digest digest, CancellationToken cancel) =>
        await source.Graph().WalkAsync(root, cancel).FirstOrDefaultAsync(manifest => manifest.Digest == digest, cancel);

    /// <summary>Returns the config, layer or other blob of that digest; null if no manifest names it.</summary>
    public static async Task<Descriptor?> FindBlobAsync(IImageSource source, Manifest root, Digest digest, CancellationToken cancel)
    {
        await foreach (var manifest in source.Graph().WalkAsync(root, cancel))
            if (manifest.Layers.Append(manifest.Config).Concat(manifest.Blobs).FirstOrDefault(blob => blob?.Digest == digest) is { } found)
                return found;
        return null;
    }

    /// <summary>Returns the bytes of the blobs of all images together, each counted once.</summary>
    public static async Task<long> SizeAsync(IImageSource source, Manifest root, CancellationToken cancel)
    {
        var seen = new Dictionary<Digest, long>();
        await foreach (var manifest in source.Graph().WalkAsync(root, cancel))
            foreach (var blob in manifest.Blobs)
                seen[blob.Digest] = blob.Size;
        return seen.Values.Sum();
    }

    /// <summary>Reads a manifest from where it is kept as a blob among others.</summary>
    internal static Task<Manifest> ReadManifestAsync(this IImageSource source, Descriptor descriptor, CancellationToken cancel) => LocalFiles.RunAsync(source.Name, async () =>
    {
        if (descriptor.Size > Manifest.MaxSize)
            throw new PailException(Failure.BadContent, $"{source.Name}: manifest {descriptor.Digest} has {descriptor.Size} bytes; at most {Manifest.MaxSize} are taken.");
        await using var stream = await source.OpenBlobAsync(descriptor, 0, cancel);
        var bytes = new byte[descriptor.Size];
        await stream.ReadExactlyAsync(bytes, cancel);
        return Manifest.Parse(bytes, descriptor);
    });
}
