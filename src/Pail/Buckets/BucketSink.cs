using System.Collections.Concurrent;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;

namespace Pail.Buckets;

/// <summary>A place in a bucket, of either layout: a tag to be made or moved, or a digest.</summary>
/// <param name="repository">The repository.</param>
/// <param name="reference">The tag, or the digest the image has.</param>
/// <param name="copyFrom">A repository of the same bucket that holds the blobs; null for none.</param>
/// <param name="origin">Another bucket that holds them; null for none.</param>
internal sealed class BucketSink(Repository repository, Reference reference, RepositoryName? copyFrom = null, CrossBucketCopy? origin = null) : IImageSink, IReferrerSink, ILayerLookup
{
    private readonly ConcurrentDictionary<Digest, KnownBlob> _found = new();
    private (Manifest? Manifest, bool IsKnown) _named;
    private bool _tagExists;

    /// <inheritdoc/>
    public string Name { get; } = $"{repository.Bucket.Name}, {repository.Name}{(reference.Digest is null ? ":" : "@")}{reference}";

    /// <summary>The digest that the image must have, beside or in place of a tag; null for any.</summary>
    public Digest? Expected { get; init; } = reference.Digest;

    /// <inheritdoc/>
    public SinkAbilities Abilities => new() { TakesEarlyBlobs = Expected is null, Referrers = this, Layers = this };

    /// <inheritdoc/>
    public async Task<bool> HasRootAsync(Manifest root, CancellationToken cancel)
    {
        if (Expected is { } digest && digest != root.Digest)
            throw new PailException(Failure.BadInput, $"{Name}: the image has the digest {root.Digest}, not {digest}. Name a tag alone, or that digest.");
        var present = _named.IsKnown ? _named.Manifest?.Descriptor : await repository.Manifests.FindAsync(reference, cancel);
        _tagExists = present is not null;
        return present is not null && present.Digest == root.Digest && present.MediaType == root.MediaType;
    }

    /// <inheritdoc/>
    public async Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) =>
        await repository.Manifests.FindAsync(Reference.Of(manifest.Digest), cancel) is { } present && present.Size == manifest.Size && present.MediaType == manifest.MediaType;

    /// <inheritdoc/>
    public async Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (_found.TryGetValue(blob.Digest, out var known) && (known.Repository == repository.Name || await repository.Blobs.CopyAsync(known, cancel)))
            return known.Repository == repository.Name ? BlobOutcome.Existed : BlobOutcome.Copied;
        return await repository.Blobs.PutAsync(blob, open, progress, copyFrom, origin, cancel);
    }

    /// <inheritdoc/>
    public async Task<Manifest?> GetNamedAsync(CancellationToken cancel)
    {
        try
        {
            _named = (await repository.Manifests.GetAsync(reference, cancel), true);
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
        if (await repository.Blobs.FindByTarAsync(diffId, kind, cancel) is not { } known)
            return null;
        _found[known.Blob.Digest] = known;
        return known.Blob;
    }

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => repository.Manifests.PutAsync(manifest, cancel);

    /// <inheritdoc/>
    public async Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        if (!isStored)
            await repository.Manifests.PutAsync(root, cancel);
        if (reference.Tag is { } tag)
            await repository.Tags.PutAsync(root, tag, _tagExists, cancel);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => repository.Referrers.ListAsync(subject, cancel);

    /// <inheritdoc/>
    public Task PutReferrerAsync(Manifest referrer, CancellationToken cancel) => repository.Manifests.PutAsync(referrer, cancel);

    /// <inheritdoc/>
    public async Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel) =>
        await repository.Manifests.FindAsync(Reference.Parse(tag), cancel) is { } present && present.Digest == manifest.Digest && present.MediaType == manifest.MediaType;

    /// <inheritdoc/>
    public async Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel)
    {
        await repository.Manifests.PutAsync(manifest, cancel);
        await repository.Tags.PutAsync(manifest, tag, cancel: cancel);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
