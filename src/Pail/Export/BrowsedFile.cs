using Pail.Tar;

namespace Pail.Export;

/// <summary>A file as people browse it.</summary>
/// <param name="Layer">Which layer of the image holds it, from 0, the lowest.</param>
/// <param name="Name">What it is called there.</param>
/// <param name="Offset">Where its content begins in the tar of that layer; negative where the content can't be read in one piece.</param>
/// <param name="Size">How many bytes it has.</param>
/// <param name="Type">Its type, as tar has it.</param>
/// <param name="Target">Where a link leads.</param>
internal sealed record BrowsedFile(int Layer, string Name, long Offset, long Size, char Type, string Target) : RootFile(-1, (0, 0), Offset, Size, Type, Target)
{
    /// <summary>True if the layer is a plain tar, of which a range can be read.</summary>
    public bool IsPlain { get; private init; }

    /// <summary>The file of an entry just read.</summary>
    public static BrowsedFile Of(int layer, TarEntry entry, long position, bool isPlain) =>
        new(layer, entry.Path, entry.Sparse is null ? position : -1, entry.Size, entry.Type == '7' ? '0' : entry.Type, entry.Target) { IsPlain = isPlain };
}

/// <summary>The files of a layer or of a whole image, as far as they were read.</summary>
/// <param name="Files">Paths and files; folders before what is in them, if it is a whole image.</param>
/// <param name="Left">What was not read, and why; empty if everything was.</param>
internal sealed record FileListing(IReadOnlyList<(string Path, RootFile File)> Files, IReadOnlyList<string> Left)
{
    /// <summary>How many characters the names have, for those who keep it.</summary>
    public long Weight { get; } = Files.Sum(item => 64L + item.Path.Length + item.File.Target.Length);
}

/// <summary>What browsing may read.</summary>
/// <param name="Bytes">How many bytes layers may unpack to, all together.</param>
/// <param name="Entries">How many files they may hold.</param>
/// <param name="Text">How many characters the names of those may have.</param>
internal sealed record BrowseLimits(long Bytes = 512L << 20, int Entries = 200_000, long Text = 32 << 20);
