using Microsoft.AspNetCore.Http;
using Pail.Oci;
using Pail.Server.Caches;
using Pail.Server.Errors;
using Pail.Server.Events;
using Pail.Server.Http;
using Pail.Server.Routing;
using Pail.Server.Watching;

namespace Pail.Server.Manifests;

/// <summary>Serves manifests: from memory what is known by digest, with one request to the bucket what is asked for by tag.</summary>
internal sealed class ManifestPulls(RegistryServices services)
{
    /// <summary>GET and HEAD <c>/v2/REPO/manifests/REFERENCE</c>. Source: OCI distribution-spec, "Pulling manifests".</summary>
    public async Task<RegistryError?> GetAsync(HttpContext context, RegistryRoute.ManifestOf route)
    {
        if (await FindAsync(route.Repository, route.Reference, context.RequestAborted) is not { } found)
            return RegistryError.ManifestUnknown.About(route.Reference.ToString());
        // A client that has it already uses it, too; one that only asks whether it is there does not.
        if (HttpMethods.IsGet(context.Request.Method))
            services.Pulls.Record(route.Repository, route.Reference);
        var headers = context.Response.Headers;
        headers[HeaderValues.DigestName] = found.Digest;
        headers.ETag = found.ETag;
        if (Conditions.HasIt(context.Request, found.Digest[0]!))
            Answers.Empty(context.Response, StatusCodes.Status304NotModified);
        else
            await Answers.BodyAsync(context, found.Manifest.MediaType, found.Manifest.Bytes);
        if (services.Events is { } events && HttpMethods.IsGet(context.Request.Method))
            await TellAsync(events, context, route, found.Manifest.Descriptor);
        return null;
    }

    // The client has its answer: an event that the bucket does not take is in the log, and sent from memory.
    private static async Task TellAsync(EventQueue events, HttpContext context, RegistryRoute.ManifestOf route, Descriptor manifest)
    {
        try
        {
            await events.AddAsync(context, "pull", route.Repository, manifest, [route.Reference.Tag]);
        }
        catch (PailException)
        {
        }
    }

    /// <summary>The manifest of that name; null if there is none. A HEAD fetches as a GET does: the GET that follows it is free then.</summary>
    public ValueTask<CachedManifest?> FindAsync(RepositoryName repository, Reference reference, CancellationToken cancel)
    {
        if (reference.Digest is not { } digest)
            return new(ByTagAsync(repository, reference, cancel));
        if (services.Manifests.Get(repository, digest) is not { } known || !services.Manifests.IsFresh(known))
            return new(ByDigestAsync(repository, reference, cancel));
        ServerMetrics.Asked("manifest", "hit");
        return new(known);
    }

    private async Task<CachedManifest?> ByDigestAsync(RepositoryName repository, Reference reference, CancellationToken cancel)
    {
        var cache = services.Manifests;
        var digest = reference.Digest!.Value;
        if (cache.Get(repository, digest) is not { } known)
        {
            ServerMetrics.Asked("manifest", "miss");
            return (await ReadAsync(repository, reference, cancel))?.Manifest;
        }
        ServerMetrics.Asked("manifest", "revalidated");
        if (await services.Bucket.Repository(repository).Manifests.HeadAsync(reference, cancel) is null)
        {
            cache.Forget(repository, digest);
            return null;
        }
        cache.Confirm(known);
        return known;
    }

    private async Task<CachedManifest?> ByTagAsync(RepositoryName repository, Reference reference, CancellationToken cancel)
    {
        var (tags, tag) = (services.Tags, reference.Tag!);
        var removals = tags.Removals;
        if (tags.Get(repository, tag) is { } seen && services.Manifests.Get(repository, seen.Digest) is { } known)
        {
            if (tags.IsFresh(seen))
            {
                ServerMetrics.Asked("tag", "hit");
                return known;
            }
            if (await services.Bucket.Repository(repository).Manifests.HeadAsync(reference, cancel) is not { } version)
            {
                tags.Forget(repository, tag);
                return null;
            }
            // The digest says more than the ETag, where the object carries it.
            var now = version.Digest is { } stated ? services.Manifests.Get(repository, stated) : version.ETag == seen.ETag ? known : null;
            if (now is not null)
            {
                ServerMetrics.Asked("tag", "revalidated");
                tags.Saw(repository, tag, now.Manifest.Digest, version.ETag, removals);
                return now;
            }
        }
        ServerMetrics.Asked("tag", "miss");
        if (await ReadAsync(repository, reference, cancel) is not var (manifest, etag))
        {
            tags.Forget(repository, tag);
            return null;
        }
        tags.Saw(repository, tag, manifest.Manifest.Digest, etag, removals);
        return manifest;
    }

    private async Task<(CachedManifest Manifest, string ETag)?> ReadAsync(RepositoryName repository, Reference reference, CancellationToken cancel)
    {
        var (removals, blobRemovals) = (services.Manifests.Removals, services.Blobs.Removals);
        if (await services.Bucket.Repository(repository).Manifests.ReadAsync(reference, cancel) is not var (manifest, info))
            return null;
        // The client's next questions.
        if (services.Options.RedirectsBlobs)
            foreach (var blob in manifest.Blobs)
                services.Blobs.RecordReferenced(repository, blob, blobRemovals);
        return (services.Manifests.Set(repository, manifest, landed: false, removals), info.ETag);
    }
}
