using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Cli.Commands;

/// <summary>A bucket, or a repository of one, that is published by itself.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="Repository">The repository; null for all.</param>
internal sealed record PublicPart(Bucket Bucket, RepositoryName? Repository)
{
    private static readonly string[] Kinds = ["manifests/", "blobs/sha", "referrers/sha"];

    /// <summary>What the statement of the policy is named after.</summary>
    public string Scope => Repository is { } name ? Bucket.Layout.OwnPrefix(name) : Bucket.Layout.Prefixes[0];

    /// <summary>The keys that are opened: of a repository those of its objects alone, not those of repositories whose names go on after a slash.</summary>
    // RGW takes no colon in a pattern, and patterns cross slashes: CheckAsync sees to it that no repository is called so.
    public IReadOnlyList<string> Patterns => Repository is { } name
        ? [V2Layout.RootKey, V2Layout.TagListKey(name), .. Kinds.Select(kind => $"{Scope}{kind}*")]
        : [.. Bucket.Layout.Prefixes.Select(prefix => prefix + "*")];

    /// <summary>Checks that this part can be opened without others. Three LISTs for a repository.</summary>
    /// <exception cref="PailException">It can't.</exception>
    public async Task CheckAsync(CancellationToken cancel)
    {
        if (Repository is not { } name)
            return;
        if (Bucket.SharesBlobs)
            throw new PailException(Failure.BadInput, $"{Bucket.Name} is a pool, whose repositories share their blobs: it can be published as a whole only. 'pail copy' takes a repository to a bucket of layout v2.");
        foreach (var kind in Kinds)
            if ((await Bucket.Store.ListAsync(new ListQuery(Scope + kind, "/"), cancel)).Prefixes is [var other, ..])
                throw new PailException(Failure.Conflict, $"{Bucket.Name} has repositories below {SafeText.OneLine(other)}, which a policy can't tell from the objects of {name}.");
    }
}
