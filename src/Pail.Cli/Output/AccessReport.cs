using Pail.Policies;

namespace Pail.Cli.Output;

/// <summary>What <c>pail access check|set --json</c> write.</summary>
/// <param name="Access">The bucket, or the file.</param>
/// <param name="Valid">True if the rules can be used.</param>
/// <param name="Problems">What is wrong with them.</param>
internal sealed record AccessReport(string Access, bool Valid, IReadOnlyList<PolicyProblem> Problems)
{
    /// <summary>How many rules there are; null if they are not valid.</summary>
    public int? Rules { get; init; }

    /// <summary>False if the bucket had this very file; null if nothing was to be written.</summary>
    public bool? Changed { get; init; }

    public CostReport? Requests { get; init; }
}

/// <summary>What <c>pail access explain --json</c> writes.</summary>
internal sealed record AccessExplanation(string Subject, string Action, string Repository, bool Allowed)
{
    /// <summary>The line of the rule that decides; null if there is none.</summary>
    public int? Line { get; init; }

    /// <summary>The name of the rule; null if it has none.</summary>
    public string? Rule { get; init; }

    public CostReport? Requests { get; init; }
}

/// <summary>What <c>pail access prepare --json</c> writes.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Written">How many holds were missing.</param>
/// <param name="Damaged">Tags and referrers that can't be read.</param>
internal sealed record AccessPrepared(string Bucket, int Written, IReadOnlyList<string> Damaged)
{
    public CostReport? Requests { get; init; }
}
