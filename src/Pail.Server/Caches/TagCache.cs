using Pail.Oci;

namespace Pail.Server.Caches;

/// <summary>What a tag named when it was last looked at.</summary>
/// <param name="Digest">The manifest.</param>
/// <param name="ETag">The version of the tag's object.</param>
/// <param name="Seen">When.</param>
internal sealed record SeenTag(Digest Digest, string ETag, long Seen);

/// <summary>
/// What tags named. Never believed for longer than configured, which by default is not at all: then a request asks the
/// bucket for the tag's version, and what is remembered spares reading the manifest again.
/// </summary>
internal sealed class TagCache(TimeSpan lifetime, TimeProvider time)
{
    private const int Capacity = 1 << 14;

    private readonly BoundedCache<Key, SeenTag> _entries = new(Capacity, static _ => 1);

    private readonly BoundedCache<Key, object> _written = new(Capacity, static _ => 1);

    /// <summary>Taken before the bucket is asked, for <see cref="Saw"/>.</summary>
    public long Removals => _entries.Removals;

    /// <summary>What the tag named last; null if it was not seen.</summary>
    public SeenTag? Get(RepositoryName repository, string tag) => _entries.TryGet(new(repository, tag), out var seen) ? seen : null;

    /// <summary>True if that is recent enough to be believed.</summary>
    public bool IsFresh(SeenTag seen) => lifetime > TimeSpan.Zero && time.GetElapsedTime(seen.Seen) < lifetime;

    /// <summary>The bucket said what the tag names.</summary>
    public void Saw(RepositoryName repository, string tag, Digest digest, string etag, long removals) =>
        _entries.Set(new(repository, tag), new SeenTag(digest, etag, time.GetTimestamp()), removals);

    /// <summary>True if the tag was there when it was last heard of: most likely it is there still.</summary>
    public bool IsExpected(RepositoryName repository, string tag) => Get(repository, tag) is not null || _written.TryGet(new(repository, tag), out _);

    /// <summary>The tag was written through this replica.</summary>
    public void RecordWritten(RepositoryName repository, string tag) => _written.Set(new(repository, tag), this);

    /// <summary>The tag was changed, or is gone.</summary>
    public void Forget(RepositoryName repository, string tag) => _entries.Remove(new(repository, tag));

    private readonly record struct Key(RepositoryName Repository, string Tag);
}
