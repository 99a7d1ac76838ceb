using Pail.Buckets;
using Pail.Buckets.Layouts;

namespace Pail.Collect;

/// <summary>What of a bucket is needed: everything that can be reached from the roots.</summary>
internal static class Mark
{
    /// <summary>All that these lead to, themselves included: parts, and what is kept with them.</summary>
    public static HashSet<Node> From(IEnumerable<Node> roots)
    {
        var reached = new HashSet<Node>();
        var open = new Stack<Node>(roots);
        while (open.TryPop(out var node))
            if (reached.Add(node))
                foreach (var next in node.Parts.Concat(node.Keeps))
                    open.Push(next);
        return reached;
    }

    /// <summary>
    /// The roots of a first mark: tags that retention does not drop, what removed ones need to be brought back, manifests unless untagged ones are garbage by
    /// their age or are left of what was dropped, and all that a manifest which can't be read may name.
    /// </summary>
    /// <param name="map">The bucket.</param>
    /// <param name="options">What is garbage.</param>
    /// <param name="now">The time by the store's clock.</param>
    /// <param name="forGood">True to see what the end will be: as if what is dropped could not be brought back.</param>
    public static IEnumerable<Node> Roots(BucketMap map, CollectOptions options, DateTimeOffset now, bool forGood = false)
    {
        var drops = options.Drops?.Invoke(map) ?? new HashSet<Node>();
        var leaving = Leaving(map, drops, now);
        var roots = map.Nodes.Where(node => map.MayBeNamedUnread(node) || node.Kind switch
        {
            KeyKind.Tag => !node.IsDependent && !drops.Contains(node),
            KeyKind.Removed => node.Modified > now - options.HistoryKeep,
            _ => node.IsManifest && !leaving.Contains(node) && !(options.UntaggedAfter is { } age && node.Modified < now - age && node.Modified < now - options.Grace),
        });
        return forGood || options.HistoryKeep <= TimeSpan.Zero ? roots : roots.Concat(drops.SelectMany(tag => tag.Parts.Concat(tag.Keeps.Where(node => node.Kind != KeyKind.TagCompanion))));
    }

    /// <summary>The roots of a second mark: tags and manifests that are not condemned, and what can be brought back. An untagged manifest may be tagged by its digest at any moment.</summary>
    public static IEnumerable<Node> RootsBeside(BucketMap map, Bucket bucket, CollectOptions options, Func<Node, bool> isCondemned) => map.Nodes.Where(node => map.MayBeNamedUnread(node) || (!isCondemned(node) && node.Kind switch
    {
        KeyKind.Tag => !node.IsDependent,
        KeyKind.Removed => node.Modified > options.KeptSince,
        _ => node.IsManifest && bucket.Steps.SecondMarkFromAll,
    }));

    /// <summary>Groups what is removed so that each group can go when those before it are gone: whatever names an object goes before it.</summary>
    /// <remarks>What was kept of removed tags goes last: while it is there, the next collection finds what an interrupted one left of them.</remarks>
    public static IEnumerable<IReadOnlyList<Node>> Levels(IReadOnlyCollection<Node> garbage)
    {
        var named = garbage.Where(node => node.Kind != KeyKind.Removed).ToDictionary(node => node, _ => 0);
        foreach (var part in named.Keys.SelectMany(node => node.Parts).Where(named.ContainsKey).ToList())
            named[part]++;
        var level = named.Keys.Where(node => named[node] == 0).ToList();
        while (level.Count > 0)
        {
            yield return level;
            level = [.. level.SelectMany(node => node.Parts).Where(part => named.ContainsKey(part) && --named[part] == 0)];
        }
        if (garbage.Where(node => node.Kind == KeyKind.Removed).ToList() is { Count: > 0 } kept)
            yield return kept;
    }

    // Manifests that are there because of tags that retention dropped, with what hangs on them; not what was written since, and not what they refer to.
    private static HashSet<Node> Leaving(BucketMap map, IReadOnlySet<Node> drops, DateTimeOffset now)
    {
        var leaving = new HashSet<Node>();
        var dropped = map.Nodes.Where(node => node.Dropped is not null).Select(node => (Node: node, Time: node.Dropped!.Value));
        // The last to be dropped is looked at first.
        var open = new Stack<(Node Node, DateTimeOffset Time)>(dropped.OrderBy(pair => pair.Time).Concat(drops.SelectMany(tag => tag.Parts).Select(part => (part, now))));
        while (open.TryPop(out var at))
            if (at.Node.Modified <= at.Time && leaving.Add(at.Node))
                foreach (var next in at.Node.Parts.Concat(at.Node.Keeps).Where(next => next != at.Node.Subject))
                    open.Push((next, at.Time));
        return leaving;
    }
}
