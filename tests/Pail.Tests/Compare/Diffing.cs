using System.Text.Json.Nodes;
using Pail.Compare;
using Pail.Oci;
using Pail.Tests.Images;

namespace Pail.Tests.Compare;

/// <summary>Makes images of tars, compares them, and tells the result in short lines.</summary>
internal static class Diffing
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TarBytes Blank() => new();

    public static MemoryImage ImageOf(params TarBytes[] layers) => ImageOf("{}", layers);

    /// <summary>An image whose config has these fields, beside those that every one has.</summary>
    public static MemoryImage ImageOf(string config, params TarBytes[] layers)
    {
        var image = new MemoryImage();
        Add(image, config, "amd64", layers);
        return image;
    }

    /// <summary>Adds an image for a platform.</summary>
    public static Manifest Add(ImageBuilder image, string config, string architecture, params TarBytes[] layers)
    {
        var tars = layers.Select(layer => layer.ToArray()).ToList();
        var json = JsonNode.Parse(config)!;
        (json["architecture"], json["os"]) = (architecture, "linux");
        json["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray([.. tars.Select(tar => (JsonNode)Digest.Of(tar).ToString())]) };
        return image.AddManifest(ImageBuilder.ManifestOf(
            image.Add(System.Text.Encoding.UTF8.GetBytes(json.ToJsonString()), MediaTypes.OciConfig),
            tars.Select(tar => image.Add(ImageBytes.Gzip(tar), MediaTypes.OciLayerGzip)).ToList()));
    }

    public static Task<ImageDiff> DiffAsync(MemoryImage old, MemoryImage @new, Platform? platform = null) => ImageComparison.RunAsync(old, @new, platform, Cancel);

    /// <summary>A line each: <c>+ added</c>, <c>- removed</c>, <c>~ changed: what</c>.</summary>
    public static string[] Told(IEnumerable<FileDiff> files) => [.. files.Select(file => file.Change switch
    {
        FileChange.Added => $"+ {file.Path}",
        FileChange.Removed => $"- {file.Path}",
        _ => $"~ {file.Path}: {string.Join(", ", file.What)}",
    })];

    /// <summary>The same of packages.</summary>
    public static string[] Told(IEnumerable<PackageDiff> packages) => [.. packages.Select(package => $"{package.Kind} {package.Name}: {package.Old ?? "-"} > {package.New ?? "-"}")];

    /// <summary>True if a layer of an image was read.</summary>
    public static bool Read(MemoryImage image, int layer) => image.Opened.Any(opened => opened.Digest == image.Root!.Layers[layer].Digest);
}
