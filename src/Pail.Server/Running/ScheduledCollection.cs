using Pail.Buckets;
using Pail.Collect;
using Pail.Retention;
using Pail.Server.Watching;

namespace Pail.Server.Running;

/// <summary>
/// Collects garbage, or drops tags by the bucket's policy, when that is due and no other replica has begun it. While it is not due, each replica asks once an
/// interval, by one GET. What became of the last run is in the bucket, for all replicas to tell.
/// </summary>
/// <param name="services">What all handlers work with.</param>
/// <param name="retains">True for retention, false for collecting garbage alone.</param>
/// <param name="every">How often.</param>
internal sealed class ScheduledCollection(RegistryServices services, bool retains, TimeSpan every)
    : RecurringTask(retains ? "retain" : "gc", retains ? "retention" : "collecting garbage", every, services.Log, services.Time)
{
    private const int MostWarnings = 20;

    // Soon after the start, since servers may be started anew more often than this is due; not at once, and not all replicas together.
    private static readonly TimeSpan First = TimeSpan.FromMinutes(2), AfterFailure = TimeSpan.FromMinutes(15);

    private TimeSpan _pause = Shorter(every, First);

    /// <inheritdoc/>
    protected override TimeSpan Pause => _pause * (1 + (Random.Shared.NextDouble() / 20));

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken cancel)
    {
        _pause = Shorter(Every, AfterFailure);
        var bucket = services.Bucket;
        var (schedule, run) = await CollectSchedule.TryTakeAsync(bucket, retains, Every, cancel);
        services.Schedule = schedule;
        var left = schedule.Of(retains) is { } last ? last.Started + Every - CollectSchedule.Now(bucket) : Every;
        _pause = left > TimeSpan.Zero && left < Every ? left : Every;
        if (run is not null)
            await RunAsync(bucket, run, cancel);
    }

    private async Task RunAsync(Bucket bucket, ScheduledRun run, CancellationToken cancel)
    {
        try
        {
            run = await CollectAsync(bucket, run, cancel);
        }
        catch (Exception e) when (!cancel.IsCancellationRequested)
        {
            services.Schedule = await CollectSchedule.EndAsync(bucket, retains, run with { Error = e is PailException known ? known.Failure.ToString() : "Unexpected" }, cancel);
            throw;
        }
        services.Schedule = await CollectSchedule.EndAsync(bucket, retains, run, cancel);
    }

    private async Task<ScheduledRun> CollectAsync(Bucket served, ScheduledRun run, CancellationToken cancel)
    {
        // Somebody may have collected it for the first time since this server read its settings.
        var bucket = await (await served.RefreshAsync(cancel)).Conditions.RenewAsync(cancel);
        var policy = (await RetentionFile.ReadAsync(bucket, cancel))?.Policy;
        if (retains && policy is null)
            throw new PailException(Failure.NotFound, $"{bucket.Name} has no retention policy: nothing expires.");
        var options = new CollectOptions { UntaggedAfter = services.Options.UntaggedAfter, HistoryKeep = (policy ?? RetentionPolicy.Empty).HistoryKeep };
        var retained = retains ? await new RetentionRun(bucket, policy!, [], options).RunAsync(cancel) : null;
        var report = retained?.Collected ?? await new Collector(bucket, options).RunAsync(cancel);
        var (freed, dropped) = (report.Freed.Values.Aggregate(new Freed(0, 0), (sum, more) => sum + more), retained?.Tags.Count(tag => tag.IsGone));
        foreach (var warning in report.Warnings.Take(MostWarnings))
            services.Log.CollectionWarned(retains ? "retention" : "collecting garbage", warning);
        ServerMetrics.Took(retains ? "retain" : "gc", "object", freed.Objects, freed.Bytes);
        if (dropped is > 0)
            ServerMetrics.Took("retain", "tag", dropped.Value);
        services.Log.Collected(freed.Objects, freed.Bytes, dropped, report.Warnings.Count);
        return run with { FreedObjects = freed.Objects, FreedBytes = freed.Bytes, DroppedTags = dropped, Warnings = report.Warnings.Count };
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
