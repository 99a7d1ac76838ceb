using Microsoft.AspNetCore.Http;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Routing;

namespace Pail.Server.Manifests;

/// <summary>Removes tags, manifests and blobs; this replica forgets them at once. Source: OCI distribution-spec, "Content Management".</summary>
internal sealed class Deletions(RegistryServices services)
{
    /// <summary>DELETE <c>/v2/REPO/manifests/REFERENCE</c>: a tag alone, or a manifest with all its tags.</summary>
    public async Task<RegistryError?> ManifestAsync(HttpContext context, RegistryRoute.ManifestOf route)
    {
        var existed = await RemoveAsync(context, route.Repository, route.Reference);
        return Answer(context, existed, RegistryError.ManifestUnknown, route.Reference.ToString());
    }

    /// <summary>Removes a tag alone, or a manifest with all its tags; false if there is none.</summary>
    public async Task<bool> RemoveAsync(HttpContext context, RepositoryName repository, Reference reference)
    {
        RemovedManifest? removed;
        try
        {
            removed = reference.Digest is { } digest
                ? await services.Open(repository, context).Manifests.RemoveAsync(digest, keepsContent: services.Border.IsOn, context.RequestAborted)
                : await services.Open(repository, context).Tags.RemoveAsync(reference.Tag!, context.RequestAborted);
        }
        finally
        {
            // Also if it failed: it may have taken effect all the same.
            if (reference.Digest is { } digest)
                services.Manifests.Forget(repository, digest);
            else
                services.Tags.Forget(repository, reference.Tag!);
        }
        if (services.Border.IsOn && reference.Digest is { } held)
            await services.Border.RemoveAsync(repository, held, context.RequestAborted);
        // A manifest goes after its tags.
        if (services.Events is { } events && removed?.Manifest is { } gone)
            await events.AddAsync(context, "delete", repository, gone, [.. removed.Tags, .. reference.Digest is null ? Array.Empty<string?>() : [null]]);
        return removed is not null;
    }

    /// <summary>DELETE <c>/v2/REPO/blobs/DIGEST</c>.</summary>
    public async Task<RegistryError?> BlobAsync(HttpContext context, RegistryRoute.Blob route)
    {
        if (services.Border.IsOn)
        {
            // Others may hold the same: the content stays for the collector. That it was held the gate has seen.
            await services.Border.RemoveAsync(route.Repository, route.Digest, context.RequestAborted);
            return Answer(context, existed: true, RegistryError.BlobUnknown, route.Digest.ToString());
        }
        bool existed;
        try
        {
            existed = await services.Bucket.Repository(route.Repository).Blobs.DeleteAsync(route.Digest, context.RequestAborted);
        }
        finally
        {
            services.Blobs.Forget(route.Repository, route.Digest);
        }
        return Answer(context, existed, RegistryError.BlobUnknown, route.Digest.ToString());
    }

    private static RegistryError? Answer(HttpContext context, bool existed, RegistryError unknown, string what)
    {
        if (!existed)
            return unknown.About(what);
        Answers.Empty(context.Response, StatusCodes.Status202Accepted);
        return null;
    }
}
