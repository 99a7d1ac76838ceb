using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Docker;

/// <summary>
/// An image as engines load it: an OCI layout, for those that keep manifests and their digests, and beside it the list
/// that older ones read.
/// </summary>
internal static class DockerForm
{
    /// <summary>Refuses what an engine can't hold.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: an index or an artifact.</exception>
    public static void ThrowUnlessImage(string name, Manifest root)
    {
        if (root.Config is not { } config)
            throw new PailException(Failure.BadInput, $"{name} holds one image, not an index.");
        if (!MediaTypes.IsImageConfig(config.MediaType))
            throw new PailException(Failure.BadInput, $"{name}: this is an artifact ({SafeText.OneLine(root.ArtifactType ?? config.MediaType)}), not an image that Docker can hold.");
    }

    /// <summary>The files that say which image this is.</summary>
    /// <param name="root">The image.</param>
    /// <param name="target">Its name with its tag; null for none.</param>
    public static IEnumerable<(string Path, byte[] Content)> Describe(Manifest root, string? target) =>
    [
        (SavedList.Path, SavedList.Of(new SavedEntry(LayoutPaths.Blob(root.Config!.Digest), [.. root.Layers.Select(layer => LayoutPaths.Blob(layer.Digest))], target is null ? [] : [target]))),
        (LayoutPaths.Index, target is null ? LayoutIndex.Of(root, null) : LayoutIndex.Of(root, target[(target.LastIndexOf(':') + 1)..], DockerName.Whole(target))),
    ];
}
