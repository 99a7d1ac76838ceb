using System.Collections.Concurrent;
using Pail.Io;
using Pail.Oci;

namespace Pail.Server.Manifests;

/// <summary>What a look at all that a manifest names has shown.</summary>
/// <param name="Missing">What is not in the repository.</param>
/// <param name="Warnings">Values of Warning headers. Source: OCI distribution-spec, "Warnings".</param>
internal sealed record PartsReport(IReadOnlyCollection<Digest> Missing, IReadOnlyCollection<string> Warnings);

/// <summary>Looks at what a manifest names: without a request for what was seen lately, else with one HEAD each.</summary>
internal sealed class ManifestParts(RegistryServices services)
{
    private const int AtOnce = 8;
    private const int MaxWarnings = 10;

    /// <summary>True if something it names was stored through this replica just now: so most likely it is new itself.</summary>
    public bool AnyJustStored(RepositoryName repository, Manifest manifest) =>
        manifest.Blobs.Any(blob => services.Blobs.HasJustStored(repository, blob.Digest))
        || manifest.Manifests.Any(child => services.Manifests.Get(repository, child.Digest) is { JustStored: true } landed && services.Manifests.IsFresh(landed));

    /// <summary>Looks at all of it: blobs without addresses elsewhere, and, unless sparse indexes are allowed, manifests of the types that are kept here.</summary>
    public async Task<PartsReport> CheckAsync(RepositoryName repository, Manifest manifest, CancellationToken cancel)
    {
        var missing = new ConcurrentBag<Digest>();
        var warnings = new ConcurrentBag<string>();
        var unseen = new List<Descriptor>();
        // An index may name anything; of its entries that are no manifests, layers are known to be blobs (BuildKit's cache).
        foreach (var blob in manifest.Blobs.Where(blob => !manifest.IsIndex || MediaTypes.IsLayer(blob.MediaType)))
            if (!services.Border.IsOn && services.Blobs.IsThere(repository, blob.Digest, out var size))
                Compare(blob, size, warnings);
            else
                unseen.Add(blob);
        await Concurrently.ForEachAsync(unseen, AtOnce, async blob =>
        {
            if (await services.Border.HoldsAsync(repository, blob.Digest, cancel) && await SizeAsync(repository, blob.Digest, cancel) is { } size)
                Compare(blob, size, warnings);
            else
                missing.Add(blob.Digest);
        });
        var children = services.Options.AllowSparse ? [] : manifest.Manifests.Where(child => MediaTypes.IsManifest(child.MediaType) && child.Urls.Count == 0).DistinctBy(child => child.Digest);
        await Concurrently.ForEachAsync(children, AtOnce, async child =>
        {
            if (!await services.Border.HoldsAsync(repository, child.Digest, cancel))
            {
                missing.Add(child.Digest);
                return;
            }
            var known = services.Manifests.Get(repository, child.Digest) is { } entry && services.Manifests.IsFresh(entry);
            if (!known && await services.Bucket.Repository(repository).Manifests.HeadAsync(Reference.Of(child.Digest), cancel) is null)
                missing.Add(child.Digest);
        });
        return new PartsReport(missing, [.. warnings.Take(MaxWarnings)]);
    }

    private async Task<long?> SizeAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        if (services.Blobs.IsThere(repository, digest, out var known))
            return known;
        var removals = services.Blobs.Removals;
        if (await services.Bucket.Repository(repository).Blobs.FindAsync(digest, cancel) is not { Size: var size })
            return null;
        services.Blobs.Found(repository, digest, size, removals);
        return size;
    }

    private static void Compare(Descriptor blob, long size, ConcurrentBag<string> warnings)
    {
        if (size != blob.Size)
            warnings.Add($"299 - \"the manifest says that {blob.Digest} has {blob.Size} bytes; it has {size}: pulling it will fail\"");
    }
}
