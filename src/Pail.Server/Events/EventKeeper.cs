using System.Text.Json;
using Pail.Buckets;
using Pail.Collect;
using Pail.Server.Running;

namespace Pail.Server.Events;

/// <summary>
/// Sees to it that no event stays in the bucket: says that this server lives while it has some that are late, takes over those of servers that ended or died,
/// and brings back its own that memory had no room for. One LIST each time; a PUT while events are late.
/// </summary>
internal sealed class EventKeeper(RegistryServices services) : RecurringTask("events", "looking after events", services.Events!.Options.LookEvery, services.Log, services.Time)
{
    private static readonly TimeSpan LastTry = TimeSpan.FromSeconds(10);

    private readonly EventQueue _queue = services.Events!;
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);
    private bool _looked;
    private bool _leased;

    // Soon after the start: what the server before left is waiting.
    protected override TimeSpan Pause => _looked ? base.Pause : Shorter(TimeSpan.FromSeconds(1), base.Pause);

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // Requests and delivery have ended by now: they were started later, and are stopped first.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(LastTry);
        await LeaveAsync(limit.Token);
    }

    // What is left here is for others to send.
    private async Task LeaveAsync(CancellationToken cancel)
    {
        var left = _queue.Waiting();
        try
        {
            foreach (var writer in left.Select(queued => queued.Writer).Concat(_queue.HasMoreInBucket ? [_queue.Writer] : []).Distinct())
                await EventObjects.FreeAsync(services.Bucket, writer, cancel);
            // Those that the bucket did not take before.
            foreach (var queued in left.Where(queued => queued.Key is null))
                await EventObjects.WriteAsync(services.Bucket, EventObjects.KeyOf(_queue.Writer, services.Time.GetUtcNow(), 0), JsonSerializer.SerializeToUtf8Bytes([.. queued.Events], EventJson.Default.ListRegistryEvent), cancel);
        }
        catch (Exception e) when (e is PailException or OperationCanceledException)
        {
            services.Log.EventsNotQueued(left.Where(queued => queued.Key is null).Sum(queued => queued.Events.Count), e is PailException ? e.Message.TrimEnd('.') : "the bucket did not answer in time");
        }
    }

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken cancel)
    {
        _looked = true;
        var bucket = services.Bucket;
        await LeaseAsync(bucket, cancel);
        if (_queue.HasMoreInBucket && _queue.HasRoom)
        {
            _queue.HasMoreInBucket = false;
            await LoadAsync(bucket, _queue.Writer, cancel);
        }
        await foreach (var writer in EventObjects.WritersAsync(bucket, cancel))
            if (writer != _queue.Writer && !_taken.Contains(writer) && _queue.HasRoom)
                await TakeAsync(bucket, writer, cancel);
    }

    // For those whose events are late: a server without such needs to tell nobody that it lives.
    private async Task LeaseAsync(Bucket bucket, CancellationToken cancel)
    {
        foreach (var writer in _taken.Where(writer => _queue.Waiting().All(queued => queued.Writer != writer)).ToList())
            if (await LoadAsync(bucket, writer, cancel) == 0)
            {
                _taken.Remove(writer);
                await EventObjects.UnmarkAsync(bucket, writer, lease: true, cancel);
            }
        var isLate = _queue.Waiting().Any(queued => queued.Writer == _queue.Writer && services.Time.GetElapsedTime(queued.Since) > _queue.Options.LeaseLife / 5);
        foreach (var writer in isLate ? [.. _taken, _queue.Writer] : _taken.ToArray())
            await EventObjects.LeaseAsync(bucket, writer, _queue.Writer, cancel);
        // A lease that is old says that its server is dead.
        if (_leased && !isLate)
            await EventObjects.UnmarkAsync(bucket, _queue.Writer, lease: true, cancel);
        _leased = isLate;
    }

    private async Task TakeAsync(Bucket bucket, string writer, CancellationToken cancel)
    {
        if (!await EventObjects.IsFreeAsync(bucket, writer, CollectSchedule.Now(bucket), _queue.Options.LeaseLife, cancel))
            return;
        // Of several that take them at once, the last to say so has them.
        await EventObjects.LeaseAsync(bucket, writer, _queue.Writer, cancel);
        await Task.Delay(_queue.Options.Settle, services.Time, cancel);
        if (!await EventObjects.HasLeaseAsync(bucket, writer, _queue.Writer, cancel))
            return;
        await EventObjects.UnmarkAsync(bucket, writer, lease: false, cancel);
        _taken.Add(writer);
        var count = await LoadAsync(bucket, writer, cancel);
        services.Log.EventsTaken(count, writer);
    }

    // What is in memory already is left out. Without room for all, the rest comes at another look.
    private async Task<int> LoadAsync(Bucket bucket, string writer, CancellationToken cancel)
    {
        var known = _queue.Waiting().Select(queued => queued.Key).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var count = 0;
        await foreach (var key in EventObjects.KeysAsync(bucket, writer, cancel))
        {
            if (known.Contains(key))
                continue;
            if (!_queue.HasRoom)
            {
                _queue.HasMoreInBucket |= writer == _queue.Writer;
                break;
            }
            if (await ReadAsync(bucket, key, cancel) is not { } events)
                continue;
            count += events.Count;
            _queue.Enqueue(new(key, writer, events, services.Time.GetTimestamp()));
        }
        return count;
    }

    private async Task<List<RegistryEvent>?> ReadAsync(Bucket bucket, string key, CancellationToken cancel)
    {
        try
        {
            return await EventObjects.ReadAsync(bucket, key, cancel) is { } bytes ? JsonSerializer.Deserialize(bytes.Span, EventJson.Default.ListRegistryEvent) : null;
        }
        catch (Exception e) when (e is JsonException or PailException { Failure: Failure.BadContent })
        {
            services.Log.TaskFailed("reading events", $"{key} is damaged, and left where it is");
            return null;
        }
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
