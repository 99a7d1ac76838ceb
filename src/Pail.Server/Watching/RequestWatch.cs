using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Pail.Server.Audit;
using Pail.Server.Limits;
using Pail.Server.Routing;
using Pail.Server.Running;

namespace Pail.Server.Watching;

/// <summary>Names what is measured and timed of requests. Source: OpenTelemetry semantic conventions, "HTTP".</summary>
internal static class RequestWatch
{
    /// <summary>Says which route a request is on.</summary>
    /// <param name="context">The request.</param>
    /// <param name="template">The route with names in braces where its values stand, such as <c>/v2/{name}/blobs/{digest}</c>.</param>
    public static void Name(HttpContext context, string template)
    {
        context.Features.Get<IHttpMetricsTagsFeature>()?.Tags.Add(new("http.route", template));
        if (SpanOf(context) is { IsAllDataRequested: true } span)
        {
            span.DisplayName = $"{context.Request.Method} {template}";
            span.SetTag("http.route", template);
        }
    }

    /// <summary>The template of a route of the registry API.</summary>
    public static string TemplateOf(RegistryRoute route) => route switch
    {
        RegistryRoute.Catalog => "/v2/_catalog",
        RegistryRoute.Tags => "/v2/{name}/tags/list",
        RegistryRoute.Referrers => "/v2/{name}/referrers/{digest}",
        RegistryRoute.ManifestOf => "/v2/{name}/manifests/{reference}",
        RegistryRoute.Blob => "/v2/{name}/blobs/{digest}",
        RegistryRoute.Uploads => "/v2/{name}/blobs/uploads/",
        RegistryRoute.Upload => "/v2/{name}/blobs/uploads/{session}",
        RegistryRoute.Direct => "/v2/{name}/_pail/{rest}",
        _ => "/v2/",
    };

    /// <summary>Keeps a request out of what is exported: such as nobody looks for, and there are many of.</summary>
    public static void Hide(HttpContext context)
    {
        if (SpanOf(context) is { } span)
            (span.IsAllDataRequested, span.ActivityTraceFlags) = (false, span.ActivityTraceFlags & ~ActivityTraceFlags.Recorded);
    }

    /// <summary>Measures a request from its begin to its end.</summary>
    public static async Task MeasureAsync(HttpContext context, Func<HttpContext, Task> answer)
    {
        CountedBody? body = null;
        if (ServerMetrics.CountsBytes && context.Request.Method is "POST" or "PUT" or "PATCH" && context.Features.Get<IRequestBodyPipeFeature>() is { } given)
            context.Features.Set<IRequestBodyPipeFeature>(body = new CountedBody(given));
        await answer(context);
        var isAborted = context.RequestAborted.IsCancellationRequested;
        ServerMetrics.Moved(body?.Count ?? 0, isAborted || HttpMethods.IsHead(context.Request.Method) ? 0 : context.Response.ContentLength ?? 0);
        if (context.Response.StatusCode >= 400 && context.Features.Get<AuditMark>() is { } mark)
            ServerMetrics.Refused(mark.Kind);
        if (SpanOf(context) is { IsAllDataRequested: true } span)
            Describe(span, context, isAborted);
    }

    private static void Describe(Activity span, HttpContext context, bool isAborted)
    {
        var (request, status) = (context.Request, context.Response.StatusCode);
        span.SetTag("http.request.method", request.Method).SetTag("url.scheme", request.Scheme).SetTag("url.path", RequestPipeline.PathForLog(context));
        span.SetTag("client.address", Forwarding.Client(context)).SetTag("user_agent.original", Oci.SafeText.OneLine(request.Headers.UserAgent));
        span.SetTag("http.response.status_code", status);
        if (status >= 500 || isAborted)
            span.SetStatus(ActivityStatusCode.Error).SetTag("error.type", isAborted ? "aborted" : status.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    private static Activity? SpanOf(HttpContext context) => context.Features.Get<IHttpActivityFeature>()?.Activity;
}
