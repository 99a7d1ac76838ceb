namespace Pail.Cli.Output;

/// <summary>What <c>pail rm --json</c> writes.</summary>
/// <param name="Removed">What was removed, or would be.</param>
/// <param name="Requests">The requests, where asked for.</param>
internal sealed record RemovalResult(IReadOnlyList<string> Removed, CostReport? Requests)
{
    /// <summary>True if nothing was removed.</summary>
    public bool? DryRun { get; init; }

    /// <summary>What stays, and why.</summary>
    public IReadOnlyList<string>? Notes { get; init; }

    /// <summary>What was pushed again meanwhile, and stays.</summary>
    public IReadOnlyList<string>? Kept { get; init; }

    /// <summary>What was not removed, and why.</summary>
    public IReadOnlyList<RemovalFailure>? Failed { get; init; }
}

/// <summary>What was not removed or brought back, and why.</summary>
internal sealed record RemovalFailure(string Image, string Error);

/// <summary>What <c>pail undelete --json</c> writes.</summary>
/// <param name="Restored">What is back.</param>
/// <param name="Requests">The requests, where asked for.</param>
internal sealed record UndeleteResult(IReadOnlyList<string> Restored, CostReport? Requests)
{
    /// <summary>What could be brought back, with <c>--list</c>.</summary>
    public IReadOnlyList<RemovedImage>? Removed { get; init; }

    /// <summary>What was not brought back, and why.</summary>
    public IReadOnlyList<RemovalFailure>? Failed { get; init; }
}

/// <summary>Something that can be brought back.</summary>
/// <param name="Image">Its address.</param>
/// <param name="Digest">Its digest; null where it is damaged.</param>
/// <param name="Removed">When it was removed; null for what is condemned by a collection that has not removed it yet.</param>
/// <param name="By">Who removed it, where known.</param>
internal sealed record RemovedImage(string Image, string? Digest, DateTimeOffset? Removed, string? By);
