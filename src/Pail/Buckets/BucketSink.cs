using System.Collections.Concurrent;
using Pail.Buckets.Collecting;
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
    private const int MostCollections = 5;

    private readonly ConcurrentDictionary<Digest, KnownBlob> _found = new();

    // What the image consists of, as far as it was seen: looked for again if garbage was collected meanwhile.
    private readonly ConcurrentDictionary<Digest, (Descriptor Blob, BlobOpener Open)> _blobs = new();
    private readonly ConcurrentQueue<(Manifest Manifest, bool Found)> _manifests = new();
    private Repository _repository = repository.Anew();
    private TagState? _named;

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
        await _repository.BeginAsync(cancel);
        _named ??= await LookAsync(cancel);
        // Before anything is sent.
        if (reference.Tag is { } wanted)
            ImmutableImages.RequireSame(_repository, wanted, await _repository.Tags.FindRuleAsync(wanted, cancel), _named, root);
        if (_named.Names is not { } present || present.Digest != root.Digest || present.MediaType != root.MediaType)
            return false;
        try
        {
            await _repository.Manifests.KeepAsync(root, reference.Tag is { } tag ? [tag] : [], cancel);
            return true;
        }
        catch (CollectedException)
        {
            // What was there may be gone: it is pushed as if it were not there.
            (_repository, _named) = (_repository.Anew(), null);
            return false;
        }
    }

    /// <inheritdoc/>
    public async Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel)
    {
        await _repository.BeginAsync(cancel);
        if (!await IsThereAsync(manifest, cancel))
            return false;
        _manifests.Enqueue((manifest, true));
        return true;
    }

    /// <inheritdoc/>
    public async Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        await _repository.BeginAsync(cancel);
        _blobs[blob.Digest] = (blob, open);
        if (_found.TryGetValue(blob.Digest, out var known) && (known.Repository == _repository.Name || await _repository.Blobs.CopyAsync(known, cancel)))
        {
            await _repository.Blobs.HoldAsync(blob.Digest, cancel);
            return known.Repository == _repository.Name ? BlobOutcome.Existed : BlobOutcome.Copied;
        }
        return await _repository.Blobs.PutAsync(blob, open, progress, copyFrom, origin, cancel);
    }

    /// <inheritdoc/>
    public async Task<Manifest?> GetNamedAsync(CancellationToken cancel)
    {
        await _repository.BeginAsync(cancel);
        try
        {
            var found = await _repository.Manifests.ReadAsync(reference, cancel);
            _named = found is var (manifest, info) ? new TagState(manifest.Descriptor, info.ETag, info.Modified, TagHistory.Read(info)) : TagState.Absent;
            return found?.Manifest;
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            // Damaged: what is pushed takes its place.
            _named = null;
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task<Descriptor?> FindLayerAsync(Digest diffId, CompressionKind kind, CancellationToken cancel)
    {
        await _repository.BeginAsync(cancel);
        if (await _repository.Blobs.FindByTarAsync(diffId, kind, cancel) is not { } known)
            return null;
        _found[known.Blob.Digest] = known;
        return known.Blob;
    }

    /// <inheritdoc/>
    public async Task PutManifestAsync(Manifest manifest, CancellationToken cancel)
    {
        await WriteAsync(() => _repository.Manifests.PutAsync(manifest, cancel), cancel);
        _manifests.Enqueue((manifest, false));
    }

    /// <inheritdoc/>
    public async Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        if (!isStored)
            await PutManifestAsync(root, cancel);
        else if (reference.Tag is null)
            await WriteAsync(() => _repository.Manifests.KeepAsync(root, [], cancel), cancel);
        if (reference.Tag is { } tag)
            await WriteAsync(async () => await _repository.Tags.PutAsync(root, tag, _named ??= await LookAsync(cancel), cancel), cancel);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => _repository.Referrers.ListAsync(subject, cancel);

    /// <inheritdoc/>
    public Task PutReferrerAsync(Manifest referrer, CancellationToken cancel) => PutManifestAsync(referrer, cancel);

    /// <inheritdoc/>
    public async Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel) =>
        (await _repository.Tags.LookAsync(tag, cancel)).Is(manifest);

    /// <inheritdoc/>
    public async Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel)
    {
        await PutManifestAsync(manifest, cancel);
        await WriteAsync(() => _repository.Tags.PutAsync(manifest, tag, cancel), cancel);
    }

    private async Task<TagState> LookAsync(CancellationToken cancel) => reference.Tag is { } tag
        ? await _repository.Tags.LookAsync(tag, cancel)
        : await FindHeldAsync(reference.Digest!.Value, cancel) is { } there ? TagState.Absent with { Names = there } : TagState.Absent;

    private async Task<bool> IsThereAsync(Manifest manifest, CancellationToken cancel) =>
        await FindHeldAsync(manifest.Digest, cancel) is { } present && present.Size == manifest.Size && present.MediaType == manifest.MediaType;

    // What another repository of a pool holds is not here, nor are its parts.
    private async Task<Descriptor?> FindHeldAsync(Digest digest, CancellationToken cancel) =>
        await _repository.Manifests.FindAsync(Reference.Of(digest), cancel) is { } there && (!_repository.Bucket.KeepsHolds || await _repository.Bucket.Holds.ContainsAsync(_repository.Name, digest, cancel)) ? there : null;

    private PailException Gone(Manifest manifest) => new(Failure.Unavailable, $"{Name}: {manifest.Digest} was there, and was collected as garbage while the image was pushed. Push again.");

    // Garbage may be collected between the look for a part and the write that names it: then all parts are looked for again, and sent again where they are gone.
    private async Task WriteAsync(Func<Task> write, CancellationToken cancel)
    {
        for (var collections = 0; ; collections++)
        {
            try
            {
                await write();
                return;
            }
            catch (CollectedException) when (collections < MostCollections)
            {
                _repository = _repository.Anew();
            }
            try
            {
                await _repository.BeginAsync(cancel);
                foreach (var (blob, open) in _blobs.Values)
                    await _repository.Blobs.PutAsync(blob, open, NoProgress.Instance, copyFrom, origin, cancel);
                foreach (var (manifest, found) in _manifests)
                    if (!await IsThereAsync(manifest, cancel))
                        await (found ? throw Gone(manifest) : _repository.Manifests.PutAsync(manifest, cancel));
            }
            catch (CollectedException) when (collections < MostCollections)
            {
                // Another round has ended meanwhile; the next write finds that out.
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
