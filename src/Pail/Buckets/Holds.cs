using System.Buffers;
using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>
/// Which repositories hold a blob or manifest of a bucket whose repositories share them: an empty object <c>pail/holds/REPO/DIGEST</c>
/// for each. Written and asked for where access rules are on or the settings say so (<see cref="Bucket.KeepsHolds"/>), and nowhere else. Where a blob's key
/// names its repository, being there is the proof.
/// </summary>
/// <param name="bucket">The bucket.</param>
internal sealed class Holds(Bucket bucket)
{
    /// <summary>What their keys begin with.</summary>
    public const string Prefix = "pail/holds/";

    private const int AtOnce = 8;

    private static readonly ObjectHeaders Headers = new(MediaTypes.OctetStream, "no-cache");

    /// <summary>Where the object is that says so.</summary>
    public static string KeyOf(RepositoryName repository, Digest digest) => $"{Prefix}{repository}/{digest}";

    /// <summary>Which repository and digest a key is about; null if it is no such key.</summary>
    public static (RepositoryName Repository, Digest Digest)? Read(string key) =>
        key.StartsWith(Prefix, StringComparison.Ordinal) && key.LastIndexOf('/') is var slash && slash > Prefix.Length
        && RepositoryName.TryParse(key[Prefix.Length..slash], out var name) && Digest.TryParse(key[(slash + 1)..], out var digest)
            ? (name, digest)
            : null;

    /// <summary>True if the repository holds it. One HEAD.</summary>
    public async Task<bool> ContainsAsync(RepositoryName repository, Digest digest, CancellationToken cancel = default) =>
        await bucket.Store.HeadAsync(KeyOf(repository, digest), cancel) is not null;

    /// <summary>Says that the repository holds it from now on. One PUT.</summary>
    public async Task AddAsync(RepositoryName repository, Digest digest, CancellationToken cancel = default) =>
        await bucket.Store.PutAsync(KeyOf(repository, digest), ReadOnlySequence<byte>.Empty, Headers, PutCondition.None, cancel);

    /// <summary>Says so as part of a write through a fence. One PUT.</summary>
    public static Task AddAsync(IWriteFence fence, RepositoryName repository, Digest digest, CancellationToken cancel) =>
        fence.PutAsync(KeyOf(repository, digest), ReadOnlySequence<byte>.Empty, Headers, PutCondition.None, cancel);

    /// <summary>
    /// Says that a repository holds an image that is there, with all its parts: for tags that are made of what the repository need not hold yet. No request in a bucket
    /// without holds; else one HEAD and, if the image is not held or <paramref name="anyway"/>, one GET for each manifest and one PUT for each part.
    /// </summary>
    public async Task AddImageAsync(Repository repository, Digest root, bool anyway, CancellationToken cancel = default)
    {
        if (!bucket.KeepsHolds || (!anyway && await ContainsAsync(repository.Name, root, cancel)))
            return;
        var parts = await PartsAsync(repository, Reference.Of(root), cancel);
        // The image last: what is held is held whole.
        await Concurrently.ForEachAsync(parts.Where(part => part != root).ToList(), AtOnce, part => AddAsync(repository.Name, part, cancel));
        await AddAsync(repository.Name, root, cancel);
    }

    /// <summary>Says that the repository does not hold it any more. One DELETE.</summary>
    public Task RemoveAsync(RepositoryName repository, Digest digest, CancellationToken cancel = default) =>
        bucket.Store.DeleteAsync(KeyOf(repository, digest), cancel);

    /// <summary>
    /// Writes what is missing for all that the tags of the bucket name, with their parts and what refers to them, and makes the settings say that pushes write it
    /// from now on. One LIST for each 1,000 objects and holds, one GET for each manifest, and one PUT for each hold that is missing; the first time a LIST for each 1,000 objects more,
    /// to find what was pushed meanwhile, and one GET and one PUT for the settings. Pushes that began before may be left out.
    /// </summary>
    /// <returns>How many were written, and the tags and referrers that are damaged, whose parts got none.</returns>
    public async Task<(int Written, IReadOnlyList<string> Damaged)> PrepareAsync(CancellationToken cancel = default)
    {
        if (!bucket.SharesBlobs)
            return (0, []);
        var held = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var entry in bucket.Store.ListObjectsAsync(new ListQuery(Prefix), cancel))
            held.Add(entry.Key);
        var (seen, damaged) = (new HashSet<(string, string)>(), new SortedSet<string>(StringComparer.Ordinal));
        var written = await PrepareAsync(held, seen, damaged, cancel);
        if (!bucket.Settings.Holds)
        {
            // After the first look: where nobody goes by rules yet, nothing that is there becomes unreadable meanwhile.
            await BucketSettings.WriteHoldsAsync(bucket, cancel);
            written += await PrepareAsync(held, seen, damaged, cancel);
        }
        return (written, [.. damaged]);
    }

    private async Task<int> PrepareAsync(HashSet<string> held, HashSet<(string, string)> seen, SortedSet<string> damaged, CancellationToken cancel)
    {
        var written = 0;
        await foreach (var item in bucket.ListItemsAsync(cancel))
        {
            if (item.Meaning is not { Repository: { } name, Kind: KeyKind.Tag or KeyKind.Referrers } meaning || !seen.Add((item.Entry.Key, item.Entry.ETag)))
                continue;
            var repository = bucket.Repository(name);
            var roots = meaning.Tag is { } tag ? [Reference.Parse(tag)] : (await repository.Referrers.ListAsync(meaning.Digest!.Value, cancel)).Select(entry => Reference.Of(entry.Digest));
            foreach (var root in roots)
                try
                {
                    foreach (var digest in await PartsAsync(repository, root, cancel))
                        if (held.Add(KeyOf(name, digest)))
                        {
                            await AddAsync(name, digest, cancel);
                            written++;
                        }
                }
                catch (PailException e) when (e.Failure == Failure.BadContent)
                {
                    damaged.Add($"{name}{(root.Tag is null ? "@" : ":")}{root}");
                }
        }
        return written;
    }

    // A manifest and all that a push of it had to find, with what those name that are manifests. Children that are not there are passed over. What an index may
    // name without proof proves nothing.
    private static async Task<HashSet<Digest>> PartsAsync(Repository repository, Reference root, CancellationToken cancel)
    {
        var (parts, open) = (new HashSet<Digest>(), new Stack<Reference>([root]));
        while (open.TryPop(out var reference))
        {
            if (await repository.Manifests.GetAsync(reference, cancel) is not { } manifest || !parts.Add(manifest.Digest))
                continue;
            parts.UnionWith(manifest.Blobs.Where(blob => !manifest.IsIndex || MediaTypes.IsLayer(blob.MediaType)).Select(blob => blob.Digest));
            foreach (var child in manifest.Children.Where(child => child.Urls.Count == 0 && !parts.Contains(child.Digest)))
                open.Push(Reference.Of(child.Digest));
        }
        return parts;
    }
}
