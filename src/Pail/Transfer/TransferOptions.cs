using Pail.Stores;

namespace Pail.Transfer;

/// <summary>How much a process may use to move blobs. The defaults fit a laptop and a small server alike.</summary>
public sealed record TransferOptions
{
    /// <summary>The most memory that parts in flight may take together, in bytes; at least 16 MiB.</summary>
    public long MemoryLimit { get; init; } = 256L << 20;

    /// <summary>How many parts move at once, over all blobs and both directions.</summary>
    public int Connections { get; init; } = 32;

    /// <summary>Blobs up to this size in bytes are written by one request; larger ones in parts.</summary>
    public long SinglePutLimit { get; init; } = PartPlan.Smallest;

    /// <summary>Objects up to this size in bytes are copied within a bucket by one request, at most 5 GiB on S3; larger ones by ranges of a quarter of it, in parallel.</summary>
    public long SingleCopyLimit { get; init; } = 2L << 30;

    /// <summary>After what time without use the memory of parts goes back to the system; null for never.</summary>
    internal TimeSpan? KeepMemory { get; init; }

    /// <summary>How failed requests are tried again.</summary>
    public RetryOptions Retry { get; init; } = new();
}
