using Pail.Buckets;
using Pail.Pulls;
using Pail.Retention;

namespace Pail.Collect;

/// <summary>Drops the tags of a bucket that its policy no longer keeps, by a collection of its garbage: pushes at the same time are safe, and killed at any step, the next run goes on.</summary>
/// <param name="bucket">The bucket.</param>
/// <param name="policy">Its policy.</param>
/// <param name="inUse">Lists of what runs.</param>
/// <param name="options">How garbage is collected; how long what is dropped can be brought back is said by the policy.</param>
/// <param name="say">Hears what is being done, a line each.</param>
internal sealed class RetentionRun(Bucket bucket, RetentionPolicy policy, IReadOnlyList<InUseList> inUse, CollectOptions options, Action<string>? say = null)
{
    // Longer than any rule is likely to ask for that is yet to be written.
    private static readonly TimeSpan PullsKept = TimeSpan.FromDays(365);

    private RetainReport? _found;

    /// <summary>Judges and drops. Costs what a collection does; for rules about pulls one LIST for each 1,000 hours and one GET for each hour asked for; for each tag dropped one GET and one PUT.</summary>
    /// <exception cref="PailException">The bucket can't be listed or written: then nothing was dropped, or what was dropped is in order.</exception>
    public async Task<RetainReport> RunAsync(CancellationToken cancel = default)
    {
        var now = bucket.Store.Abilities.Fences?.Now ?? bucket.Engine.Retry.Time.GetUtcNow();
        var pulls = policy.PullsSince(now) is { } since ? await PullHistory.ReadAsync(bucket, since, cancel) : null;
        var retention = new TagRetention(bucket, policy, inUse, pulls, now);
        var collecting = options with { HistoryKeep = policy.HistoryKeep };
        var collected = await new Collector(bucket, collecting with { Drops = DropsOf }, say).RunAsync(cancel);
        if (pulls is not null && !options.DryRun)
            await PullHistory.RemoveBeforeAsync(bucket, now - PullsKept < policy.PullsSince(now) ? now - PullsKept : policy.PullsSince(now)!.Value, cancel);
        var gone = collected.Keys.ToHashSet(StringComparer.Ordinal);
        return _found! with { Collected = collected, Tags = [.. _found.Tags.Select(tag => tag with { IsGone = !options.DryRun && gone.Contains(tag.Key) })] };

        IReadOnlySet<Node> DropsOf(BucketMap map)
        {
            var drops = retention.DropsOf(map, options.Grace);
            // What is told is what the first listing showed: the next ones show what is left.
            _found ??= Describe(map, retention, drops, collecting, now);
            return drops;
        }
    }

    private static RetainReport Describe(BucketMap map, TagRetention retention, IReadOnlySet<Node> drops, CollectOptions collecting, DateTimeOffset now)
    {
        var after = Mark.From(Mark.Roots(map, collecting with { Drops = _ => drops }, now, forGood: true));
        var freed = Mark.From(Mark.Roots(map, collecting, now)).Where(node => !after.Contains(node)).ToHashSet();
        // What only one of the tags leads to is freed by that one.
        var needs = drops.ToDictionary(tag => tag, tag => Mark.From([tag]).Where(freed.Contains).ToList());
        var needed = needs.Values.SelectMany(nodes => nodes).GroupBy(node => node).ToDictionary(group => group.Key, group => group.Count());
        return new()
        {
            Frees = new(freed.Count, freed.Sum(node => node.Size)),
            Tags =
            [
                .. from repository in retention.Judge(map)
                   from verdict in repository.Tags
                   let node = retention.NodeOf(map, repository.Repository, verdict)
                   select new JudgedTag(repository.Repository.ToString(), verdict, node.Key)
                   {
                       Frees = needs.TryGetValue(node, out var own) ? own.Where(part => needed[part] == 1).Sum(part => part.Size) : null,
                   },
            ],
        };
    }
}

/// <summary>What retention found and did.</summary>
internal sealed record RetainReport
{
    /// <summary>All tags, by repository and name.</summary>
    public IReadOnlyList<JudgedTag> Tags { get; init; } = [];

    /// <summary>What is needed by nothing once the dropped tags can't be brought back.</summary>
    public Freed Frees { get; init; } = new(0, 0);

    /// <summary>What the collection did.</summary>
    public CollectReport Collected { get; init; } = new();
}

/// <summary>A tag, and what becomes of it.</summary>
/// <param name="Repository">Its repository.</param>
/// <param name="Verdict">What becomes of it, and why.</param>
/// <param name="Key">The key of its object.</param>
internal sealed record JudgedTag(string Repository, TagVerdict Verdict, string Key)
{
    /// <summary>Bytes that this tag alone needs, of one that is dropped now; null for any other.</summary>
    public long? Frees { get; init; }

    /// <summary>True if the tag was removed.</summary>
    public bool IsGone { get; init; }
}
