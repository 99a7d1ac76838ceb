using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Pulls;
using Pail.Retention;

namespace Pail.Collect;

/// <summary>What becomes of the tags of a repository.</summary>
internal sealed record RepositoryVerdicts(RepositoryName Repository, IReadOnlyList<TagVerdict> Tags);

/// <summary>
/// Judges the tags that a collection finds in a bucket. No request: times, sizes and digests are those of the collection's own listing. Tags that belong to a
/// manifest, such as signatures, are not judged: they come and go with it.
/// </summary>
/// <param name="bucket">The bucket.</param>
/// <param name="policy">Its policy.</param>
/// <param name="inUse">Lists of what runs.</param>
/// <param name="pulls">When what was pulled; null if no rule asks for it.</param>
/// <param name="now">The time by the store's clock.</param>
internal sealed class TagRetention(Bucket bucket, RetentionPolicy policy, IReadOnlyList<InUseList> inUse, PullHistory? pulls, DateTimeOffset now)
{
    /// <summary>Judges all tags; repositories in the order of their names.</summary>
    public IReadOnlyList<RepositoryVerdicts> Judge(BucketMap map) =>
    [
        .. map.Nodes.Where(node => node is { Kind: KeyKind.Tag, IsDependent: false, Names: not null })
            .GroupBy(node => node.Repository!.Value)
            .OrderBy(tags => tags.Key.ToString(), StringComparer.Ordinal)
            .Select(tags => new RepositoryVerdicts(tags.Key, policy.Evaluate(FactsOf(tags.Key, tags), now))),
    ];

    /// <summary>The tags that are dropped now: those that the rules drop, if they are older than this.</summary>
    public IReadOnlySet<Node> DropsOf(BucketMap map, TimeSpan grace) => Judge(map)
        .SelectMany(repository => repository.Tags.Where(verdict => verdict.Fate == TagFate.Dropped).Select(verdict => NodeOf(map, repository.Repository, verdict)))
        .Where(node => node.Modified < now - grace).ToHashSet();

    /// <summary>The object of a tag that was judged.</summary>
    public Node NodeOf(BucketMap map, RepositoryName repository, TagVerdict verdict) => map.Find(bucket.Layout.ManifestKey(repository, Reference.Parse(verdict.Facts.Tag)))!;

    private RepositoryFacts FactsOf(RepositoryName repository, IEnumerable<Node> tags) => new(repository, [.. tags.Select(node => FactsOf(repository, node))])
    {
        PullsSince = pulls?.Since,
        InUseKnown = inUse.Count > 0,
    };

    private TagFacts FactsOf(RepositoryName repository, Node node)
    {
        var (tag, digest) = (bucket.Layout.Read(node.Key).Tag!, node.Names!.Value);
        var parts = PartsOf(node);
        return new(tag, digest, node.Modified, parts.Sum(part => part.Size))
        {
            Pulled = pulls?.LastPull(repository, tag, digest),
            InUse = inUse.Any(list => list.Uses(repository, tag, parts.Select(part => bucket.Layout.Read(part.Key).Digest).OfType<Digest>().Append(digest))),
        };
    }

    // The image alone: without what refers to it, and without what the tag named before.
    private static HashSet<Node> PartsOf(Node tag)
    {
        var parts = new HashSet<Node>();
        var open = new Stack<Node>([tag]);
        while (open.TryPop(out var node))
            if (parts.Add(node))
                foreach (var part in node.Parts)
                    open.Push(part);
        return parts;
    }
}
