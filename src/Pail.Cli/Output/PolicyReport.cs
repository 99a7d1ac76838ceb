using Pail.Buckets;
using Pail.Policies;
using Pail.Retention;

namespace Pail.Cli.Output;

/// <summary>What <c>pail policy show|check|set|edit --json</c> write.</summary>
/// <param name="Policy">The bucket, or the file.</param>
/// <param name="Valid">True if it can be used.</param>
/// <param name="Problems">What is wrong with it.</param>
internal sealed record PolicyReport(string Policy, bool Valid, IReadOnlyList<PolicyProblem> Problems)
{
    /// <summary>False if the bucket had this very file; null if nothing was to be written.</summary>
    public bool? Changed { get; init; }

    public string? HistoryKeep { get; init; }

    public IReadOnlyList<RuleReport>? Rules { get; init; }

    /// <summary>The file as it was written, where it was asked for.</summary>
    public string? Text { get; init; }

    public CostReport? Requests { get; init; }

    /// <summary>Describes a policy that was read.</summary>
    public static PolicyReport Of(string name, string? text, RetentionPolicy? policy, IReadOnlyList<PolicyProblem> problems, CostReport? cost) => new(name, policy is not null, problems)
    {
        HistoryKeep = policy is null ? null : $"{(long)policy.HistoryKeep.TotalSeconds}s",
        Rules = policy?.Rules.Select(rule => new RuleReport(rule.Line, rule.Repositories.ToString(), rule.Tags.ToString(), [.. rule.Keeps.Select(keep => keep.Text)]) { Name = rule.Name }).ToList(),
        Text = text,
        Requests = cost,
    };

    /// <summary>Tells that a policy was written.</summary>
    public static async Task TellAsync(VerbRun session, Bucket bucket, string text, bool changed, CancellationToken cancel)
    {
        var (policy, problems) = RetentionPolicy.Read(text);
        session.Say(changed ? $"Wrote {RetentionFile.NameIn(bucket)}." : $"{RetentionFile.NameIn(bucket)} stays as it is.");
        if (policy?.Immutable.IsEmpty == false && !(await bucket.Conditions.KnowAsync(cancel)).IfAbsent)
            session.Say($"{session.Terminal.Ink.Yellow("Note:")} this store keeps no conditions on writes. Pail makes immutable tags by claims (docs/retention.md), five requests for each; other programs that write to the bucket can move them.");
        session.Result(Of(bucket.Name, null, policy, problems, session.Cost) with { Changed = changed }, ResultsJson.Plain.PolicyReport, _ => { });
    }
}

/// <summary>A rule of a policy.</summary>
internal sealed record RuleReport(int Line, string Repositories, string Tags, IReadOnlyList<string> Keeps)
{
    public string? Name { get; init; }
}

/// <summary>What <c>pail policy import --json</c> writes.</summary>
internal sealed record ImportReport(string Policy, IReadOnlyList<string> Differences);
