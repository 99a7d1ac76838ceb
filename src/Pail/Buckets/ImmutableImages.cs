using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Oci;
using Pail.Retention;

namespace Pail.Buckets;

/// <summary>Keeps what immutable tags need from being removed.</summary>
internal static class ImmutableImages
{
    private const int AtOnce = 16;

    /// <summary>Refuses to move a tag that is immutable and names something else. No request.</summary>
    /// <param name="repository">The repository.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="rule">The entry by which it can't be moved; null if it can.</param>
    /// <param name="before">What it is.</param>
    /// <param name="manifest">What it is to name.</param>
    /// <exception cref="ImmutableTagException">It names something else.</exception>
    public static void RequireSame(Repository repository, string tag, ImmutableEntry? rule, TagState before, Manifest manifest)
    {
        if (rule is not null && before.Exists && before.Names?.Digest != manifest.Digest)
            throw Refuse(repository, $"{repository.Name}:{tag} is immutable ({rule}) and names {before.Names?.Digest.ToString() ?? "what can't be read"}: it can't be moved to {manifest.Digest}. Use another tag.");
    }

    /// <summary>Refuses to remove an immutable tag. No request where no tag is immutable.</summary>
    /// <exception cref="ImmutableTagException">It is immutable.</exception>
    public static async Task RequireMortalAsync(Repository repository, string tag, CancellationToken cancel)
    {
        if ((await repository.Bucket.ImmutableAsync(cancel)).FindLasting(repository.Name, tag) is { } rule)
            throw Refuse(repository, $"{repository.Name}:{tag} is immutable ({rule}) and is not removed.");
    }

    /// <summary>Refuses to remove a blob where there may be immutable tags: which of them need it is not looked for. No request where no tag is immutable.</summary>
    /// <exception cref="ImmutableTagException">The repository, or in a pool any, may have immutable tags.</exception>
    public static async Task RequireNoneAsync(Repository repository, Digest blob, CancellationToken cancel)
    {
        var immutable = await repository.Bucket.ImmutableAsync(cancel);
        if (repository.Bucket.SharesBlobs ? !immutable.IsEmpty : immutable.FindLasting(repository.Name) is not null)
            throw Refuse(repository, $"{repository.Name}@{blob} is not removed: single blobs are not where tags are immutable. 'pail gc' removes those that no image needs.");
    }

    /// <summary>Refuses to remove a manifest that an immutable tag names, or an index does that it names. No request where no tag of the repository is immutable; else a LIST for each 1,000 tags, and a GET for each immutable one and each manifest below an index; in a pool those of all repositories.</summary>
    /// <exception cref="ImmutableTagException">One does.</exception>
    public static async Task RequireUnneededAsync(Repository repository, Digest digest, CancellationToken cancel)
    {
        var (bucket, immutable) = (repository.Bucket, await repository.Bucket.ImmutableAsync(cancel));
        if (bucket.SharesBlobs ? immutable.IsEmpty : immutable.FindLasting(repository.Name) is null)
            return;
        var tags = new List<(Repository In, string Tag, ImmutableEntry Rule)>();
        await foreach (var (meaning, _) in bucket.ListItemsAsync(bucket.Layout.TagsQuery(bucket.SharesBlobs ? "" : $"{repository.Name}/"), cancel))
            if (meaning is { Kind: KeyKind.Tag, Repository: { } name, Tag: { } tag } && (bucket.SharesBlobs || name == repository.Name) && immutable.FindLasting(name, tag) is { } rule)
                tags.Add((name == repository.Name ? repository : bucket.Repository(name), tag, rule));
        await Concurrently.ForEachAsync(tags, AtOnce, async item =>
        {
            if (await item.In.Manifests.GetAsync(Reference.Parse(item.Tag), cancel) is { } root && (root.Digest == digest || await HoldsAsync(item.In, root, digest, cancel)))
                throw Refuse(repository, $"{repository.Name}@{digest} is not removed: {item.In.Name}:{item.Tag}, which is immutable ({item.Rule}), {(root.Digest == digest ? "names" : "needs")} it.");
        });
    }

    /// <summary>The error that tells why nothing was changed.</summary>
    public static ImmutableTagException Refuse(Repository repository, string reason) => new(Failure.Conflict, repository.Bucket.Name, reason);

    private static async Task<bool> HoldsAsync(Repository repository, Manifest root, Digest digest, CancellationToken cancel)
    {
        var graph = new ManifestGraph($"{repository.Bucket.Name}, {repository.Name}", async (child, token) =>
            await repository.Manifests.GetAsync(Reference.Of(child.Digest), token) ?? throw new PailException(Failure.NotFound, $"{repository.Bucket.Name}, {repository.Name}@{child.Digest}: an index names it, and it is not there."));
        // What is no index names no manifest: it is not read.
        await foreach (var entry in graph.EntriesAsync(root, child => MediaTypes.IsIndex(child.MediaType), cancel))
            if (entry.Descriptor.Digest == digest)
                return true;
        return false;
    }
}
