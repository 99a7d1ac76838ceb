using Pail.Oci;
using Pail.Server.Watching;

namespace Pail.Server.Caches;

/// <summary>
/// Blobs this replica knows to be there, so that it need not ask the bucket again. Bounded; what was confirmed counts as
/// known for a stated time, since another replica may delete it.
/// </summary>
/// <param name="shared">True if what is known for one repository is known for all.</param>
/// <param name="lifetime">How long a confirmation counts.</param>
/// <param name="time">The clock.</param>
internal sealed class BlobCache(bool shared, TimeSpan lifetime, TimeProvider time)
{
    private const int Capacity = 1 << 16;

    private readonly BoundedCache<Key, Entry> _entries = new(Capacity, static _ => 1);
    private readonly BoundedCache<Digest, Holder> _holders = new(Capacity, static _ => 1);

    private long _round;

    /// <summary>Taken before the bucket is asked, for <see cref="Found"/>.</summary>
    public long Removals => _entries.Removals;

    /// <summary>Changes when a collection of garbage has ended. Taken before a blob is stored, for <see cref="RecordStored"/>.</summary>
    public long Round => Volatile.Read(ref _round);

    /// <summary>A collection of garbage has ended: what was there before it may be gone.</summary>
    public void EndRound()
    {
        Interlocked.Increment(ref _round);
        _entries.Clear();
        _holders.Clear();
    }

    /// <summary>True if the blob was found or stored within the time a confirmation counts.</summary>
    /// <param name="repository">Where.</param>
    /// <param name="digest">Which.</param>
    /// <param name="size">Its size in bytes.</param>
    public bool IsThere(RepositoryName repository, Digest digest, out long size)
    {
        var there = _entries.TryGet(KeyOf(repository, digest), out var entry) && IsFresh(entry);
        size = there ? entry!.Size : 0;
        ServerMetrics.Asked("blob", there ? "hit" : "miss");
        return there;
    }

    /// <summary>
    /// True for a blob that was there once, or that a manifest served from here names. Good enough to redirect to, since
    /// manifests never name what is not there.
    /// </summary>
    public bool IsExpected(RepositoryName repository, Digest digest) => _entries.TryGet(KeyOf(repository, digest), out _);

    /// <summary>True if the blob was stored through this replica just now: what names it is most likely new too.</summary>
    public bool HasJustStored(RepositoryName repository, Digest digest) =>
        _entries.TryGet(KeyOf(repository, digest), out var entry) && entry.JustStored && IsFresh(entry);

    /// <summary>The bucket said that the blob is there.</summary>
    /// <param name="repository">Where.</param>
    /// <param name="digest">Which.</param>
    /// <param name="size">Its size in bytes.</param>
    /// <param name="removals">What <see cref="Removals"/> was before the bucket was asked.</param>
    public void Found(RepositoryName repository, Digest digest, long size, long removals)
    {
        _entries.Set(KeyOf(repository, digest), new Entry(size, time.GetTimestamp(), HasJustStored(repository, digest)), removals);
        _holders.Set(digest, new Holder(repository));
    }

    /// <summary>The blob was stored through this replica.</summary>
    /// <param name="repository">Where.</param>
    /// <param name="digest">Which.</param>
    /// <param name="size">Its size in bytes.</param>
    /// <param name="round">What <see cref="Round"/> was before it was stored.</param>
    public void RecordStored(RepositoryName repository, Digest digest, long size, long round)
    {
        if (round != Round)
            return;
        _entries.Set(KeyOf(repository, digest), new Entry(size, time.GetTimestamp(), JustStored: true));
        _holders.Set(digest, new Holder(repository));
        // A round that ended between the two was told to entries that did not hold this one.
        if (round != Round)
            _entries.Remove(KeyOf(repository, digest));
    }

    /// <summary>A repository that had the blob when it was last heard of, to try a mount from; null if none is known.</summary>
    public RepositoryName? HolderOf(Digest digest) => _holders.TryGet(digest, out var holder) ? holder.Repository : null;

    /// <summary>A manifest that names the blob was stored as well: another that does is not most likely new.</summary>
    public void ClearRecentlyStored(RepositoryName repository, Digest digest)
    {
        var removals = _entries.Removals;
        if (_entries.TryGet(KeyOf(repository, digest), out var entry) && entry.JustStored)
            _entries.Set(KeyOf(repository, digest), entry with { JustStored = false }, removals);
    }

    /// <summary>A manifest in the repository names the blob.</summary>
    public void RecordReferenced(RepositoryName repository, Descriptor blob, long removals)
    {
        if (!_entries.TryGet(KeyOf(repository, blob.Digest), out _))
            _entries.Set(KeyOf(repository, blob.Digest), new Entry(blob.Size, null, JustStored: false), removals);
    }

    /// <summary>The blob is not there, or no longer.</summary>
    public void Forget(RepositoryName repository, Digest digest) => _entries.Remove(KeyOf(repository, digest));

    private bool IsFresh(Entry entry) => entry.Confirmed is { } at && time.GetElapsedTime(at) < lifetime;

    private Key KeyOf(RepositoryName repository, Digest digest) => new(shared ? default : repository, digest);

    private readonly record struct Key(RepositoryName Repository, Digest Digest);

    private sealed record Holder(RepositoryName Repository);

    private sealed record Entry(long Size, long? Confirmed, bool JustStored);
}
