using Microsoft.Extensions.Primitives;
using Pail.Oci;

namespace Pail.Server.Caches;

/// <summary>A manifest in memory, with the headers it is served with.</summary>
internal sealed class CachedManifest(Manifest manifest, long confirmed)
{
    private long _confirmed = confirmed;

    public Manifest Manifest => manifest;

    public StringValues Digest { get; } = manifest.Digest.ToString();

    public StringValues ETag { get; } = $"\"{manifest.Digest}\"";

    /// <summary>When the bucket was last known to have it.</summary>
    public long Confirmed
    {
        get => Volatile.Read(ref _confirmed);
        set => Volatile.Write(ref _confirmed, value);
    }

    /// <summary>True if it was stored through this replica.</summary>
    public bool JustStored { get; init; }
}

/// <summary>Manifests by digest: their bytes can't change, but they can be deleted, so each counts as there for a stated time.</summary>
/// <param name="capacity">The most memory taken, in bytes; 0 for none.</param>
/// <param name="shared">True if manifests by digest are the same in all repositories.</param>
/// <param name="lifetime">How long a manifest counts as there without asking.</param>
/// <param name="time">The clock.</param>
internal sealed class ManifestCache(long capacity, bool shared, TimeSpan lifetime, TimeProvider time)
{
    // What an entry takes beside the manifest's bytes: its descriptors, headers and keys, roughly.
    private const int Overhead = 4096;

    private readonly BoundedCache<Key, CachedManifest> _entries = new(capacity, static entry => entry.Manifest.Size + Overhead);

    /// <summary>Taken before the bucket is asked, for <see cref="Set"/>.</summary>
    public long Removals => _entries.Removals;

    /// <summary>The manifest if its bytes are known, whether or not it is still there; null if not.</summary>
    public CachedManifest? Get(RepositoryName repository, Digest digest) => _entries.TryGet(KeyOf(repository, digest), out var entry) ? entry : null;

    /// <summary>True if it was known to be there within the time that counts.</summary>
    public bool IsFresh(CachedManifest entry) => time.GetElapsedTime(entry.Confirmed) < lifetime;

    /// <summary>The bucket said that it is still there.</summary>
    public void Confirm(CachedManifest entry) => entry.Confirmed = time.GetTimestamp();

    /// <summary>Keeps a manifest that the bucket has.</summary>
    /// <param name="repository">Where.</param>
    /// <param name="manifest">What.</param>
    /// <param name="landed">True if it was stored through this replica just now.</param>
    /// <param name="removals">What <see cref="Removals"/> was before the bucket was asked; null for what was stored just now.</param>
    public CachedManifest Set(RepositoryName repository, Manifest manifest, bool landed, long? removals)
    {
        var entry = new CachedManifest(manifest, time.GetTimestamp()) { JustStored = landed };
        _entries.Set(KeyOf(repository, manifest.Digest), entry, removals);
        return entry;
    }

    /// <summary>A collection of garbage has ended: what was there before it may be gone.</summary>
    public void EndRound() => _entries.Clear();

    /// <summary>It is not there, or no longer.</summary>
    public void Forget(RepositoryName repository, Digest digest) => _entries.Remove(KeyOf(repository, digest));

    private Key KeyOf(RepositoryName repository, Digest digest) => new(shared ? default : repository, digest);

    private readonly record struct Key(RepositoryName Repository, Digest Digest);
}
