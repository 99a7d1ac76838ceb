using Microsoft.AspNetCore.Http;
using Pail.Server.Access;
using Pail.Server.Blobs;
using Pail.Server.Discovery;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Manifests;
using Pail.Server.Page;
using Pail.Server.Uploads;
using Pail.Server.Watching;

namespace Pail.Server.Routing;

/// <summary>
/// From a request to the handler that answers: route, gate, handler. A handler answers and returns null, or returns an error
/// and has answered nothing.
/// </summary>
internal sealed class Dispatcher(RegistryServices services, UploadHandlers uploads, MetricsEndpoint? metrics, PageHandler? page)
{
    private static readonly ReadOnlyMemory<byte> EmptyObject = "{}"u8.ToArray();

    private readonly RequestGate _gate = new(services);
    private readonly ManifestPulls _manifests = new(services);
    private readonly ManifestPushes _pushes = new(services);
    private readonly Deletions _deletions = new(services);
    private readonly BlobPulls _blobs = new(services);
    private readonly Listings _listings = new(services);
    private readonly TokenEndpoint? _tokens = services.Door is { } door ? new(door, services.Time) : null;
    private readonly ReferrerListing _referrers = new(services, new ManifestPulls(services));

    public async Task<RegistryError?> DispatchAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (page is not null && PageRoute.IsOne(path))
        {
            RequestWatch.Name(context, path == "/" ? path : PageRoute.Prefix + "{view}");
            return await page.AnswerAsync(context);
        }
        if (path == "/v2")
            return RedirectToRoot(context);
        if (path == Challenge.TokenPath && _tokens is not null)
        {
            RequestWatch.Name(context, Challenge.TokenPath);
            return await _tokens.AnswerAsync(context);
        }
        if (path == MetricsEndpoint.Path && metrics is not null)
        {
            RequestWatch.Name(context, MetricsEndpoint.Path);
            return await metrics.AnswerAsync(context);
        }
        if (RegistryRequest.Parse(context.Request.Method, path, out var request) is { } wrong)
            return wrong;
        RequestWatch.Name(context, RequestWatch.TemplateOf(request.Route));
        return await _gate.CheckAsync(context, request)
            ?? await HandleAsync(context, request.Route);
    }

    private Task<RegistryError?> HandleAsync(HttpContext context, RegistryRoute route) => (route, context.Request.Method) switch
    {
        (RegistryRoute.ManifestOf manifest, "PUT") => _pushes.PutAsync(context, manifest),
        (RegistryRoute.ManifestOf manifest, "DELETE") => _deletions.ManifestAsync(context, manifest),
        (RegistryRoute.ManifestOf manifest, _) => _manifests.GetAsync(context, manifest),
        (RegistryRoute.Blob blob, "DELETE") => _deletions.BlobAsync(context, blob),
        (RegistryRoute.Blob blob, "HEAD") => _blobs.HeadAsync(context, blob),
        (RegistryRoute.Blob blob, _) => _blobs.GetAsync(context, blob),
        (RegistryRoute.Uploads start, _) => uploads.StartAsync(context, start),
        (RegistryRoute.Upload upload, "PATCH") => uploads.AppendAsync(context, upload),
        (RegistryRoute.Upload upload, "PUT") => uploads.FinishAsync(context, upload),
        (RegistryRoute.Upload upload, "DELETE") => uploads.CancelAsync(context, upload),
        (RegistryRoute.Upload upload, _) => uploads.StatusAsync(context, upload),
        (RegistryRoute.Direct direct, _) => uploads.DirectAsync(context, direct),
        (RegistryRoute.Tags tags, _) => _listings.TagsAsync(context, tags),
        (RegistryRoute.Referrers referrers, _) => _referrers.GetAsync(context, referrers),
        (RegistryRoute.Catalog, _) => _listings.CatalogAsync(context),
        _ => RootAsync(context),
    };

    private async Task<RegistryError?> RootAsync(HttpContext context)
    {
        if (services.Options is { ReadOnly: false, Redirect: not null })
            context.Response.Headers[HeaderValues.ExtensionsName] = HeaderValues.DirectUpload;
        await Answers.BodyAsync(context, HeaderValues.Json, EmptyObject);
        return null;
    }

    private static RegistryError? RedirectToRoot(HttpContext context)
    {
        Answers.Empty(context.Response, StatusCodes.Status301MovedPermanently);
        context.Response.Headers.Location = "/v2/";
        return null;
    }
}
