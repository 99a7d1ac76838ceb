namespace Pail.OciLayout;

/// <summary>An image of a layout in a directory: <c>oci:DIR[:TAG]</c>.</summary>
/// <param name="directory">Path of the directory.</param>
/// <param name="tag">Which image; null for its only one.</param>
internal sealed class OciLayoutSource(string directory, string? tag) : LayoutSource($"oci:{directory}", new DirectoryFiles(directory), tag);

/// <summary>An image of a layout in a tar file, plain or compressed with gzip: <c>oci-archive:FILE[:TAG]</c>.</summary>
/// <param name="file">Path of the file.</param>
/// <param name="tag">Which image; null for its only one.</param>
internal sealed class OciArchiveSource(string file, string? tag) : LayoutSource($"oci-archive:{file}", new ArchiveFiles($"oci-archive:{file}", file), tag);
