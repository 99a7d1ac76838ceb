using Microsoft.AspNetCore.Http;
using Pail.Server.Blobs;
using Pail.Server.Discovery;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Manifests;
using Pail.Server.Uploads;

namespace Pail.Server.Routing;

/// <summary>
/// From a path and a method to the handler that answers. A handler answers and returns null, or returns an error and has
/// answered nothing.
/// </summary>
internal sealed class Dispatcher(RegistryServices services, UploadHandlers uploads)
{
    private static readonly Task<RegistryError?> Refused = Task.FromResult<RegistryError?>(RegistryError.Unsupported);

    private static readonly ReadOnlyMemory<byte> EmptyObject = "{}"u8.ToArray();

    private readonly ManifestPulls _manifests = new(services);
    private readonly ManifestPushes _pushes = new(services);
    private readonly Deletions _deletions = new(services);
    private readonly BlobPulls _blobs = new(services);
    private readonly Listings _listings = new(services);
    private readonly ReferrerListing _referrers = new(services, new ManifestPulls(services));
    private readonly bool _pushable = !services.Options.ReadOnly;
    private readonly bool _deletable = services.Options is { ReadOnly: false, AllowDelete: true };

    public Task<RegistryError?> DispatchAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path == "/v2")
            return RedirectToRootAsync(context);
        return RouteParser.Parse(path, out var route) is { } error ? Task.FromResult<RegistryError?>(error) : route switch
        {
            RegistryRoute.ManifestOf manifest => ManifestAsync(context, manifest),
            RegistryRoute.Blob blob => BlobAsync(context, blob),
            RegistryRoute.Uploads start => UploadsAsync(context, start),
            RegistryRoute.Upload upload => UploadAsync(context, upload),
            RegistryRoute.Direct direct => _pushable ? uploads.DirectAsync(context, direct) : Refused,
            _ => DiscoverAsync(context, route),
        };
    }

    private Task<RegistryError?> ManifestAsync(HttpContext context, RegistryRoute.ManifestOf route) => context.Request.Method switch
    {
        "GET" or "HEAD" => _manifests.GetAsync(context, route),
        "PUT" => _pushable ? _pushes.PutAsync(context, route) : Refused,
        "DELETE" => _deletable ? _deletions.ManifestAsync(context, route) : Refused,
        _ => NotAllowedAsync(context, route),
    };

    private Task<RegistryError?> BlobAsync(HttpContext context, RegistryRoute.Blob route) => context.Request.Method switch
    {
        "GET" => _blobs.GetAsync(context, route),
        "HEAD" => _blobs.HeadAsync(context, route),
        "DELETE" => _deletable ? _deletions.BlobAsync(context, route) : Refused,
        _ => NotAllowedAsync(context, route),
    };

    private Task<RegistryError?> UploadsAsync(HttpContext context, RegistryRoute.Uploads route) => context.Request.Method switch
    {
        "POST" => _pushable ? uploads.StartAsync(context, route) : Refused,
        _ => NotAllowedAsync(context, route),
    };

    private Task<RegistryError?> UploadAsync(HttpContext context, RegistryRoute.Upload route) => context.Request.Method switch
    {
        "PATCH" => _pushable ? uploads.AppendAsync(context, route) : Refused,
        "PUT" => _pushable ? uploads.FinishAsync(context, route) : Refused,
        "GET" => _pushable ? uploads.StatusAsync(context, route) : Refused,
        "DELETE" => _pushable ? uploads.CancelAsync(context, route) : Refused,
        _ => NotAllowedAsync(context, route),
    };

    private Task<RegistryError?> DiscoverAsync(HttpContext context, RegistryRoute route)
    {
        if (context.Request.Method is not ("GET" or "HEAD"))
            return NotAllowedAsync(context, route);
        return route switch
        {
            RegistryRoute.Tags tags => _listings.TagsAsync(context, tags),
            RegistryRoute.Referrers referrers => _referrers.GetAsync(context, referrers),
            RegistryRoute.Catalog => _listings.CatalogAsync(context),
            _ => RootAsync(context),
        };
    }

    private async Task<RegistryError?> RootAsync(HttpContext context)
    {
        if (_pushable && services.Options.Redirect is not null)
            context.Response.Headers[HeaderValues.ExtensionsName] = HeaderValues.DirectUpload;
        await Answers.BodyAsync(context, HeaderValues.Json, EmptyObject);
        return null;
    }

    private static Task<RegistryError?> RedirectToRootAsync(HttpContext context)
    {
        Answers.Empty(context.Response, StatusCodes.Status301MovedPermanently);
        context.Response.Headers.Location = "/v2/";
        return Task.FromResult<RegistryError?>(null);
    }

    private static Task<RegistryError?> NotAllowedAsync(HttpContext context, RegistryRoute route)
    {
        context.Response.Headers.Allow = route.Methods;
        return Task.FromResult<RegistryError?>(RegistryError.MethodNotAllowed);
    }
}
