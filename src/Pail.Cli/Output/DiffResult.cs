using Pail.Compare;
using Pail.Oci;

namespace Pail.Cli.Output;

/// <summary>What <c>pail diff --json</c> writes.</summary>
/// <param name="Old">The first image.</param>
/// <param name="New">The second image.</param>
/// <param name="OldDigest">The digest of the first one's manifest.</param>
/// <param name="NewDigest">The digest of the second one's manifest.</param>
/// <param name="Same">True if configs and files are the same.</param>
/// <param name="Config">Fields of the configs that differ.</param>
/// <param name="Layers">Their layers.</param>
/// <param name="Packages">Packages that differ.</param>
/// <param name="Files">Files that differ.</param>
/// <param name="Notes">What could not be compared.</param>
/// <param name="Requests">The requests, where asked for.</param>
internal sealed record DiffResult(
    string Old, string New, string OldDigest, string NewDigest, bool Same, IReadOnlyList<ConfigDiff> Config, DiffLayers Layers, IReadOnlyList<PackageDiff> Packages, IEnumerable<DiffFile> Files, IReadOnlyList<string> Notes, CostReport? Requests)
{
    public static DiffResult Of(string old, string @new, ImageDiff diff, CostReport? requests) => new(
        old, @new, diff.OldDigest.ToString(), diff.NewDigest.ToString(), diff.IsSame, diff.Config, DiffLayers.Of(diff), diff.Packages, diff.Files.Select(DiffFile.Of), diff.Notes, requests);
}

/// <summary>Layers of both images, of the first alone, and of the second alone.</summary>
internal sealed record DiffLayers(IReadOnlyList<InspectedBlob> Shared, IReadOnlyList<InspectedBlob> Removed, IReadOnlyList<InspectedBlob> Added)
{
    public static DiffLayers Of(ImageDiff diff) => new(Blobs(diff.SharedLayers), Blobs(diff.OldLayers), Blobs(diff.NewLayers));

    private static InspectedBlob[] Blobs(IReadOnlyList<Descriptor> layers) => [.. layers.Select(layer => new InspectedBlob(layer.Digest.ToString(), layer.MediaType, layer.Size))];
}

/// <summary>A file that differs: added, removed or changed, and of the last, what.</summary>
internal sealed record DiffFile(string Path, string Change, long? OldSize, long? NewSize, IReadOnlyList<string>? What)
{
    public static DiffFile Of(FileDiff file) => new(file.Path, file.Change.ToString().ToLowerInvariant(), file.OldSize, file.NewSize, file.What.Count == 0 ? null : file.What);
}
