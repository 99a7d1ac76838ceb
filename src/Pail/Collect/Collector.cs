using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Stores;

namespace Pail.Collect;

/// <summary>
/// Collects the garbage of a bucket while others push, delete and collect. Needs a store that refuses what comes too late
/// (<see cref="IFencedWrites"/>); killed at any step, the next collection goes on.
/// </summary>
internal sealed class Collector
{
    // What writers before this rested on is signed for fifteen minutes, and may take effect a little later.
    private static readonly TimeSpan UnfencedLife = TimeSpan.FromMinutes(16);

    private readonly CollectOptions _options;
    private readonly Action<string> _say;
    private readonly SortedDictionary<string, Freed> _freed = new(StringComparer.Ordinal);
    private readonly List<string> _warnings = [];
    private readonly List<string> _keys = [];
    private readonly List<Node> _removed = [];
    private Bucket _bucket;
    private int _rounds;
    private bool _waited;
    private BucketMap? _last;

    /// <summary>Makes a collector; no request.</summary>
    /// <param name="bucket">The bucket.</param>
    /// <param name="options">What is garbage.</param>
    /// <param name="say">Hears what is being done, a line each.</param>
    public Collector(Bucket bucket, CollectOptions options, Action<string>? say = null) => (_bucket, _options, _say) = (bucket, options, say ?? (_ => { }));

    private TimeProvider Time => _bucket.Engine.Retry.Time;

    private IFencedWrites Fences => _bucket.Store.Abilities.Fences
        ?? throw new PailException(Failure.BadInput, $"{_bucket.Name}: this store, or access without credentials, has no way to refuse writes that come too late, so nothing can be collected safely while others push.");

    private DateTimeOffset Now => Fences.Now ?? Time.GetUtcNow();

    /// <summary>Collects once: one round, or as many as there are lists of <see cref="CollectState.MaxKeys"/> objects.</summary>
    /// <exception cref="PailException">The bucket can't be listed or written, or is not one of Pail's.</exception>
    public async Task<CollectReport> RunAsync(CancellationToken cancel = default)
    {
        _ = Fences;
        await RefuseOthersAsync(cancel);
        var memory = await LinkMemory.ReadAsync(_bucket, cancel);
        if (_options.DryRun)
            return await ForecastAsync(memory, cancel);
        var pace = await PrepareAsync(cancel);
        while (!await RoundAsync(pace, memory, cancel))
        {
        }
        // Gone is what the store no longer lists: what was written again meanwhile is not freed.
        var map = _last ?? await ReadAsync(memory, cancel);
        foreach (var node in _removed.Where(node => map.Find(node.Key) is null).DistinctBy(node => node.Key))
        {
            Count(Words.Of(node), new(1, node.Size));
            _keys.Add(node.Key);
        }
        var leftovers = new Leftovers(_bucket, memory, Options, Now);
        foreach (var (what, freed) in await leftovers.RemoveAsync(map, cancel))
            Count(what, freed);
        await memory.WriteAsync(_bucket, cancel);
        return Report(map);
    }

    // How far the times of two objects may be wrong against each other. Stores state whole seconds; in a folder all times are of one clock.
    private TimeSpan Blur(CollectPace pace) => (Fences.CanStayOpen ? pace.Skew : TimeSpan.Zero) + TimeSpan.FromSeconds(1);

    private CollectOptions Options => _options with { KeptSince = Now - _options.HistoryKeep };

    private Task<BucketMap> ReadAsync(LinkMemory memory, CancellationToken cancel) => BucketMap.ReadAsync(_bucket, memory, Options, cancel);

    // True when there is nothing more to do now.
    private async Task<bool> RoundAsync(CollectPace pace, LinkMemory memory, CancellationToken cancel)
    {
        var register = new Register(_bucket);
        await register.ReadAsync(cancel);
        var round = new Round(_bucket, register, memory, Options, pace);
        var (more, resumed) = (false, false);
        if (register.State.IsRemoving)
        {
            // Another collector is at it, or died at it. When nothing of it can take effect any more, the round has ended.
            var seen = register.Info!.ETag;
            _say("waits for another collection to end");
            await SettleAsync(register.Info, pace.Over(register.State.Phase), cancel);
            await register.ReadAsync(cancel);
            if (register.Info?.ETag != seen)
                return false;
        }
        if (register.State.Phase != CollectPhase.Condemned)
        {
            var (listed, count, bytes, looked, isYoung) = await LookAsync(pace, memory, cancel);
            if (count == 0)
                return true;
            if (!_waited && isYoung)
            {
                // What was written in the moment of the look can't be told from what is written again after it.
                _waited = true;
                await Task.Delay(2 * Blur(pace), Time, cancel);
                return false;
            }
            more = count > CollectState.MaxKeys;
            _say($"{count} objects of {bytes} bytes are condemned; waits for those who write{(Fences.CanStayOpen ? $", {(int)pace.Condemned.TotalSeconds} s" : "")}");
            var before = register.State.IsRemoving ? register.State.End() : register.State;
            var next = new CollectState(CollectPhase.Condemned, before.Round + 1, $"{Guid.NewGuid():n}", listed, before.Last) { Looked = looked };
            if (!await KeepsConditionsAsync(cancel))
                return Ended(await round.SweepAsync(next with { Phase = CollectPhase.Sweeping }, cancel));
            if (!await register.TryWriteAsync(next, cancel))
                return false;
            if (_bucket.Steps.CondemnedWait)
                await Fences.SettleAsync(pace.Condemned, cancel);
        }
        else
        {
            _say("goes on where another collection stopped");
            resumed = true;
            var seen = register.Info!.ETag;
            await SettleAsync(register.Info, pace.Condemned, cancel);
            await register.ReadAsync(cancel);
            if (register.Info?.ETag != seen)
                return false;
        }
        return Ended(await round.FinishAsync(cancel));

        bool Ended(bool ended)
        {
            _warnings.AddRange(round.Warnings);
            if (!ended)
                return false;
            _rounds++;
            _removed.AddRange(round.Removed);
            return !resumed && (!more || round.Removed.Count == 0);
        }
    }

    // Waits until a time after the register was written, by the store's clock; in folders for those who hold a fence.
    private Task SettleAsync(ObjectInfo register, TimeSpan time, CancellationToken cancel)
    {
        var left = register.Modified + time + TimeSpan.FromSeconds(2) - Now;
        return Fences.SettleAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, cancel);
    }

    // What is garbage now, by its keys: the map takes much memory, and is not needed while the collection waits.
    private async Task<(KeySet Listed, int Count, long Bytes, DateTimeOffset Looked, bool IsYoung)> LookAsync(CollectPace pace, LinkMemory memory, CancellationToken cancel)
    {
        var looked = Now - Blur(pace);
        var map = await ReadAsync(memory, cancel);
        var garbage = Garbage(map);
        // Nothing is removed after a look that finds nothing: it is the listing afterwards.
        _last = garbage.Count == 0 ? map : null;
        // Parents first, so that no part is condemned whose manifest is left to the next round.
        var listed = Mark.Levels(garbage).SelectMany(level => level).Take(CollectState.MaxKeys).Select(node => node.Key);
        return (KeySet.Of(listed), garbage.Count, garbage.Sum(node => node.Size), looked, garbage.Exists(node => node.Modified >= looked));
    }

    private List<Node> Garbage(BucketMap map)
    {
        var now = Now;
        var live = Mark.From(Mark.Roots(map, Options, now));
        return [.. map.Nodes.Where(node => !live.Contains(node) && node.Modified < now - _options.Grace)];
    }

    private async Task<CollectReport> ForecastAsync(LinkMemory memory, CancellationToken cancel)
    {
        var map = await ReadAsync(memory, cancel);
        foreach (var node in Garbage(map))
        {
            Count(Words.Of(node), new(1, node.Size));
            _keys.Add(node.Key);
        }
        foreach (var (what, freed) in await new Leftovers(_bucket, memory, Options, Now).FindAsync(map, cancel))
            Count(what, freed);
        return Report(map);
    }

    private CollectReport Report(BucketMap map) => new()
    {
        Rounds = _rounds,
        Freed = _freed,
        Keys = _keys,
        Kept = new(map.Nodes.Count + map.Own.Count, map.Bytes),
        Foreign = new(map.Foreign.Objects, map.Foreign.Bytes),
        Warnings = [.. _warnings.Concat(map.Warnings).Distinct()],
    };

    private void Count(string what, Freed freed) => _freed[what] = _freed.GetValueOrDefault(what, new(0, 0)) + freed;

    private async Task<bool> KeepsConditionsAsync(CancellationToken cancel) =>
        (_bucket.Settings.Conditions ?? await StoreConditions.ProbeAsync(_bucket.Store, cancel)) == WriteConditions.Both;

    // A bucket says that it is collected before anything is condemned, so that whoever writes knows.
    private async Task<CollectPace> PrepareAsync(CancellationToken cancel)
    {
        // Somebody may have collected it since its settings were read.
        if (_bucket.Settings.Collect is null)
            _bucket = await _bucket.RefreshAsync(cancel);
        if (_bucket.Settings.Collect is null)
        {
            var conditions = _bucket.Settings.Conditions ?? await StoreConditions.ProbeAsync(_bucket.Store, cancel);
            var wait = _options.Alone ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Max(UnfencedLife.Ticks, _options.Grace.Ticks));
            await (_bucket.Settings with { Conditions = conditions, Collect = new(_options.Pace, Now + wait) }).WriteAsync(_bucket.Store, cancel);
            _bucket = await _bucket.RefreshAsync(cancel);
        }
        var pace = _bucket.Settings.Collect ?? throw new PailException(Failure.Conflict, $"{_bucket.Name}: its settings were changed by somebody else at the same time. Try again.");
        var left = pace.From - Now;
        if (left > TimeSpan.Zero && !_options.Alone)
        {
            _say($"this bucket was not collected before: waits {(int)Math.Ceiling(left.TotalMinutes)} minutes for those who write to it and don't know yet (--alone if there are none)");
            await Task.Delay(left, Time, cancel);
        }
        return pace;
    }

    private async Task RefuseOthersAsync(CancellationToken cancel)
    {
        foreach (var prefix in new[] { "chunks/", "recipes/", "indexes/" })
            if (_bucket.SharesBlobs && (await _bucket.Store.ListAsync(new ListQuery(prefix, Limit: 1), cancel)).Objects.Count > 0)
                throw new PailException(Failure.BadInput, $"{_bucket.Name}: s3lo keeps chunks of layers here ('{prefix}'), which Pail does not know to be needed. Collect it with s3lo.");
    }
}
