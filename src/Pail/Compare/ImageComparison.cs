using Pail.Compression;
using Pail.Images;
using Pail.Oci;

namespace Pail.Compare;

/// <summary>Compares two images: configs, layers, packages, files.</summary>
internal static class ImageComparison
{
    /// <summary>Compares them. Reads both configs, and all layers above those that both have at the same place; none if they have the same ones.</summary>
    /// <param name="old">Where the first image is.</param>
    /// <param name="oldImage">Its manifest.</param>
    /// <param name="new">Where the second image is.</param>
    /// <param name="newImage">Its manifest.</param>
    /// <param name="readsShared">Also layers that both have are read, once: then it is known whether a file that only one image writes above them is in them.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException">One is no image, or damaged.</exception>
    public static async Task<ImageDiff> RunAsync(IImageSource old, Manifest oldImage, IImageSource @new, Manifest newImage, bool readsShared, CancellationToken cancel)
    {
        var (oldConfig, newConfig) = (await ConfigAsync(old, oldImage, cancel), await ConfigAsync(@new, newImage, cancel));
        var (oldIds, newIds) = (await ImageConfig.DiffIdsOfAsync(old, oldImage, cancel), await ImageConfig.DiffIdsOfAsync(@new, newImage, cancel));
        var shared = oldIds.Zip(newIds).TakeWhile(pair => pair.First == pair.Second).Count();
        var isSame = shared == oldIds.Count && shared == newIds.Count;
        var unread = readsShared && !isSame ? 0 : shared;
        var trees = (Old: new LayerTree(old.Name, unread > 0), New: new LayerTree(@new.Name, unread > 0));
        for (var index = unread; index < shared && !isSame; index++)
            await LayerTree.ApplyAsync(old, Readable(old, oldImage.Layers[index]), oldIds[index], index, [trees.Old, trees.New], cancel);
        for (var index = shared; index < oldIds.Count; index++)
            await LayerTree.ApplyAsync(old, Readable(old, oldImage.Layers[index]), oldIds[index], index, [trees.Old], cancel);
        for (var index = shared; index < newIds.Count; index++)
            await LayerTree.ApplyAsync(@new, Readable(@new, newImage.Layers[index]), newIds[index], index, [trees.New], cancel);
        var files = new FileComparison(trees.Old, trees.New, unread > 0).Run();
        return new()
        {
            OldDigest = oldImage.Digest,
            NewDigest = newImage.Digest,
            Config = ConfigComparison.Of(old.Name, oldConfig, @new.Name, newConfig),
            SharedLayers = [.. newImage.Layers.Where((_, index) => oldIds.Contains(newIds[index]))],
            OldLayers = [.. oldImage.Layers.Where((_, index) => !newIds.Contains(oldIds[index]))],
            NewLayers = [.. newImage.Layers.Where((_, index) => !oldIds.Contains(newIds[index]))],
            UnreadLayers = unread,
            Packages = files.Packages,
            Files = files.Files,
            Notes = files.Notes,
        };
    }

    private static Task<ReadOnlyMemory<byte>> ConfigAsync(IImageSource source, Manifest image, CancellationToken cancel) => MediaTypes.IsImageConfig(image.Config?.MediaType)
        ? ImageConfig.ReadAsync(source, image, cancel)
        : throw new PailException(Failure.BadInput, $"{source.Name} is an artifact, not an image with a file system; 'pail inspect' shows what it holds.");

    private static Descriptor Readable(IImageSource source, Descriptor layer) => layer.MediaType.Length == 0 || LayerCompression.KindOf(layer.MediaType) is not null || MediaTypes.IsForeignLayer(layer.MediaType)
        ? layer
        : throw new PailException(Failure.BadInput, $"{source.Name}: the layer {layer.Digest} of type {SafeText.OneLine(layer.MediaType)} is no tar that Pail can read.");
}
