using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Docker;

/// <summary>
/// An image in a new tar file that <c>docker load</c> and <c>podman load</c> take: <c>docker-archive:FILE[:NAME[:TAG]]</c>.
/// Holds an image for one platform; manifest and layers stay as they are.
/// </summary>
/// <param name="file">Path of the file, which is not there or empty.</param>
/// <param name="image">What to call the image, <c>:latest</c> where no tag is; null for no name.</param>
internal sealed class DockerArchiveSink(string file, string? image) : ArchiveSink("docker-archive", file, image)
{
    private readonly string? _target = image is null ? null : DockerName.ForTarget($"docker-archive:{file}:{image}", image);

    /// <inheritdoc/>
    private protected override bool HoldsIndexes => false;

    /// <inheritdoc/>
    private protected override bool IsSaved => true;

    /// <inheritdoc/>
    private protected override void ThrowUnlessHeld(Manifest root) => DockerForm.ThrowUnlessImage(Name, root);

    /// <inheritdoc/>
    private protected override IEnumerable<(string Path, byte[] Content)> Describe(Manifest root) => DockerForm.Describe(root, _target);

    /// <inheritdoc/>
    private protected override async Task<bool> NamesAsync(ILayoutFiles files, Manifest root, CancellationToken cancel)
    {
        foreach (var (path, content) in Describe(root))
            if (await files.ReadAsync(Name, path, LayoutIndex.MaxSize, cancel) is not { } present || !present.AsSpan().SequenceEqual(content))
                return false;
        return true;
    }
}
