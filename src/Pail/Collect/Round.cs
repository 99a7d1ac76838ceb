using System.Text.Json;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Collect;

/// <summary>One round of a collection, from the list of what is condemned to the end of its removal. docs/gc.md has the steps and what each is for.</summary>
/// <param name="bucket">The bucket.</param>
/// <param name="register">Its register.</param>
/// <param name="memory">What manifests name.</param>
/// <param name="options">What is garbage.</param>
/// <param name="pace">How long the steps take.</param>
internal sealed class Round(Bucket bucket, Register register, LinkMemory memory, CollectOptions options, CollectPace pace)
{
    // Who dropped a tag.
    private const string Retention = "retention";

    private readonly List<Node> _removed = [];
    private readonly List<string> _warnings = [];
    private readonly Dictionary<Node, string> _keptTags = [];
    private bool _unsure;

    /// <summary>What was removed, as the store said.</summary>
    public IReadOnlyList<Node> Removed => _removed;

    /// <summary>What could not be removed.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    private IFencedWrites Fences => bucket.Store.Abilities.Fences!;

    private SafetySteps Steps => bucket.Steps;

    /// <summary>Goes on from a register that says condemned, after all who looked before have written.</summary>
    /// <returns>False if another collector went on before.</returns>
    public async Task<bool> FinishAsync(CancellationToken cancel)
    {
        var condemned = (register.State, Time: register.Info!.Modified);
        var (map, plan) = await PlanAsync(condemned.State, condemned.Time, cancel);
        await KeepTagsAsync(plan, cancel);
        var early = Steps.MarkersAfterDeleting ? null : await MarkersAsync(condemned.State.Round, cancel);
        // Opened before the register says so: no removal is accepted that comes later than writers believe.
        using var fence = await OpenAsync(pace.View, cancel);
        if (!await register.TryWriteAsync(condemned.State with { Phase = CollectPhase.Deleting, Keys = KeySet.Of(plan.Select(node => node.Key)) }, cancel))
            return false;
        var needed = early ?? await MarkersAsync(condemned.State.Round, cancel);
        await RemoveAsync(plan.Except(Spared(map, needed)).ToList(), fence, cancel);
        fence.Dispose();
        await ForgetTagsAsync(cancel);
        return await EndAsync(cancel);
    }

    /// <summary>A round where the store keeps no conditions: nothing is written between the condemnation and the removal, and whoever needs what is listed waits.</summary>
    /// <param name="sweeping">What the register has to say.</param>
    /// <param name="cancel">Ends it; another collector goes on.</param>
    /// <returns>False if another collector wrote at the same time.</returns>
    public async Task<bool> SweepAsync(CollectState sweeping, CancellationToken cancel)
    {
        using var fence = await OpenAsync(pace.Condemned + pace.View, cancel);
        if (!await EnterAsync(sweeping, cancel))
            return false;
        var (mine, time) = (register.State, register.Info!.Modified);
        if (Steps.CondemnedWait)
            await Task.Delay(pace.Condemned, bucket.Engine.Retry.Time, cancel);
        if (Steps.ReadBack)
            await register.ReadAsync(cancel);
        if ((register.State.Phase, register.State.Round, register.State.By) != (mine.Phase, mine.Round, mine.By))
            return false;
        var (_, plan) = await PlanAsync(mine, time, cancel);
        await KeepTagsAsync(plan, cancel);
        await RemoveAsync(plan, fence, cancel);
        await ForgetTagsAsync(cancel);
        if (_unsure && Steps.ClearWait)
            return true;
        // Refused once the fence is over: others take the round for ended then, and may have begun the next.
        await fence.PutAsync(CollectState.Key, new(mine.End().ToBytes()), V2Layout.ListHeaders, PutCondition.None, cancel);
        return true;
    }

    // Refused if it comes so late that another collector, which saw the register as it is now, may have waited and begun to remove: its list must not be written over.
    private async Task<bool> EnterAsync(CollectState sweeping, CancellationToken cancel)
    {
        using var fence = Steps.FencedSweep ? await Fences.OpenFenceAsync(pace.View, cancel) : new OpenFences(bucket.Store, Fences);
        var seen = register.Info?.ETag;
        await register.ReadAsync(cancel);
        try
        {
            return register.Info?.ETag == seen && await register.TryWriteAsync(sweeping, cancel, fence);
        }
        catch (StoreException e) when (e.Error == StoreError.FenceExpired)
        {
            return false;
        }
    }

    // Marks again: from all tags, and from every manifest that is not condemned, or was written since: that stays with all its parts.
    private async Task<(BucketMap Map, List<Node> Plan)> PlanAsync(CollectState condemned, DateTimeOffset since, CancellationToken cancel)
    {
        var map = await BucketMap.ReadAsync(bucket, memory, options, cancel);
        var before = Steps.SinceLook && condemned.Looked < since ? condemned.Looked.Value : since;
        var listed = map.Nodes.Where(node => condemned.Keys.Contains(node.Key) && (node.Modified < before || !Steps.YoungStays)).ToHashSet();
        var live = Steps.SecondMark ? Mark.From(Mark.RootsBeside(map, bucket, options, listed.Contains)) : [];
        return (map, [.. listed.Where(node => !live.Contains(node))]);
    }

    // Before a tag is removed: so that it can be brought back. Tags that belong to a manifest come and go with it.
    private Task KeepTagsAsync(List<Node> plan, CancellationToken cancel) => options.HistoryKeep <= TimeSpan.Zero
        ? Task.CompletedTask
        : Concurrently.ForEachAsync(plan.Where(node => node is { Kind: KeyKind.Tag, IsDependent: false }).ToList(), options.AtOnce, async node =>
        {
            if (bucket.Layout.Read(node.Key) is { Repository: { } repository, Tag: { } tag } && await RemovedEntry.KeepDroppedAsync(bucket.Repository(repository).For(Retention), tag, cancel) is { } key)
                lock (_keptTags)
                    _keptTags[node] = key;
        });

    // What was kept of tags that stay. Where it is not known whether a tag is gone, it is not forgotten.
    private Task ForgetTagsAsync(CancellationToken cancel) => _unsure
        ? Task.CompletedTask
        : Concurrently.ForEachAsync(_keptTags.Keys.Except(_removed).Select(node => _keptTags[node]).ToList(), options.AtOnce, key => bucket.Store.DeleteAsync(key, cancel));

    private async Task<IWriteFence> OpenAsync(TimeSpan life, CancellationToken cancel) =>
        Steps.FencedDelete ? await Fences.OpenFenceAsync(life, cancel) : new OpenFences(bucket.Store, Fences);

    private async Task<HashSet<string>> MarkersAsync(long round, CancellationToken cancel)
    {
        var needed = new HashSet<string>();
        await foreach (var entry in bucket.Store.ListObjectsAsync(new ListQuery(CollectKeys.MarkersOf(round)), cancel))
            if (CollectKeys.RoundOf(entry.Key) == round && await SmallObject.ReadAsync(bucket.Store, entry.Key, Manifest.MaxSize, cancel) is { } found)
                needed.UnionWith(JsonSerializer.Deserialize(found.Bytes.Span, CollectJson.Default.MarkerFile)?.Keys ?? throw new PailException(Failure.BadContent, $"{bucket.Name}: {entry.Key} is damaged; nothing is removed."));
        return needed;
    }

    private HashSet<Node> Spared(BucketMap map, HashSet<string> needed)
    {
        var nodes = needed.Select(map.Find).OfType<Node>().ToList();
        if (!Steps.PartsOfMarked)
            return [.. nodes];
        return Steps.TargetOfMarkedTag ? Mark.From(nodes) : [.. Mark.From(nodes.Where(node => node.Kind != KeyKind.Tag)), .. nodes];
    }

    private async Task RemoveAsync(List<Node> plan, IWriteFence fence, CancellationToken cancel)
    {
        var kept = new HashSet<Node>();
        try
        {
            foreach (var level in Steps.ParentsFirst ? Mark.Levels(plan) : [plan])
                await Concurrently.ForEachAsync(level.Where(node => !kept.Contains(node) && !(node.Kind == KeyKind.Removed && node.Parts.Any(kept.Contains))).Chunk(1000).ToList(), Steps.ParentsFirst ? options.AtOnce : 1, nodes => RemoveAsync(nodes, fence, kept, cancel));
        }
        catch (StoreException e)
        {
            // Out of time, or out of reach: the next round removes the rest. Whether the last requests took effect is not known.
            _unsure = true;
            if (e.Error != StoreError.FenceExpired)
                _warnings.Add(e.Message);
        }
        _unsure |= fence is RetryingFences.Fence { AskedAgain: true };
    }

    private async Task RemoveAsync(Node[] nodes, IWriteFence fence, HashSet<Node> kept, CancellationToken cancel)
    {
        var failed = (await fence.DeleteAsync([.. nodes.Select(node => node.Key)], cancel)).ToDictionary(item => item.Key, item => item.Error);
        lock (_removed)
            foreach (var node in nodes)
            {
                if (!failed.TryGetValue(node.Key, out var error))
                {
                    _removed.Add(node);
                    continue;
                }
                // Its parts stay with it.
                kept.UnionWith(Mark.From([node]));
                _warnings.Add(error.Message);
                _unsure |= error.IsTransient;
            }
        if (bucket.Settings.Public)
            foreach (var node in nodes.Where(node => node.Kind == KeyKind.Tag && !failed.ContainsKey(node.Key)))
                if (bucket.Layout.Read(node.Key) is { Repository: { } repository, Tag: { } tag })
                    await bucket.Lists.ConfirmTagAsync(repository, tag, expected: false, cancel);
    }

    private async Task<bool> EndAsync(CancellationToken cancel)
    {
        if (_unsure && Steps.ClearWait)
            await Fences.SettleAsync(pace.Deleting, cancel);
        return await register.TryWriteAsync(register.State.End(), cancel);
    }
}
