using System.Collections.Concurrent;
using Pail.Buckets.Layouts;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>A place in a bucket, of either layout: a tag to be made or moved, or a digest.</summary>
/// <param name="registry">The bucket.</param>
/// <param name="repository">The repository.</param>
/// <param name="reference">The tag, or the digest the image has.</param>
/// <param name="copyFrom">A repository of the same bucket that holds the blobs; null for none.</param>
/// <param name="origin">Another bucket that holds them; null for none.</param>
public sealed class BucketSink(BucketRegistry registry, RepositoryName repository, Reference reference, RepositoryName? copyFrom = null, CrossBucketCopy? origin = null) : IForecastingSink, IEarlyBlobSink
{
    private readonly ConcurrentDictionary<Digest, KnownBlob> _found = new();
    private (Manifest? Manifest, bool IsKnown) _named;
    private bool _tagExists;

    // In a pool all repositories share their blobs.
    private RepositoryName? CopyFrom => copyFrom == repository || registry.Layout.Kind == LayoutKind.Pool ? null : copyFrom;

    /// <inheritdoc/>
    public string Name { get; } = $"{registry.Store.Name}, {repository}{(reference.Digest is null ? ":" : "@")}{reference}";

    /// <inheritdoc/>
    public bool HoldsIndexes => true;

    /// <inheritdoc/>
    public bool TakesEarlyBlobs => reference.Digest is null;

    /// <inheritdoc/>
    public async Task<bool> HasRootAsync(Manifest root, CancellationToken cancel)
    {
        if (reference.Digest is { } digest && digest != root.Digest)
            throw new PailException(Failure.BadInput, $"{Name}: the image has the digest {root.Digest}. Name a tag, or that digest.");
        var present = _named.IsKnown ? _named.Manifest?.Descriptor : await registry.StatManifestAsync(repository, reference, cancel);
        _tagExists = present is not null;
        return present is not null && present.Digest == root.Digest && present.MediaType == root.MediaType;
    }

    /// <inheritdoc/>
    public async Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) =>
        await registry.StatManifestAsync(repository, Reference.Of(manifest.Digest), cancel) is { } present && present.Size == manifest.Size && present.MediaType == manifest.MediaType;

    /// <inheritdoc/>
    public async Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (_found.TryGetValue(blob.Digest, out var known) && (known.Repository == repository || await registry.CopyBlobAsync(known, repository, cancel)))
            return known.Repository == repository ? BlobOutcome.Existed : BlobOutcome.Copied;
        return await registry.PutBlobAsync(repository, blob, open, progress, cancel, CopyFrom, origin);
    }

    /// <inheritdoc/>
    public async Task<Manifest?> GetNamedAsync(CancellationToken cancel)
    {
        try
        {
            _named = (await registry.GetManifestAsync(repository, reference, cancel), true);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            // Damaged: what is pushed takes its place.
            _named = (null, false);
        }
        return _named.Manifest;
    }

    /// <inheritdoc/>
    public async Task<Descriptor?> FindLayerAsync(Digest diffId, CompressionKind kind, CancellationToken cancel)
    {
        if (await registry.FindLayerAsync(repository, diffId, kind, cancel) is not { } known)
            return null;
        _found[known.Blob.Digest] = known;
        return known.Blob;
    }

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => registry.PutManifestAsync(repository, manifest, cancel);

    /// <inheritdoc/>
    public async Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        if (!isStored)
            await registry.PutManifestAsync(repository, root, cancel);
        if (reference.Tag is { } tag)
            await registry.TagAsync(repository, root, tag, cancel, replaces: _tagExists);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => registry.ListReferrersAsync(repository, subject, cancel);

    /// <inheritdoc/>
    public Task PutReferrerAsync(Manifest referrer, CancellationToken cancel) => registry.PutManifestAsync(repository, referrer, cancel);

    /// <inheritdoc/>
    public async Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel) =>
        await registry.StatManifestAsync(repository, Reference.Parse(tag), cancel) is { } present && present.Digest == manifest.Digest && present.MediaType == manifest.MediaType;

    /// <inheritdoc/>
    public async Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel)
    {
        await registry.PutManifestAsync(repository, manifest, cancel);
        await registry.TagAsync(repository, manifest, tag, cancel);
    }

    /// <inheritdoc/>
    public Task<BlobOutcome> ForecastBlobAsync(RequestMeter meter, Descriptor blob, CancellationToken cancel) => _found.TryGetValue(blob.Digest, out var known)
        ? Task.FromResult(registry.ForecastCopy(meter, known, repository))
        : registry.ForecastBlobAsync(meter, repository, blob, CopyFrom, origin, cancel);

    /// <inheritdoc/>
    public void ForecastManifest(RequestMeter meter, Manifest manifest, string? tag)
    {
        registry.ForecastManifest(meter, manifest);
        if (tag is not null)
            registry.ForecastTag(meter, repository, tag, replaces: false);
    }

    /// <inheritdoc/>
    public void ForecastRoot(RequestMeter meter, Manifest root, bool isStored)
    {
        if (!isStored)
            registry.ForecastManifest(meter, root);
        if (reference.Tag is { } tag)
            registry.ForecastTag(meter, repository, tag, _tagExists);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
