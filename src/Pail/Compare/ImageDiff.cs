using Pail.Oci;

namespace Pail.Compare;

/// <summary>What differs between two images.</summary>
public sealed record ImageDiff
{
    /// <summary>The digest of the first image's manifest.</summary>
    public required Digest OldDigest { get; init; }

    /// <summary>The digest of the second image's manifest.</summary>
    public required Digest NewDigest { get; init; }

    /// <summary>Fields of the configs that differ. When and by which steps the images were built is not compared.</summary>
    public required IReadOnlyList<ConfigDiff> Config { get; init; }

    /// <summary>Layers that both have, by the digest of their tar.</summary>
    public required IReadOnlyList<Descriptor> SharedLayers { get; init; }

    /// <summary>Layers that only the first image has.</summary>
    public required IReadOnlyList<Descriptor> OldLayers { get; init; }

    /// <summary>Layers that only the second image has.</summary>
    public required IReadOnlyList<Descriptor> NewLayers { get; init; }

    /// <summary>Packages that were installed, removed, or have another version.</summary>
    public required IReadOnlyList<PackageDiff> Packages { get; init; }

    /// <summary>Files that were added, removed or changed, in the order of their paths.</summary>
    public required IReadOnlyList<FileDiff> Files { get; init; }

    /// <summary>What could not be compared, and why.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>True if configs and files are the same. Digests may differ all the same: by dates, or by how files are spread over layers and layers are compressed.</summary>
    public bool IsSame => Config.Count == 0 && Files.Count == 0;
}

/// <summary>A field of the config that differs.</summary>
/// <param name="Field">Which field, such as <c>env PATH</c> or <c>entrypoint</c>.</param>
/// <param name="Old">What the first image says; null if it says nothing.</param>
/// <param name="New">What the second image says; null if it says nothing.</param>
public sealed record ConfigDiff(string Field, string? Old, string? New);

/// <summary>A package of which the images have not the same versions.</summary>
/// <param name="Kind">Whose package it is: dpkg, apk, python or npm.</param>
/// <param name="Name">Its name.</param>
/// <param name="Old">The version, or versions, in the first image; null if it has none.</param>
/// <param name="New">The version, or versions, in the second image; null if it has none.</param>
public sealed record PackageDiff(string Kind, string Name, string? Old, string? New);

/// <summary>A file, folder, link or device that differs.</summary>
/// <param name="Path">Its path, without a <c>/</c> before it. A folder ends with one. Bytes that are not UTF-8 are lone surrogates, U+DC80 to U+DCFF.</param>
/// <param name="Change">What became of it.</param>
/// <param name="OldSize">How many bytes the first image's has; null if there is none.</param>
/// <param name="NewSize">How many bytes the second image's has; null if there is none.</param>
public sealed record FileDiff(string Path, FileChange Change, long? OldSize, long? NewSize)
{
    /// <summary>Of a changed one, what: any of content, type, link, device, mode, owner, attributes.</summary>
    public IReadOnlyList<string> What { get; init; } = [];
}

/// <summary>What became of a file from the first image to the second.</summary>
public enum FileChange
{
    /// <summary>Only the second image has it.</summary>
    Added,

    /// <summary>Only the first image has it.</summary>
    Removed,

    /// <summary>Both have it, and not the same.</summary>
    Changed,
}
