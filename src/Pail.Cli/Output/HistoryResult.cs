using Pail.Buckets;

namespace Pail.Cli.Output;

/// <summary>What <c>pail history --json</c> writes.</summary>
/// <param name="Image">The tag.</param>
/// <param name="Periods">What it names and named, newest first.</param>
/// <param name="Requests">The requests, where asked for.</param>
internal sealed record HistoryResult(string Image, IReadOnlyList<HistoryPeriod> Periods, CostReport? Requests);

/// <summary>A time in which a tag named one manifest.</summary>
/// <param name="Digest">The manifest; null for a time in which there was no such tag.</param>
/// <param name="Since">When it began, where known.</param>
/// <param name="Until">When it ended; null for now.</param>
/// <param name="By">Who began it, where known.</param>
internal sealed record HistoryPeriod(string? Digest, DateTimeOffset? Since, DateTimeOffset? Until, string? By)
{
    public static HistoryPeriod Of(TagPeriod period) => new(period.Digest?.ToString(), period.Since, period.Until, period.By);
}

/// <summary>What <c>pail rollback --json</c> writes.</summary>
/// <param name="Image">The tag.</param>
/// <param name="Digest">What it names now.</param>
/// <param name="From">What it named until now.</param>
/// <param name="Changed">False if it named that already.</param>
/// <param name="Requests">The requests, where asked for.</param>
internal sealed record RollbackResult(string Image, string Digest, string? From, bool Changed, CostReport? Requests);
