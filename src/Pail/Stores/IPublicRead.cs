namespace Pail.Stores;

/// <summary>The store's bucket has a policy that can let anybody read parts of it. What <c>pail publish</c> needs.</summary>
internal interface IPublicRead
{
    /// <summary>Returns what the policy would become if anybody could read a part. One request.</summary>
    /// <param name="scope">What tells this part from others that are opened by themselves, such as <c>v2/team/app/</c>.</param>
    /// <param name="patterns">The keys of its objects; <c>*</c> stands for any characters.</param>
    /// <param name="cancel">Ends the request.</param>
    /// <exception cref="StoreException">The store has no policies, or a statement of this name says something else.</exception>
    Task<PolicyChange> PlanOpenAsync(string scope, IReadOnlyList<string> patterns, CancellationToken cancel = default);

    /// <summary>Returns what the policy would become if it opened a part no more: statements that others wrote stay. One request.</summary>
    /// <param name="scope">The part; empty for all that was opened of this bucket.</param>
    /// <param name="cancel">Ends the request.</param>
    Task<PolicyChange> PlanCloseAsync(string scope, CancellationToken cancel = default);

    /// <summary>Replaces the policy. One request; none if nothing changes.</summary>
    /// <exception cref="StoreException">The store refuses it.</exception>
    Task ApplyAsync(PolicyChange change, CancellationToken cancel = default);
}

/// <summary>A bucket's policy before and after a change; null for none.</summary>
internal sealed record PolicyChange(string? Before, string? After)
{
    /// <summary>True if it stays as it is.</summary>
    public bool IsNone => Before == After;
}
