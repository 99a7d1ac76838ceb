using Microsoft.AspNetCore.Http;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Routing;

namespace Pail.Server.Blobs;

/// <summary>
/// Serves blobs. Source: OCI distribution-spec, "Pulling blobs".
/// HEAD is answered: from memory what was seen lately, else with one HEAD to the bucket. GET is redirected to the bucket,
/// where it can sign addresses, or to a CDN in front of it, without a request for what is known or named by a manifest served from here; else the bytes
/// are passed through.
/// </summary>
internal sealed class BlobPulls(RegistryServices services)
{
    private readonly BlobStream _stream = new(services);
    private readonly MissedBlobs _missed = new(services);

    /// <summary>HEAD <c>/v2/REPO/blobs/DIGEST</c>.</summary>
    public async Task<RegistryError?> HeadAsync(HttpContext context, RegistryRoute.Blob route)
    {
        if (await SizeOnceAsync(context, route) is not { } size)
            return RegistryError.BlobUnknown.About(route.Digest.ToString());
        if (!services.Options.ReadOnly && !await services.Promises.MakeAsync(services.Bucket, route.Repository, route.Digest, context.RequestAborted))
        {
            services.Blobs.Forget(route.Repository, route.Digest);
            if (await SizeAsync(route.Repository, route.Digest, context.RequestAborted) is null)
                return RegistryError.BlobUnknown.About(route.Digest.ToString());
        }
        if (!NotModified(context, route.Digest))
        {
            context.Response.ContentType = MediaTypes.OctetStream;
            context.Response.ContentLength = size;
        }
        return null;
    }

    /// <summary>GET <c>/v2/REPO/blobs/DIGEST</c>, also of a range.</summary>
    /// <remarks>
    /// Podman asks for several ranges of a layer that is <c>zstd:chunked</c>. Buckets differ in what they make of that, and Ceph
    /// RGW sends the first range alone, at which Podman gives up: so the server sends the whole, which Podman takes.
    /// </remarks>
    public Task<RegistryError?> GetAsync(HttpContext context, RegistryRoute.Blob route) =>
        services.Options.RedirectsBlobs && !RangeHeader.IsOfSeveral(context.Request.Headers.Range) ? RedirectAsync(context, route) : StreamAsync(context, route);

    private async Task<RegistryError?> RedirectAsync(HttpContext context, RegistryRoute.Blob route)
    {
        // An address for what is not there would be answered by the bucket, in its own words.
        if (!services.Blobs.IsExpected(route.Repository, route.Digest) && await SizeAsync(route.Repository, route.Digest, context.RequestAborted) is null)
            return RegistryError.BlobUnknown.About(route.Digest.ToString());
        if (Conditions.HasIt(context.Request, route.Digest.ToString()))
        {
            NotModified(context, route.Digest);
            return null;
        }
        // The bucket may not mind a range that ends before it begins, or past the end.
        var size = services.Blobs.IsThere(route.Repository, route.Digest, out var known) ? known : long.MaxValue;
        if (RangeHeader.Read(Conditions.Range(context.Request, route.Digest.ToString()), size).Kind == RangeKind.Unsatisfiable)
            return BlobStream.Unsatisfiable(context, size);
        var options = services.Options;
        var blobs = services.Bucket.Repository(route.Repository).Blobs;
        var address = options.Cdn?.Locate(blobs.KeyOf(route.Digest), services.Time.GetUtcNow() + options.SignedLifetime)
            ?? blobs.Presign(options.Redirect!, route.Digest, options.SignedLifetime);
        Answers.Empty(context.Response, StatusCodes.Status307TemporaryRedirect);
        context.Response.Headers.Location = address.AbsoluteUri;
        context.Response.Headers[HeaderValues.DigestName] = route.Digest.ToString();
        return null;
    }

    private async Task<RegistryError?> StreamAsync(HttpContext context, RegistryRoute.Blob route)
    {
        var digest = route.Digest.ToString();
        if (Conditions.HasIt(context.Request, digest))
        {
            if (await SizeAsync(route.Repository, route.Digest, context.RequestAborted) is null)
                return RegistryError.BlobUnknown.About(digest);
            NotModified(context, route.Digest);
            return null;
        }
        if (Conditions.Range(context.Request, digest) is not { } header)
            return await _stream.SendAsync(context, route, null);
        if (await SizeAsync(route.Repository, route.Digest, context.RequestAborted) is not { } size)
            return RegistryError.BlobUnknown.About(digest);
        var range = RangeHeader.Read(header, size);
        return range.Kind switch
        {
            RangeKind.Unsatisfiable => BlobStream.Unsatisfiable(context, size),
            RangeKind.Part => await _stream.SendAsync(context, route, range),
            _ => await _stream.SendAsync(context, route, null),
        };
    }

    // The same, without asking again for what was just found missing.
    private async ValueTask<long?> SizeOnceAsync(HttpContext context, RegistryRoute.Blob route)
    {
        if (services.Blobs.IsThere(route.Repository, route.Digest, out var known))
            return known;
        if (_missed.WasAskedJustNow(context, route))
            return null;
        var size = await SizeAsync(route.Repository, route.Digest, context.RequestAborted);
        if (size is null)
            _missed.Remember(context, route);
        return size;
    }

    // The size of a blob; null if there is none.
    private async ValueTask<long?> SizeAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        var blobs = services.Blobs;
        if (blobs.IsThere(repository, digest, out var known))
            return known;
        var removals = blobs.Removals;
        if (await services.Bucket.Repository(repository).Blobs.FindAsync(digest, cancel) is not { Size: var size })
        {
            if (blobs.IsExpected(repository, digest))
                blobs.Forget(repository, digest);
            return null;
        }
        blobs.Found(repository, digest, size, removals);
        return size;
    }

    // Sets what every answer about a blob carries; true if the client has it, and then all is said.
    private static bool NotModified(HttpContext context, Digest digest)
    {
        BlobStream.Describe(context.Response.Headers, digest.ToString());
        if (!Conditions.HasIt(context.Request, digest.ToString()))
            return false;
        Answers.Empty(context.Response, StatusCodes.Status304NotModified);
        return true;
    }
}
