using Pail.Images;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>When an image was made, as its config says.</summary>
public static class ImageAge
{
    /// <summary>Reads it; of an index, that of its image for this machine, else of its first. Null for an artifact, and where a config does not say.</summary>
    /// <remarks>Reads the manifest, of an index that of one image as well, and the config.</remarks>
    public static async Task<DateTimeOffset?> ReadAsync(IImageSource source, CancellationToken cancel)
    {
        var manifest = await source.GetRootAsync(cancel);
        for (var depth = 0; manifest.IsIndex; depth++)
        {
            if (depth > GraphLimits.MaxDepth || Pick(manifest) is not { } child)
                return null;
            manifest = await source.GetManifestAsync(child, cancel);
        }
        return MediaTypes.IsImageConfig(manifest.Config?.MediaType) ? ImageConfig.CreatedOf(await ImageConfig.ReadAsync(source, manifest, cancel)) : null;
    }

    // Images before attestations, which say they are for "unknown".
    private static Descriptor? Pick(Manifest index) =>
        index.Manifests.FirstOrDefault(entry => entry.Platform is { } offered && PlatformChoice.Host.Accepts(offered))
        ?? index.Manifests.FirstOrDefault(entry => entry.Platform is not { Os: "unknown" } && MediaTypes.IsManifest(entry.MediaType));
}
