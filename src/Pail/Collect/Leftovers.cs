using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Stores;

namespace Pail.Collect;

/// <summary>
/// What no image needs and nobody waits for: what dead uploads left, pointers of the layer memory that lead nowhere, markers of rounds that have ended.
/// Needs no round: to lose a pointer that is written anew at the same moment costs time, never data.
/// </summary>
/// <param name="bucket">The bucket.</param>
/// <param name="memory">Remembers where pointers lead.</param>
/// <param name="options">How old what is left must be.</param>
/// <param name="now">The time by the store's clock.</param>
internal sealed class Leftovers(Bucket bucket, LinkMemory memory, CollectOptions options, DateTimeOffset now)
{
    // Blobs are also written by clients with no server between, and one of 5 TiB takes days.
    private static readonly TimeSpan LongestPush = TimeSpan.FromDays(7);

    /// <summary>Finds what is left. One GET for each pointer that is not remembered.</summary>
    public async Task<IReadOnlyList<(string What, Freed Freed)>> FindAsync(BucketMap map, CancellationToken cancel)
    {
        var pointers = await PointersAsync(map, cancel);
        var staged = map.Own.Where(item => item.Meaning.Kind == KeyKind.Staging && item.Entry.Modified < now - options.UploadsAfter).ToList();
        var pending = (await bucket.Staging.PendingAsync(now - options.UploadsAfter, now - LongestPush, cancel)).Count;
        return [(Words.Pointers, Sum(pointers)), (Words.Uploads, Sum(staged) + new Freed(pending, 0))];
    }

    /// <summary>Removes it.</summary>
    public async Task<IReadOnlyList<(string What, Freed Freed)>> RemoveAsync(BucketMap map, CancellationToken cancel)
    {
        var found = await FindAsync(map, cancel);
        var (register, _) = await CollectState.ReadAsync(bucket.Store, cancel);
        var markers = map.Own.Where(item => CollectKeys.RoundOf(item.Entry.Key) <= register.Ended);
        var keys = (await PointersAsync(map, cancel)).Concat(markers).Select(item => item.Entry.Key).ToList();
        using (var writes = new OpenFences(bucket.Store, null))
            await Concurrently.ForEachAsync(keys, options.AtOnce, key => writes.DeleteAsync([key], cancel));
        await bucket.Staging.SweepAsync(now - options.UploadsAfter, now - LongestPush, cancel);
        return found;
    }

    private static Freed Sum(IEnumerable<BucketItem> items) => items.Aggregate(new Freed(0, 0), (sum, item) => sum + new Freed(1, item.Entry.Size));

    private async Task<List<BucketItem>> PointersAsync(BucketMap map, CancellationToken cancel)
    {
        var blobs = map.Nodes.Where(node => node.Kind == KeyKind.Blob).Select(node => bucket.Layout.Read(node.Key).Digest!.Value).ToHashSet();
        var nowhere = new List<BucketItem>();
        await Concurrently.ForEachAsync(map.Own.Where(item => item.Meaning.Kind == KeyKind.Memory && item.Entry.Modified < now - options.Grace).ToList(), options.AtOnce, async item =>
        {
            var version = $"{item.Entry.Key}\n{item.Entry.ETag}";
            var leads = memory.Find(version);
            if (leads is null)
            {
                leads = await bucket.Memory.ReadAsync(item.Entry.Key, cancel) is { } known ? [new(LinkKind.Any, known.Blob.Digest)] : [];
                memory.Remember(version, leads);
            }
            if (!leads.Any(link => blobs.Contains(link.Digest)))
                lock (nowhere)
                    nowhere.Add(item);
        });
        return nowhere;
    }
}
