using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Oci;

namespace Pail.Removal;

/// <summary>A tag or manifest that is to be removed.</summary>
/// <param name="Repository">Where it is.</param>
/// <param name="Reference">The tag, or the digest.</param>
/// <param name="ETag">The version that is meant: what is pushed there afterwards stays.</param>
internal sealed record PlannedRemoval(RepositoryName Repository, Reference Reference, string ETag)
{
    /// <summary>Its object, where it was read already.</summary>
    public SmallObject? Found { get; init; }

    /// <summary>Its place among what names what, where that was read.</summary>
    public Node? Node { get; init; }

    /// <summary>As in an address.</summary>
    public override string ToString() => $"{Repository}{(Reference.Digest is null ? ":" : "@")}{Reference}";
}

/// <summary>What removal would do. Nothing of it is done.</summary>
internal sealed record RemovalPlan
{
    /// <summary>The tags.</summary>
    public List<PlannedRemoval> Tags { get; } = [];

    /// <summary>The manifests by digest.</summary>
    public List<PlannedRemoval> Manifests { get; } = [];

    /// <summary>Lists of referrers that go with whole repositories.</summary>
    public List<string> Lists { get; } = [];

    /// <summary>Repositories that go whole.</summary>
    public List<RepositoryName> Repositories { get; } = [];

    /// <summary>What is not removed though it could be meant, each with the reason.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>What can't be read, so that what it needs is not known.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>What was named by itself and is not there: then nothing is removed.</summary>
    public List<string> Missing { get; } = [];

    /// <summary>True if more goes than the tags that were named one by one.</summary>
    public bool NeedsConsent { get; set; }

    /// <summary>The tags there were, by key and version, where manifests are to be removed: one that is none of them was pushed meanwhile.</summary>
    public HashSet<(string Key, string ETag)> Seen { get; } = [];

    /// <summary>Takes note of the tags there are.</summary>
    public void See(BucketMap map) => Seen.UnionWith(map.Nodes.Where(node => node.Kind == KeyKind.Tag).Select(node => (node.Key, EtagOf(node))));

    /// <summary>The version of a tag's object.</summary>
    public static string EtagOf(Node tag) => tag.Version.Split('\n')[1];

    /// <summary>True if nothing is to be removed.</summary>
    public bool IsEmpty => Tags.Count == 0 && Manifests.Count == 0 && Lists.Count == 0;
}

/// <summary>What removal did.</summary>
/// <param name="Removed">What is gone, as in addresses.</param>
/// <param name="Kept">What was pushed again meanwhile, and stays.</param>
/// <param name="Failed">What the store did not remove, and why.</param>
internal sealed record RemovalReport(IReadOnlyList<string> Removed, IReadOnlyList<string> Kept, IReadOnlyList<(string What, PailException Why)> Failed)
{
    /// <summary>How many names were dropped from static lists that were there no more.</summary>
    public int Mended { get; init; }
}
