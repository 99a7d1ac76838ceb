using Pail.Oci;

namespace Pail.OciLayout;

/// <summary>What lies at an address of the wrong kind, so that the message names the right one.</summary>
internal static class OtherKind
{
    /// <summary>What <c>docker save</c> lists images in, and <c>dir:</c> keeps its manifest in.</summary>
    public const string List = "manifest.json";

    /// <summary>Says what it is and how it is written, in half a sentence; null if it is nothing that is known.</summary>
    /// <param name="files">The files that are there.</param>
    /// <param name="path">The path of the address.</param>
    /// <param name="isArchive">True for a tar, false for a directory.</param>
    /// <param name="cancel">Interrupts it.</param>
    public static async Task<string?> OfAsync(ILayoutFiles files, string path, bool isArchive, CancellationToken cancel)
    {
        path = SafeText.OneLine(path);
        if (!isArchive && File.Exists(path))
            return $"it is a file; write oci-archive:{path}, or docker-archive:{path} for what 'docker save' wrote";
        if (await files.SizeAsync(LayoutPaths.Index, cancel) is not null)
            return isArchive ? $"it is an OCI image layout; write oci-archive:{path}" : $"it is an OCI image layout; write oci:{path}";
        if (await files.SizeAsync(List, cancel) is null or 0)
            return null;
        await using var stream = await files.OpenAsync(List, 0, cancel);
        var isList = await IsListAsync(stream, cancel);
        return (isList, isArchive) switch
        {
            (true, true) => $"it is what 'docker save' writes; write docker-archive:{path}",
            (true, false) => "it is what 'docker save' writes, unpacked; pack it into a tar again, and write docker-archive:FILE",
            (false, true) => "it is a directory of skopeo's, packed; unpack it, and write dir:DIR",
            (false, false) => $"it is one image as skopeo lays it out; write dir:{path}",
        };
    }

    private static async Task<bool> IsListAsync(Stream stream, CancellationToken cancel)
    {
        var head = new byte[64];
        var length = await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancel);
        return head.AsSpan(0, length).TrimStart(" \t\r\n"u8) is [(byte)'[', ..];
    }
}
