using System.Buffers;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Buckets;

/// <summary>
/// A registry over the objects of a bucket: what the command line and the server both work with.
/// Blobs before manifests, children before parents, digest before tag: a reader never sees a manifest without its parts.
/// Holds no state; any number may work on one bucket at once.
/// </summary>
public sealed partial class BucketRegistry
{
    private readonly StaticLists _lists;

    /// <summary>A registry over a bucket whose settings are known.</summary>
    public BucketRegistry(IObjectStore store, TransferEngine engine, BucketSettings settings)
    {
        (Store, Engine, Settings, Layout) = (store, engine, settings, BucketLayout.Of(settings.Layout));
        _lists = new StaticLists(store, engine.Retry, Layout);
    }

    /// <summary>The bucket.</summary>
    public IObjectStore Store { get; }

    /// <summary>What moves the bytes.</summary>
    public TransferEngine Engine { get; }

    /// <summary>What the bucket says of itself.</summary>
    public BucketSettings Settings { get; }

    /// <summary>Where everything is.</summary>
    public BucketLayout Layout { get; }

    /// <summary>Opens the registry of a bucket: one GET, for its settings.</summary>
    /// <exception cref="PailException">No such bucket, no permission, or settings nobody understands.</exception>
    public static async Task<BucketRegistry> OpenAsync(IObjectStore store, TransferEngine engine, CancellationToken cancel) =>
        new(store, engine, await BucketSettings.ReadAsync(store, engine.Retry, cancel));

    /// <summary>The manifest of that name; null if there is none. One GET.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: what is stored is not what its digest says.</exception>
    public async Task<Manifest?> GetManifestAsync(RepositoryName repository, Reference reference, CancellationToken cancel) =>
        (await ReadManifestAsync(repository, reference, cancel))?.Manifest;

    /// <summary>The manifest of that name with the ETag of its object, for who keeps it and asks later whether it changed; null if there is none. One GET.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: what is stored is not what its digest says.</exception>
    public async Task<(Manifest Manifest, string ETag)?> ReadManifestAsync(RepositoryName repository, Reference reference, CancellationToken cancel)
    {
        try
        {
            var found = await SmallObject.ReadAsync(Store, Engine.Retry, Layout.ManifestKey(repository, reference), Manifest.MaxSize, cancel);
            return found is null ? null : (ReadManifest(found, repository, reference), found.Info.ETag);
        }
        // The pool keeps layers, configs and manifests by digest in one place: asked for as a manifest, a layer is none.
        catch (PailException e) when (e.Failure == Failure.BadContent && Layout.Kind == LayoutKind.Pool && reference.Digest is not null)
        {
            return null;
        }
    }

    /// <summary>Which version of a manifest's object there is; null if there is none. One HEAD.</summary>
    public async Task<ManifestVersion?> HeadManifestAsync(RepositoryName repository, Reference reference, CancellationToken cancel)
    {
        var key = Layout.ManifestKey(repository, reference);
        return await Engine.Retry.RunAsync(token => Store.HeadAsync(key, token), cancel) is { } info
            ? new ManifestVersion(info.ETag, reference.Digest ?? StatedDigest(info), info.ContentType, info.Size)
            : null;
    }

    private Manifest ReadManifest(SmallObject found, RepositoryName repository, Reference reference)
    {
        var algorithm = (reference.Digest ?? StatedDigest(found.Info))?.Algorithm ?? DigestAlgorithm.Sha256;
        var manifest = Manifest.Parse(found.Bytes, found.Info.ContentType, algorithm);
        return reference.Digest is { } digest && manifest.Digest != digest
            ? throw new PailException(Failure.BadContent, $"{Store.Name}: the manifest stored as {digest} in {repository} has the digest {manifest.Digest}: it is damaged.")
            : manifest;
    }

    /// <summary>What the manifest of that name is; null if there is none. One HEAD; a GET more where the object does not carry its digest.</summary>
    public async Task<Descriptor?> StatManifestAsync(RepositoryName repository, Reference reference, CancellationToken cancel)
    {
        if (await HeadManifestAsync(repository, reference, cancel) is not { } version)
            return null;
        return version.Digest is { } digest && MediaTypes.IsManifest(version.MediaType)
            ? new Descriptor(version.MediaType, digest, version.Size)
            : (await GetManifestAsync(repository, reference, cancel))?.Descriptor;
    }

    /// <summary>
    /// Stores a manifest whose parts are there, under its digest. One PUT; a GET and a PUT more for a subject; in public
    /// buckets one PUT more, for the list of its referrers.
    /// </summary>
    public async Task PutManifestAsync(RepositoryName repository, Manifest manifest, CancellationToken cancel)
    {
        if (Settings.Public)
            await _lists.AddManifestAsync(repository, manifest.Digest, cancel);
        // Listed before it is written: a try interrupted in between leaves an entry that the next try makes true; the
        // other way round the next try would find the manifest and have nothing to do.
        if (manifest.Subject is { } subject)
            await ChangeReferrersAsync(repository, subject.Digest, list => ReferrerList.Add(list, manifest), cancel);
        await PutAsync(repository, manifest, Reference.Of(manifest.Digest), cancel);
    }

    /// <summary>Makes a tag name a manifest that is stored under its digest. One PUT; in public buckets the static lists as well.</summary>
    /// <param name="repository">Where.</param>
    /// <param name="manifest">What it shall name.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <param name="replaces">True if the tag is known to exist, so that it is listed already.</param>
    public async Task TagAsync(RepositoryName repository, Manifest manifest, string tag, CancellationToken cancel, bool replaces = false)
    {
        foreach (var (key, headers, body) in Layout.TagCompanions(repository, tag))
            await Engine.Retry.RunAsync(token => Store.PutAsync(key, new ReadOnlySequence<byte>(body), headers, PutCondition.None, token), cancel);
        if (Settings.Public && !replaces)
            await _lists.AddTagAsync(repository, tag, cancel);
        await PutAsync(repository, manifest, Reference.Parse(tag), cancel);
        if (Settings.Public)
            await _lists.ConfirmTagAsync(repository, tag, expected: true, cancel);
    }

    /// <summary>What refers to a manifest; empty if nothing does. One GET.</summary>
    public async Task<IReadOnlyList<Descriptor>> ListReferrersAsync(RepositoryName repository, Digest subject, CancellationToken cancel)
    {
        var list = await SmallObject.ReadAsync(Store, Engine.Retry, Layout.ReferrersKey(repository, subject), MaxListSize, cancel);
        return ReferrerList.Read(list?.Bytes);
    }

    private const int MaxListSize = 64 << 20;

    private Task ChangeReferrersAsync(RepositoryName repository, Digest subject, Func<ReadOnlyMemory<byte>?, byte[]?> change, CancellationToken cancel) =>
        SmallObject.UpdateAsync(Store, Engine.Retry, Layout.ReferrersKey(repository, subject), Layout.ReferrersHeaders, MaxListSize, change, cancel);

    private Task<string?> PutAsync(RepositoryName repository, Manifest manifest, Reference reference, CancellationToken cancel) =>
        Engine.Retry.RunAsync(
            token => Store.PutAsync(
                Layout.ManifestKey(repository, reference), new ReadOnlySequence<byte>(manifest.Bytes), BucketLayout.ManifestHeaders(manifest, reference), PutCondition.None, token),
            cancel);

    private static Digest? StatedDigest(ObjectInfo info) =>
        info.Metadata.TryGetValue(BucketLayout.DigestMetadata, out var text) && Digest.TryParse(text, out var digest) ? digest : null;
}
