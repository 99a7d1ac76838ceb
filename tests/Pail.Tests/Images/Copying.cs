using Pail.Images;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>Moves whole images between sources and sinks, one piece after another.</summary>
internal static class Copying
{
    public static async Task RunAsync(IImageSource source, IImageSink sink, CancellationToken cancel = default)
    {
        var root = await source.GetRootAsync(cancel);
        if (await sink.HasRootAsync(root, cancel))
            return;
        await PartsAsync(source, sink, root, cancel);
        await sink.PutRootAsync(root, cancel);
    }

    public static async Task<MemoryImage> ReadAsync(IImageSource source)
    {
        var image = new MemoryImage();
        await using (source)
            await RunAsync(source, image);
        return image;
    }

    private static async Task PartsAsync(IImageSource source, IImageSink sink, Manifest manifest, CancellationToken cancel)
    {
        await Task.WhenAll(manifest.Blobs.Select(blob => sink.PutBlobAsync(blob, (offset, token) => source.OpenBlobAsync(blob, offset, token), NoProgress.Instance, cancel)));
        foreach (var child in manifest.Manifests)
        {
            var inner = await source.GetManifestAsync(child, cancel);
            await PartsAsync(source, sink, inner, cancel);
            await sink.PutManifestAsync(inner, cancel);
        }
    }
}
