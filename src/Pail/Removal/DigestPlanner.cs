using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Oci;

namespace Pail.Removal;

/// <summary>Finds what goes with manifests that are removed by digest, what needs them, and what is left over.</summary>
/// <param name="bucket">The bucket.</param>
/// <param name="memory">What manifests name.</param>
/// <param name="plan">The plan.</param>
/// <param name="add">Adds to it what is old enough.</param>
/// <param name="before">Only what was written before this; null for all.</param>
internal sealed class DigestPlanner(Bucket bucket, LinkMemory memory, RemovalPlan plan, Action<PlannedRemoval, DateTimeOffset> add, DateTimeOffset? before)
{
    private const int MostNamed = 3;

    /// <summary>Adds manifests of a repository, with the tags that name them.</summary>
    /// <exception cref="PailException">One is a part of what stays (<see cref="Failure.Conflict"/>).</exception>
    public async Task PlanAsync(RepositoryName repository, IReadOnlyList<Digest> digests, CancellationToken cancel)
    {
        var map = await BucketMap.ReadAsync(bucket, memory, new CollectOptions(), cancel, bucket.Layout.OwnPrefix(repository));
        plan.See(map);
        plan.Warnings.AddRange(map.Warnings);
        plan.NeedsConsent |= plan.Warnings.Count > 0;
        var going = new HashSet<Node>(plan.Tags.Concat(plan.Manifests).Select(item => map.Find(bucket.Layout.ManifestKey(item.Repository, item.Reference))).OfType<Node>());
        List<(Digest Digest, Node Node)> wanted = [];
        foreach (var digest in digests)
        {
            var node = map.Find(bucket.Layout.ManifestKey(repository, Reference.Of(digest)));
            if (node is null || node.IsBlob || (bucket.SharesBlobs && !node.IsManifest))
            {
                plan.Missing.Add($"{repository}@{digest}: no such manifest.");
                continue;
            }
            if (before is { } time && node.Modified >= time)
            {
                plan.Notes.Add($"{repository}@{digest} stays: it was written after {TagRollback.Written(time)}");
                continue;
            }
            await ImmutableImages.RequireUnneededAsync(bucket.Repository(repository), digest, cancel);
            wanted.Add((digest, node));
            going.Add(node);
            foreach (var tag in map.Nodes.Where(other => other.Kind == KeyKind.Tag && other.Repository == repository && DigestOf(other) == digest))
            {
                going.Add(tag);
                add(new(repository, Reference.Parse(bucket.Layout.Read(tag.Key).Tag), RemovalPlan.EtagOf(tag)) { Node = tag }, tag.Modified);
                plan.NeedsConsent = true;
            }
        }
        foreach (var (digest, node) in wanted)
        {
            if (NeededBy(map, node, going) is { Count: > 0 } needers)
            {
                if (!bucket.SharesBlobs || needers.Any(needer => needer.Repository == repository || needer.Repository is null))
                    throw new PailException(Failure.Conflict, $"{bucket.Name}, {repository}@{digest} stays, and nothing is removed: {Names(needers)} {(needers.Count == 1 ? "needs" : "need")} it.");
                plan.Notes.Add($"{digest} stays, for {Names(needers)} {(needers.Count == 1 ? "needs" : "need")} it");
                continue;
            }
            add(new(repository, Reference.Of(digest), "") { Node = node }, node.Modified);
            foreach (var child in node.Parts.Where(part => part.IsManifest && !going.Contains(part)).Distinct())
                plan.Notes.Add(NeededBy(map, child, going) is { Count: > 0 } others
                    ? $"{NameOf(child)}, a part of it, stays: {Names(others)} {(others.Count == 1 ? "needs" : "need")} it"
                    : $"{NameOf(child)}, a part of it, stays, though nothing else names it: 'pail gc --untagged-after' removes it");
            foreach (var referrer in map.Nodes.Where(other => !going.Contains(other) && RefersTo(other, digest)))
                plan.Notes.Add($"{NameOf(referrer)}, which refers to it, stays");
        }
    }

    // A tag's object is a copy of its manifest: where that needs the part as well, it alone is named.
    private List<Node> NeededBy(BucketMap map, Node part, HashSet<Node> going)
    {
        var needers = map.Nodes.Where(node => node.Kind is KeyKind.Tag or KeyKind.Manifest or KeyKind.Blob && !going.Contains(node) && node.Parts.Contains(part)).ToHashSet();
        return [.. needers.Where(node => node.Kind != KeyKind.Tag || DigestOf(node) is not { } digest || map.Find(bucket.Layout.ManifestKey(node.Repository!.Value, Reference.Of(digest))) is not { } own || !needers.Contains(own)).OrderBy(node => node.Key, StringComparer.Ordinal)];
    }

    // What a tag names comes first among what is remembered of it.
    private Digest? DigestOf(Node tag) => memory.Find(tag.Version) is [{ Kind: LinkKind.Manifest } named, ..] ? named.Digest : null;

    private bool RefersTo(Node node, Digest subject) => node.Kind switch
    {
        KeyKind.Tag => ReferringTag.SubjectOf(bucket.Layout.Read(node.Key).Tag!) == subject,
        KeyKind.Manifest or KeyKind.Blob => node.IsManifest && bucket.Layout.Read(node.Key).Digest is { } digest && memory.Find(digest.ToString())?.Any(link => link.Kind == LinkKind.Subject && link.Digest == subject) == true,
        _ => false,
    };

    private string NameOf(Node node) => bucket.Layout.Read(node.Key) switch
    {
        { Tag: { } tag, Repository: { } name } => $"{name}:{tag}",
        { Digest: { } digest } => digest.ToString(),
        _ => node.Key,
    };

    private string Names(List<Node> nodes) => string.Join(", ", nodes.Take(MostNamed).Select(NameOf)) + (nodes.Count > MostNamed ? $" and {nodes.Count - MostNamed} more" : "");
}
