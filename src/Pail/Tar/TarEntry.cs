namespace Pail.Tar;

/// <summary>What kind of thing an entry of a tar is, as far as an image's archive is concerned.</summary>
internal enum TarKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A link to a path from the link's own folder.</summary>
    SymbolicLink,

    /// <summary>Another name for an entry before it.</summary>
    HardLink,

    /// <summary>A directory, a device, or what no reader knows: of no use here.</summary>
    Other,
}

/// <summary>One entry of a tar.</summary>
/// <param name="Path">Relative, <c>/</c> between its parts, none of them empty, <c>.</c> or <c>..</c>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Size">Bytes of content, the holes of a sparse file included; 0 for all but files.</param>
/// <param name="Target">What a link leads to, as written; empty for the rest.</param>
internal sealed record TarEntry(string Path, TarKind Kind, long Size, string Target)
{
    /// <summary>How many links are followed one after the other.</summary>
    public const int MaxLinks = 16;

    // Those of images are far shorter; with the bound on entries this bounds the memory.
    private const int MaxPath = 512;

    /// <summary>The type as tar has it: <c>0</c> for a file, <c>5</c> for a folder, ...</summary>
    public char Type { get; init; }

    /// <summary>Which parts of a sparse file are stored; null for other files.</summary>
    public SparseMap? Sparse { get; init; }

    /// <summary>True for both kinds of links.</summary>
    public bool IsLink => Kind is TarKind.SymbolicLink or TarKind.HardLink;

    /// <summary>Refuses names that take more memory than any that Docker or Podman writes.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>.</exception>
    public void ThrowIfLong(string archive)
    {
        if (Path.Length > MaxPath || Target.Length > MaxPath)
            throw new PailException(Failure.BadContent, $"{archive}: an entry of the archive has a name of more than {MaxPath} characters.");
    }

    /// <summary>The path in the archive that a link leads to. One that leads outside leads to nothing that an archive can hold.</summary>
    public string TargetPath()
    {
        var parts = Kind == TarKind.HardLink ? [] : new List<string>(Path.Split('/')[..^1]);
        foreach (var part in Target.Split('/'))
        {
            if (part == ".." && parts.Count > 0)
                parts.RemoveAt(parts.Count - 1);
            else if (part is not ("" or "."))
                parts.Add(part);
        }
        return string.Join('/', parts);
    }
}
