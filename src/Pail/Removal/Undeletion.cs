using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Removal;

/// <summary>What can be brought back.</summary>
/// <param name="Repository">Where it was.</param>
/// <param name="Reference">Its tag or digest.</param>
/// <param name="Keys">What is kept of it, the newest first; none for what is condemned, and still there.</param>
internal sealed record Removed(RepositoryName Repository, Reference Reference, IReadOnlyList<string> Keys)
{
    /// <summary>When it was removed; null for what is condemned.</summary>
    public DateTimeOffset? Time => Keys is [var newest, ..] ? RemovedKey.TimeOf(newest) : null;

    /// <summary>As in an address.</summary>
    public override string ToString() => $"{Repository}{(Reference.Digest is null ? ":" : "@")}{Reference}";
}

/// <summary>Finds what was removed, or is condemned by a collection that has not come to it. Changes nothing.</summary>
internal static class Undeletion
{
    /// <summary>Finds what a pattern matches. One LIST for each 1,000 removed below its prefix, one GET; where a collection is at work, a LIST for each 1,000 objects that can match.</summary>
    public static async Task<IReadOnlyList<Removed>> FindAsync(Bucket bucket, ImagePattern images, CancellationToken cancel)
    {
        var found = await FindRemovedAsync(bucket, images, cancel);
        if (await bucket.PaceAsync(cancel) is not null && (await CollectState.ReadAsync(bucket.Store, cancel)).State.Keys is { Count: > 0 } condemned)
            await foreach (var item in FindCondemnedAsync(bucket, images, condemned, cancel))
                if (!found.Any(other => (other.Repository, other.Reference) == (item.Repository, item.Reference)))
                    found.Add(item);
        return found;
    }

    /// <summary>What is kept of a manifest that was removed; the newest first.</summary>
    public static async Task<IReadOnlyList<string>> KeysOfAsync(Bucket bucket, RepositoryName repository, Reference reference, CancellationToken cancel) =>
        await bucket.ListItemsAsync(new ListQuery($"{RemovedKey.PrefixOf(repository)}{reference}/"), cancel).Where(item => item.Meaning.Kind == KeyKind.Removed).Select(item => item.Entry.Key).Reverse().ToListAsync(cancel);

    private static async Task<List<Removed>> FindRemovedAsync(Bucket bucket, ImagePattern images, CancellationToken cancel)
    {
        List<Removed> found = [];
        List<string> keys = [];
        await foreach (var (_, entry) in bucket.ListItemsAsync(new ListQuery(RemovedKey.Prefix + images.Prefix), cancel))
            if (RemovedKey.Read(entry.Key) is var (name, reference) && images.Matches(name, reference))
                keys.Add(entry.Key);
        foreach (var same in keys.GroupBy(key => RemovedKey.Read(key)!.Value))
            found.Add(new(same.Key.Repository, same.Key.Reference, [.. same.OrderDescending(StringComparer.Ordinal)]));
        return found;
    }

    // A list of the register holds prints of keys: what may match is looked for in it.
    private static async IAsyncEnumerable<Removed> FindCondemnedAsync(Bucket bucket, ImagePattern images, KeySet condemned, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        if (images is { Digest: { } digest, Repository: { } repository })
        {
            var keys = new[] { bucket.Layout.ManifestKey(repository, Reference.Of(digest)), bucket.Layout.BlobKey(repository, digest) };
            if (keys.Any(condemned.Contains))
                yield return new(repository, Reference.Of(digest), []);
            yield break;
        }
        var prefix = bucket.Layout.TagsQuery(images.Prefix) with { Delimiter = null };
        await foreach (var (meaning, entry) in bucket.ListItemsAsync(prefix, cancel))
            if (meaning is { Kind: KeyKind.Tag or KeyKind.Manifest, Repository: { } name } && condemned.Contains(entry.Key)
                && (meaning.Digest is { } own ? Reference.Of(own) : Reference.Parse(meaning.Tag)) is var reference && images.Matches(name, reference))
                yield return new(name, reference, []);
    }
}
