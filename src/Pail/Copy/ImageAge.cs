using Pail.Images;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>When an image was made, as its config says.</summary>
internal static class ImageAge
{
    /// <summary>Reads it; of an index, that of its image for this machine, else of its first. Null for an artifact, and where a config does not say.</summary>
    /// <remarks>Reads the manifest, of an index that of one image as well, and the config.</remarks>
    public static async Task<DateTimeOffset?> ReadAsync(IImageSource source, CancellationToken cancel)
    {
        var image = await source.Graph().DescendAsync(await source.GetRootAsync(cancel), index => Task.FromResult(Pick(index)), cancel);
        return MediaTypes.IsImageConfig(image?.Config?.MediaType) ? ImageConfig.CreatedOf(await ImageConfig.ReadAsync(source, image!, cancel)) : null;
    }

    // Images before attestations, which say they are for "unknown".
    private static Descriptor? Pick(Manifest index) =>
        PlatformChoice.Best(index.Manifests.Select(entry => (entry, entry.Platform)), PlatformChoice.Host)
        ?? index.Children.FirstOrDefault(entry => entry.Platform is not { Os: "unknown" });
}
