using Pail.Oci;

namespace Pail.OciLayout;

/// <summary>An OCI image layout in a new tar file: <c>oci-archive:FILE[:TAG]</c>.</summary>
/// <param name="file">Path of the file, which is not there or empty.</param>
/// <param name="tag">What to call the image; null for no name.</param>
internal sealed class OciArchiveSink(string file, string? tag) : ArchiveSink("oci-archive", file, tag)
{
    private readonly string? _tag = LayoutIndex.TagToGive($"oci-archive:{file}", tag);

    /// <inheritdoc/>
    private protected override IEnumerable<(string Path, byte[] Content)> Describe(Manifest root) => [(LayoutPaths.Index, LayoutIndex.Of(root, _tag))];

    /// <inheritdoc/>
    private protected override async Task<bool> NamesAsync(ILayoutFiles files, Manifest root, CancellationToken cancel) =>
        LayoutIndex.Parse(Name, await files.ReadAsync(Name, LayoutPaths.Index, LayoutIndex.MaxSize, cancel)).Names(_tag, root.Digest);
}
