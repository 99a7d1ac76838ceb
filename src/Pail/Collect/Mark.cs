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

    /// <summary>The roots of a first mark: tags that retention does not drop, manifests unless untagged ones are garbage by their age, and all that a manifest which can't be read may name.</summary>
    public static IEnumerable<Node> Roots(BucketMap map, Bucket bucket, CollectOptions options, DateTimeOffset now) => map.Nodes.Where(node => map.MayBeNamedUnread(node) || node.Kind switch
    {
        KeyKind.Tag => !node.IsDependent && !IsDropped(node, bucket, options),
        KeyKind.Removed => node.Modified > now - options.HistoryKeep,
        _ => node.IsManifest && !(options.UntaggedAfter is { } age && node.Modified < now - age && node.Modified < now - options.Grace),
    });

    /// <summary>The roots of a second mark: tags and manifests that are not condemned. An untagged manifest may be tagged by its digest at any moment.</summary>
    public static IEnumerable<Node> RootsBeside(BucketMap map, Bucket bucket, Func<Node, bool> isCondemned) => map.Nodes.Where(node => map.MayBeNamedUnread(node) || (!isCondemned(node) && node.Kind switch
    {
        KeyKind.Tag => !node.IsDependent,
        KeyKind.Removed => true,
        _ => node.IsManifest && bucket.Steps.SecondMarkFromAll,
    }));

    /// <summary>Groups what is removed so that each group can go when those before it are gone: whatever names an object goes before it.</summary>
    public static IEnumerable<IReadOnlyList<Node>> Levels(IReadOnlyCollection<Node> garbage)
    {
        var named = garbage.ToDictionary(node => node, _ => 0);
        foreach (var part in garbage.SelectMany(node => node.Parts).Where(named.ContainsKey))
            named[part]++;
        var level = garbage.Where(node => named[node] == 0).ToList();
        while (level.Count > 0)
        {
            yield return level;
            level = [.. level.SelectMany(node => node.Parts).Where(part => named.ContainsKey(part) && --named[part] == 0)];
        }
    }

    private static bool IsDropped(Node node, Bucket bucket, CollectOptions options) =>
        options.Drops.Count > 0 && bucket.Layout.Read(node.Key) is { Repository: { } repository, Tag: { } tag } && options.Drops.Contains((repository.ToString(), tag));
}
