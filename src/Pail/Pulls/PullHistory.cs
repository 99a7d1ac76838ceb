using Pail.Buckets;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Pulls;

/// <summary>The pull times that a bucket keeps, of all its writers.</summary>
internal sealed class PullHistory
{
    private const int AtOnce = 16;

    private readonly PullRecords _records = new();

    private PullHistory(DateTimeOffset? since) => Since = since;

    /// <summary>Since when pulls are recorded; null if none is.</summary>
    public DateTimeOffset? Since { get; }

    /// <summary>Reads what was recorded since then. One LIST for each 1,000 objects, and one GET for each object since then: one an hour and writer.</summary>
    /// <exception cref="PailException">An object can't be read: what it says is not taken for nothing.</exception>
    public static async Task<PullHistory> ReadAsync(Bucket bucket, DateTimeOffset since, CancellationToken cancel = default)
    {
        var entries = await EntriesAsync(bucket, cancel).ToListAsync(cancel);
        var history = new PullHistory(entries.Count > 0 ? entries[0].Hour : null);
        var wanted = entries.Where(entry => entry.Hour >= PullKeys.HourOf(since));
        await Parallel.ForEachAsync(wanted, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (entry, token) =>
        {
            // Removed since it was listed: then it is older than anybody asks.
            if (await SmallObject.ReadAsync(bucket.Store, entry.Key, PullKeys.MaxSize, token) is not { } found)
                return;
            var records = PullRecords.Read(found.Bytes, $"{bucket.Name}: {entry.Key}");
            lock (history._records)
                history._records.Merge(records);
        });
        return history;
    }

    /// <summary>Removes what was recorded before then. One LIST for each 1,000 objects, and one DELETE for each that goes; returns how many went.</summary>
    public static async Task<int> RemoveBeforeAsync(Bucket bucket, DateTimeOffset before, CancellationToken cancel = default)
    {
        var old = await EntriesAsync(bucket, cancel).TakeWhile(entry => entry.Hour < PullKeys.HourOf(before)).ToListAsync(cancel);
        await Parallel.ForEachAsync(old, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (entry, token) => await bucket.Store.DeleteAsync(entry.Key, token));
        return old.Count;
    }

    /// <summary>When a tag was last pulled, by itself or by the digest it names; null if that was not seen.</summary>
    public DateTimeOffset? LastPull(RepositoryName repository, string tag, Digest digest) => _records.LastPull(repository, tag, digest);

    // In the order of hours, which is that of keys.
    private static IAsyncEnumerable<(DateTimeOffset Hour, string Key)> EntriesAsync(Bucket bucket, CancellationToken cancel) =>
        bucket.Store.ListObjectsAsync(new ListQuery(PullKeys.Prefix), cancel)
            .Where(entry => PullKeys.HourIn(entry.Key) is not null).Select(entry => (PullKeys.HourIn(entry.Key)!.Value, entry.Key));
}
