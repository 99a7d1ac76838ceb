using Pail.Buckets.Collecting;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>
/// A repository of a bucket: what may be asked and done in it. Blobs come before the manifests that name them, children
/// before parents, a digest before its tags: a reader never sees a manifest without its parts.
/// </summary>
/// <remarks>
/// In a bucket whose garbage is collected, what was found through an object of this class is believed by the manifests and tags that are
/// written through the same object. If a round of a collection ends between, they fail with <see cref="Failure.Unavailable"/>: what
/// they need has to be looked for again, through a new object.
/// </remarks>
public sealed class Repository
{
    private readonly string? _by;
    private Task<Evidence>? _since;

    internal Repository(Bucket bucket, RepositoryName name, string? by = null) => (Bucket, Name, _by) = (bucket, name, by);

    /// <summary>The bucket it is in.</summary>
    public Bucket Bucket { get; }

    /// <summary>Its name.</summary>
    public RepositoryName Name { get; }

    /// <summary>Its layers, configs and other blobs.</summary>
    public RepositoryBlobs Blobs => new(this);

    /// <summary>Its manifests and indexes.</summary>
    public RepositoryManifests Manifests => new(this);

    /// <summary>Its tags.</summary>
    public RepositoryTags Tags => new(this);

    /// <summary>What refers to its manifests.</summary>
    public RepositoryReferrers Referrers => new(this);

    /// <summary>The same repository, of which nothing was found yet.</summary>
    internal Repository Anew() => new(Bucket, Name, _by);

    /// <summary>The same repository, for somebody else than the user of this process.</summary>
    internal Repository For(string by) => new(Bucket, Name, Author.Of(by));

    /// <summary>Who moves and removes its tags.</summary>
    internal string By => _by ?? Author.OfProcess;

    /// <summary>Takes evidence of how old the answers are that follow, once; later calls return the same. No request in a bucket that is not collected, else at most one GET.</summary>
    internal async ValueTask<Evidence> BeginAsync(CancellationToken cancel)
    {
        if (_since is { IsCompletedSuccessfully: true } taken)
            return taken.Result;
        var since = await Bucket.Guard.BeginAsync(cancel);
        // Of several at once the first counts: it is the oldest.
        return await (Interlocked.CompareExchange(ref _since, Task.FromResult(since), null) ?? _since);
    }

    /// <summary>Writes what relies on objects of the repository.</summary>
    internal async Task WriteAsync(IReadOnlyCollection<string> needs, Func<IWriteFence, Task> write, CancellationToken cancel) =>
        await Bucket.Guard.WriteAsync(await BeginAsync(cancel), needs, write, cancel);
}
