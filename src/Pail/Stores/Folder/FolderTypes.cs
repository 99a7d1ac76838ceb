using Pail.Oci;

namespace Pail.Stores.Folder;

/// <summary>
/// The content type of an object is the end of its file's name, so that any web server with a map
/// of extensions serves it right. A web server tries them in this order, as Pail does; see <see cref="FolderObjects"/>.
/// </summary>
internal static class FolderTypes
{
    /// <summary>The ends of names, those that count first coming first.</summary>
    public static readonly string[] Suffixes = [".@blob", ".@oci-manifest", ".@docker-manifest", ".@oci-index", ".@docker-list", ".@json", ".@other"];

    /// <summary>The longest of <see cref="Suffixes"/>, in bytes.</summary>
    public const int LongestSuffix = 17;

    private static readonly string[] Types =
        [MediaTypes.OctetStream, MediaTypes.OciManifest, MediaTypes.DockerManifest, MediaTypes.OciIndex, MediaTypes.DockerManifestList, MediaTypes.Json];

    /// <summary>Which suffix a content type has; the last one for a type that has none of its own.</summary>
    public static int IndexOf(string contentType)
    {
        var index = Array.IndexOf(Types, contentType);
        return index < 0 ? Types.Length : index;
    }

    /// <summary>The content type a suffix stands for; null for the last one, whose files say it in their attribute.</summary>
    public static string? TypeOf(int index) => index < Types.Length ? Types[index] : null;
}
