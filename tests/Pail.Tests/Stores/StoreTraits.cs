using Pail.Stores;

namespace Pail.Tests.Stores;

/// <summary>What a store can't do. The contract asserts that it really can't, so that nobody relies on a guess.</summary>
public sealed record StoreTraits
{
    /// <summary>Create-only writes are atomic; else they throw <see cref="StoreError.ConditionUnsupported"/>.</summary>
    public bool PutIfAbsent { get; init; } = true;

    /// <summary>Replacing one version is atomic; else it throws <see cref="StoreError.ConditionUnsupported"/>.</summary>
    public bool PutIfMatch { get; init; } = true;

    /// <summary>A body whose SHA-256 isn't the one stated is refused; else it is taken.</summary>
    public bool ChecksSha256 { get; init; } = true;

    /// <summary>Cache-Control and user metadata are kept; else they are dropped.</summary>
    public bool KeepsMetadata { get; init; } = true;

    /// <summary>The content type is kept whatever it is; else one Pail does not know comes back as application/octet-stream.</summary>
    public bool KeepsAnyContentType { get; init; } = true;

    /// <summary>Completing an upload tells the object's ETag; else it is empty.</summary>
    public bool CompleteTellsETag { get; init; } = true;

    /// <summary>An object is there all the time while it is replaced; else it may be missed for a moment.</summary>
    public bool IsThereWhileReplaced { get; init; } = true;

    /// <summary>Completing an upload again, after its answer was lost, tells it too; else it is empty then.</summary>
    public bool CompleteAgainTellsETag { get; init; } = true;

    /// <summary>An upload may be completed without parts that were sent after the last one; else all that were sent must be named.</summary>
    public bool CompleteLeavesPartsOut { get; init; } = true;

    /// <summary>Parts of a completed upload can't be listed any more.</summary>
    public bool ForgetsCompletedParts { get; init; } = true;
}
