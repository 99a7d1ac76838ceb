using Pail.Stores;

namespace Pail.Transfer;

/// <summary>What somebody else needs to go on with an upload: a later request, another process.</summary>
/// <param name="Upload">Which upload.</param>
/// <param name="Plan">The sizes of its parts.</param>
/// <param name="Parts">The parts that have arrived, in order and without a gap.</param>
public sealed record UploadState(UploadId Upload, PartPlan Plan, IReadOnlyList<UploadedPart> Parts)
{
    /// <summary>How many bytes have arrived: where the next part begins.</summary>
    public long Length => Parts.Sum(part => part.Size);
}
