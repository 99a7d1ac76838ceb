using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Caches;
using Pail.Server.Errors;
using Pail.Server.Routing;

namespace Pail.Server.Access;

/// <summary>
/// Keeps repositories apart where a bucket's repositories share their content: a blob or manifest is in a repository only if that holds it
/// (<see cref="Holds"/>). What is known is kept as long as it is of blobs. In a bucket without holds, and where each repository has
/// blobs of its own, it asks and writes nothing.
/// </summary>
/// <param name="options">How the server runs.</param>
/// <param name="bucket">The bucket, with the settings it has now.</param>
/// <param name="time">The clock.</param>
internal sealed class Border(ServerOptions options, Bucket bucket, TimeProvider time)
{
    private const int Capacity = 1 << 16;

    private readonly BoundedCache<Key, Entry> _held = new(Capacity, static _ => 1);
    private volatile Bucket _bucket = bucket;

    /// <summary>True where there is one to keep.</summary>
    public bool IsOn => _bucket.KeepsHolds;

    /// <summary>Goes by the settings that the bucket has from now on.</summary>
    public void Follow(Bucket bucket) => _bucket = bucket;

    /// <summary>Refuses a request about content that its repository does not hold.</summary>
    public async ValueTask<RegistryError?> CheckAsync(RegistryRequest request, CancellationToken cancel)
    {
        if (!IsOn || request.Action == RegistryAction.Push)
            return null;
        return request.Route switch
        {
            RegistryRoute.Blob { Repository: var name, Digest: var digest } => await HoldsAsync(name, digest, cancel) ? null : RegistryError.BlobUnknown.About(digest.ToString()),
            RegistryRoute.ManifestOf { Repository: var name, Reference: { Digest: { } digest } } => await HoldsAsync(name, digest, cancel) ? null : RegistryError.ManifestUnknown.About(digest.ToString()),
            _ => null,
        };
    }

    /// <summary>True if a repository holds it. No request if that was seen lately or there is no border; else one HEAD.</summary>
    public async ValueTask<bool> HoldsAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        if (!IsOn)
            return true;
        var key = new Key(repository, digest);
        if (_held.TryGet(key, out var known) && time.GetElapsedTime(known.Confirmed) < options.DigestLifetime)
            return true;
        var removals = _held.Removals;
        if (!await _bucket.Holds.ContainsAsync(repository, digest, cancel))
        {
            _held.Remove(key);
            return false;
        }
        _held.Set(key, new Entry(time.GetTimestamp()), removals);
        return true;
    }

    /// <summary>Says that a repository holds what was stored or mounted. One PUT, unless that is known or there is no border.</summary>
    public async ValueTask AddAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        if (!IsOn)
            return;
        var key = new Key(repository, digest);
        if (_held.TryGet(key, out var known) && time.GetElapsedTime(known.Confirmed) < options.DigestLifetime)
            return;
        await _bucket.Holds.AddAsync(repository, digest, cancel);
        _held.Set(key, new Entry(time.GetTimestamp()));
    }

    /// <summary>A repository holds it: the write of it said so. No request.</summary>
    public void Note(RepositoryName repository, Digest digest)
    {
        if (IsOn)
            _held.Set(new Key(repository, digest), new Entry(time.GetTimestamp()));
    }

    /// <summary>A repository holds it no more; the content stays for those that do, and for the collector. One DELETE.</summary>
    public async ValueTask RemoveAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        try
        {
            await _bucket.Holds.RemoveAsync(repository, digest, cancel);
        }
        finally
        {
            // Also if it failed: it may have taken effect all the same.
            _held.Remove(new Key(repository, digest));
        }
    }

    /// <summary>A collection of garbage has ended: what was held before it may be held no more.</summary>
    public void EndRound() => _held.Clear();

    private readonly record struct Key(RepositoryName Repository, Digest Digest);

    private sealed record Entry(long Confirmed);
}
