namespace Pail.Images.Tar;

/// <summary>What kind of thing an entry of a tar is, as far as an image's archive is concerned.</summary>
internal enum TarKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A symbolic or hard link.</summary>
    Link,

    /// <summary>A directory, a device, or what no reader knows: of no use here.</summary>
    Other,
}

/// <summary>One entry of a tar.</summary>
/// <param name="Path">Relative, <c>/</c> between its parts, none of them empty, <c>.</c> or <c>..</c>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Size">Bytes of content; 0 for all but files.</param>
/// <param name="Target">What a link leads to, as written; empty for the rest.</param>
internal sealed record TarEntry(string Path, TarKind Kind, long Size, string Target);
