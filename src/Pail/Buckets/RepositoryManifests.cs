using System.Buffers;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>The manifests of a repository, by tag or digest.</summary>
public sealed class RepositoryManifests
{
    private readonly Repository _repository;

    internal RepositoryManifests(Repository repository) => _repository = repository;

    private Bucket Bucket => _repository.Bucket;

    private IObjectStore Store => Bucket.Store;

    /// <summary>Reads a manifest; null if there is none. One GET.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: what is stored is not what its digest says.</exception>
    public async Task<Manifest?> GetAsync(Reference reference, CancellationToken cancel = default) => (await ReadAsync(reference, cancel))?.Manifest;

    /// <summary>Reads a manifest with what the store says of its object; null if there is none. One GET.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: what is stored is not what its digest says.</exception>
    internal async Task<(Manifest Manifest, ObjectInfo Info)?> ReadAsync(Reference reference, CancellationToken cancel = default)
    {
        try
        {
            return await SmallObject.ReadAsync(Store, KeyOf(reference), Manifest.MaxSize, cancel) is { } found ? (Parse(found, reference), found.Info) : null;
        }
        // Where layers, configs and manifests lie in one place: asked for as a manifest, a layer is not there.
        catch (PailException e) when (e.Failure == Failure.BadContent && Bucket.SharesBlobs && reference.Digest is not null)
        {
            return null;
        }
    }

    /// <summary>Returns which version of a manifest's object there is; null if there is none. One HEAD.</summary>
    internal async Task<ManifestVersion?> HeadAsync(Reference reference, CancellationToken cancel = default) =>
        await Store.HeadAsync(KeyOf(reference), cancel) is { } info
            ? new ManifestVersion(info.ETag, reference.Digest ?? BucketLayout.DigestOf(info), info.ContentType, info.Size)
            : null;

    /// <summary>Finds a manifest; null if there is none. One HEAD; a GET more where the object does not carry its digest.</summary>
    public async Task<Descriptor?> FindAsync(Reference reference, CancellationToken cancel = default)
    {
        if (await HeadAsync(reference, cancel) is not { } version)
            return null;
        return version.Digest is { } digest && MediaTypes.IsManifest(version.MediaType)
            ? new Descriptor(version.MediaType, digest, version.Size)
            : (await GetAsync(reference, cancel))?.Descriptor;
    }

    /// <summary>
    /// Stores a manifest whose parts are there, under its digest. One PUT; a GET and a PUT more for a subject; in public
    /// buckets one PUT more, for the list of its referrers, and in a pool with holds one for the hold.
    /// </summary>
    public async Task PutAsync(Manifest manifest, CancellationToken cancel = default)
    {
        if (Bucket.Settings.Public)
            await Bucket.Lists.AddManifestAsync(_repository.Name, manifest.Digest, cancel);
        // Listed before it is written: a try interrupted in between leaves an entry that the next try makes true; the
        // other way round the next try would find the manifest and have nothing to do.
        if (manifest.Subject is { } subject)
            await _repository.Referrers.ChangeAsync(subject.Digest, list => ReferrerList.Add(list, manifest), cancel);
        await WriteAsync(manifest, cancel);
    }

    /// <summary>
    /// Says that a manifest which is there is needed, and tags that name it, as a push of it would. In a bucket that is not collected no request.
    /// In one that is, a manifest pushed by its digest alone is written again, so that its age counts from now; tags need no request unless garbage is being collected.
    /// </summary>
    internal async Task KeepAsync(Manifest manifest, IReadOnlyCollection<string> tags, CancellationToken cancel = default)
    {
        if (tags.Count > 0)
            await _repository.WriteAsync([KeyOf(Reference.Of(manifest.Digest)), .. tags.Select(tag => KeyOf(Reference.Parse(tag)))], _ => Task.CompletedTask, cancel);
        else if (await Bucket.PaceAsync(cancel) is not null)
            await WriteAsync(manifest, cancel);
    }

    /// <summary>
    /// Removes a manifest with all tags that name it, and keeps it for a while to be brought back. A GET, a PUT and a DELETE; one LIST for each
    /// 1,000 tags, and a HEAD for each tag of equal size; a GET, a PUT and a DELETE for each tag removed. Tags go first, so that none ever names
    /// what is not there. A damaged manifest can be removed too; its subject is unknown then, whose list of referrers keeps it.
    /// </summary>
    /// <returns>False if there is no such manifest.</returns>
    /// <exception cref="PailException"><see cref="Failure.Conflict"/>: a tag needs it that is immutable by the bucket's policy.</exception>
    public async Task<bool> DeleteAsync(Digest digest, CancellationToken cancel = default) => await RemoveAsync(digest, keepsContent: false, cancel) is not null;

    /// <summary>Removes a manifest as the public method does; if <paramref name="keepsContent"/>, its tags alone, since other repositories hold the same manifest.</summary>
    /// <returns>What went; null if there was no such manifest.</returns>
    internal async Task<RemovedManifest?> RemoveAsync(Digest digest, bool keepsContent, CancellationToken cancel)
    {
        var reference = Reference.Of(digest);
        var (exists, found) = await RemovedEntry.LoadAsync(Bucket, KeyOf(reference), cancel);
        if (!exists)
        {
            // An earlier removal may have been interrupted when the manifest was gone.
            if (Bucket.Settings.Public)
                await Bucket.Lists.PruneAsync(_repository.Name, cancel);
            return null;
        }
        var manifest = found is null ? null : TryParse(found, reference);
        // Where layers, configs and manifests lie in one place: asked for as a manifest, a layer is not there.
        if (manifest is null && Bucket.SharesBlobs)
            return null;
        await ImmutableImages.RequireUnneededAsync(_repository, digest, cancel);
        var tags = new List<string>();
        await foreach (var (tag, size) in _repository.Tags.ListWithSizesAsync(cancel))
            if ((manifest is null || size is null || size == manifest.Size) && await NamesAsync(tag, digest, orDamaged: manifest is null && (size is null || size == found?.Info.Size), cancel))
                tags.Add(tag);
        await RemovedEntry.KeepAsync(_repository, reference, found, tags, cancel);
        foreach (var tag in tags)
            await _repository.Tags.DeleteAsync(tag, cancel);
        if (manifest?.Subject is { } subject)
            await _repository.Referrers.ChangeAsync(subject.Digest, list => ReferrerList.Remove(list, digest), cancel);
        // Also tags that an earlier removal took away before it was interrupted.
        if (Bucket.Settings.Public)
            await Bucket.Lists.PruneAsync(_repository.Name, cancel);
        if (!keepsContent)
            await Store.DeleteAsync(KeyOf(reference), cancel);
        return new(RemovedManifest.ManifestOf(found), tags);
    }

    /// <summary>Finds the tags that name a manifest. One LIST for each 1,000 tags, a GET, and a HEAD for each tag of equal size.</summary>
    internal async Task<IReadOnlyList<string>> FindTagsAsync(Digest digest, CancellationToken cancel = default)
    {
        var manifest = await GetAsync(Reference.Of(digest), cancel);
        List<string> tags = [];
        await foreach (var (tag, size) in _repository.Tags.ListWithSizesAsync(cancel))
            if ((manifest is null || size is null || size == manifest.Size) && await NamesAsync(tag, digest, orDamaged: false, cancel))
                tags.Add(tag);
        return tags;
    }

    /// <summary>Returns what an image of the repository names, or its parts name, and is not there. One HEAD for each blob, one GET for each manifest below an index.</summary>
    internal Task<IReadOnlyList<Digest>> FindMissingAsync(Manifest root, CancellationToken cancel = default) =>
        MissingParts.FindAsync(_repository, root, (digest, token) => GetAsync(Reference.Of(digest), token), cancel);

    internal string KeyOf(Reference reference) => Bucket.Layout.ManifestKey(_repository.Name, reference);

    /// <summary>Writes a manifest under its digest or a tag. False if the condition did not hold.</summary>
    internal async Task<bool> WriteAsync(Manifest manifest, Reference reference, ObjectHeaders headers, PutCondition condition, CancellationToken cancel)
    {
        string? etag = null;
        await _repository.WriteAsync(
            [.. NeedsOf(manifest, reference)],
            async fence =>
            {
                etag = await fence.PutAsync(KeyOf(reference), new ReadOnlySequence<byte>(manifest.Bytes), headers, condition, cancel);
                if (Bucket.KeepsHolds && reference.Digest is { } digest)
                    await Holds.AddAsync(fence, _repository.Name, digest, cancel);
            },
            cancel);
        return etag is not null;
    }

    private Task<bool> WriteAsync(Manifest manifest, CancellationToken cancel) =>
        WriteAsync(manifest, Reference.Of(manifest.Digest), BucketLayout.ManifestHeaders(manifest, Reference.Of(manifest.Digest)), PutCondition.None, cancel);

    // All that a collector must not take away: what it writes, what that names, and the list it is in.
    private IEnumerable<string> NeedsOf(Manifest manifest, Reference reference)
    {
        var own = KeyOf(Reference.Of(manifest.Digest));
        if (reference.Tag is not null)
            return Bucket.Steps.OwnTag ? [own, KeyOf(reference)] : [own];
        var parts = manifest.Blobs.Select(blob => _repository.Blobs.KeyOf(blob.Digest)).Concat(manifest.Manifests.SelectMany(child => new[] { KeyOf(Reference.Of(child.Digest)), _repository.Blobs.KeyOf(child.Digest) }));
        if (Bucket.Steps.OwnKey)
            parts = parts.Prepend(own);
        return manifest.Subject is { Digest: var subject } ? parts.Append(KeyOf(Reference.Of(subject))).Append(Bucket.Layout.ReferrersKey(_repository.Name, subject)) : parts;
    }

    private Manifest Parse(SmallObject found, Reference reference)
    {
        var algorithm = (reference.Digest ?? BucketLayout.DigestOf(found.Info))?.Algorithm ?? DigestAlgorithm.Sha256;
        var manifest = Manifest.Parse(found.Bytes, found.Info.ContentType, algorithm);
        return reference.Digest is { } digest && manifest.Digest != digest
            ? throw new PailException(Failure.BadContent, $"{Bucket.Name}: the manifest stored as {digest} in {_repository.Name} has the digest {manifest.Digest}: it is damaged.")
            : manifest;
    }

    // Null if it is damaged.
    private Manifest? TryParse(SmallObject found, Reference reference)
    {
        try
        {
            return Parse(found, reference);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return null;
        }
    }

    private async Task<bool> NamesAsync(string tag, Digest digest, bool orDamaged, CancellationToken cancel)
    {
        try
        {
            return (await FindAsync(Reference.Parse(tag), cancel))?.Digest == digest;
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return orDamaged;
        }
    }
}
