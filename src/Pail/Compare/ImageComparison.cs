using Pail.Export;
using Pail.Images;
using Pail.Oci;
using Pail.Tar;

namespace Pail.Compare;

/// <summary>Compares two images: configs, layers, packages, files.</summary>
internal static class ImageComparison
{
    /// <summary>
    /// Compares them. Reads both configs; of layers at first only those above the lowest ones that both have. Where they leave it open what
    /// an image holds, such as whether a file that only one of them writes lies in a lower layer as well, the lowest ones are read too, once for both.
    /// </summary>
    /// <param name="old">Where the first image is.</param>
    /// <param name="new">Where the second image is.</param>
    /// <param name="platform">Which image of an index; null for the one that fits.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <param name="maxBytes">How many bytes layers may have, and unpack to; with more, files and packages are not compared, which a note says.</param>
    /// <exception cref="PailException">One is no image, or damaged.</exception>
    public static async Task<ImageDiff> RunAsync(IImageSource old, IImageSource @new, Platform? platform, CancellationToken cancel, long maxBytes = long.MaxValue)
    {
        var (before, now) = await ComparedImage.OpenAsync(old, @new, platform, cancel);
        var bytes = OnlyIn(before, now).Concat(OnlyIn(now, before)).Sum(layer => (double)layer.Size);
        var files = bytes > maxBytes ? null : await CompareFilesAsync(before, now, new LayerReader(maxBytes: maxBytes), cancel);
        return new()
        {
            OldDigest = before.Manifest.Digest,
            NewDigest = now.Manifest.Digest,
            Config = ConfigComparison.Of(old.Name, before.Config, @new.Name, now.Config),
            SharedLayers = [.. now.Manifest.Layers.Where((_, index) => before.DiffIds.Contains(now.DiffIds[index]))],
            OldLayers = [.. OnlyIn(before, now)],
            NewLayers = [.. OnlyIn(now, before)],
            Packages = files?.Packages ?? [],
            Files = files?.Files ?? [],
            Notes = files?.Notes ?? [$"files and packages are not compared: the layers that differ have {ByteSize.Format(bytes)}, and at most {ByteSize.Format(maxBytes)} are read here"],
        };
    }

    private static IEnumerable<Descriptor> OnlyIn(ComparedImage image, ComparedImage other) => image.Manifest.Layers.Where((_, index) => !other.DiffIds.Contains(image.DiffIds[index]));

    private static async Task<FileComparison> CompareFilesAsync(ComparedImage old, ComparedImage @new, LayerReader layers, CancellationToken cancel)
    {
        using var reader = layers;
        var shared = old.DiffIds.Zip(@new.DiffIds).TakeWhile(pair => pair.First == pair.Second).Count();
        var (oldUpper, newUpper) = (await ReadAsync(reader, old, shared, cancel), await ReadAsync(reader, @new, shared, cancel));
        var isPartial = shared > 0;
        if (isPartial)
        {
            var above = new FileComparison(Apply(new(old.Source.Name, isPartial), oldUpper), Apply(new(@new.Source.Name, isPartial), newUpper));
            if (above.IsCertain)
                return above;
        }
        var (oldTree, newTree) = (new RootTree(old.Source.Name), new RootTree(@new.Source.Name));
        for (var index = 0; index < shared; index++)
            await foreach (var (entry, facts) in reader.ReadAsync(old.Source, old.Manifest.Layers[index], old.DiffIds[index], cancel))
            {
                oldTree.Apply(entry, facts, index);
                newTree.Apply(entry, facts, index);
            }
        return new(Apply(oldTree, oldUpper), Apply(newTree, newUpper));
    }

    // The layers above those that both have. They are applied after the lowest ones, which may have to be read later, or not at all.
    private static async Task<List<(TarEntry Entry, FileFacts Facts, int Layer)>> ReadAsync(LayerReader reader, ComparedImage image, int first, CancellationToken cancel)
    {
        List<(TarEntry, FileFacts, int)> entries = [];
        for (var index = first; index < image.DiffIds.Count; index++)
            await foreach (var (entry, facts) in reader.ReadAsync(image.Source, image.Manifest.Layers[index], image.DiffIds[index], cancel))
                entries.Add((entry, facts, index));
        return entries;
    }

    private static RootTree Apply(RootTree tree, List<(TarEntry Entry, FileFacts Facts, int Layer)> entries)
    {
        foreach (var (entry, facts, layer) in entries)
            tree.Apply(entry, facts, layer);
        return tree;
    }
}
