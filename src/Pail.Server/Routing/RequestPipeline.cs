using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Limits;
using Pail.Server.Page;
using Pail.Server.Running;
using Pail.Server.Watching;
using Pail.Stores;

namespace Pail.Server.Routing;

/// <summary>
/// What every request goes through:
/// <list type="number">
/// <item>it is counted and timed, if anybody wants to know;</item>
/// <item>health questions are answered, all else waits for its address's turn if there are limits, and goes to its handler;</item>
/// <item>what went wrong is told in the one form errors have; an answer that breaks midway breaks its connection, so that nobody takes a part for the whole;</item>
/// <item>it gets its line in the log.</item>
/// </list>
/// </summary>
internal sealed class RequestPipeline(RegistryServices services, Dispatcher dispatcher, Health health, MetricsEndpoint? metrics, PageHandler? page)
{
    private const string AskCost = "Pail-Explain-Cost";
    private const string TellCost = "Pail-Cost";

    public Task HandleAsync(HttpContext context)
    {
        context.Response.Headers[HeaderValues.ApiVersionName] = HeaderValues.ApiVersion;
        if (services.Options.Tls is not null)
            context.Response.Headers.StrictTransportSecurity = HeaderValues.OneYear;
        if (metrics is not null && MetricsEndpoint.IsAtOwnAddress(context))
            return metrics.AnswerAloneAsync(context);
        if (context.Request.Path.Value is "/healthz" or "/healthz/details" or "/readyz")
        {
            RequestWatch.Name(context, context.Request.Path.Value);
            RequestWatch.Hide(context);
        }
        if (page is not null && PageRoute.IsOne(context.Request.Path.Value ?? ""))
            PageHandler.Protect(context.Response);
        return context.Request.Path.Value switch
        {
            "/healthz" => Health.AliveAsync(context),
            "/healthz/details" => health.DetailsAsync(context),
            "/readyz" => health.ReadyAsync(context),
            _ => services.Options.Meter is null && services.Audit is null && !services.Log.IsEnabled(LogLevel.Information) ? RequestWatch.MeasureAsync(context, AnswerAsync) : RequestWatch.MeasureAsync(context, ObservedAsync),
        };
    }

    private async Task ObservedAsync(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        var id = RequestIds.Of(context);
        context.Response.Headers[RequestIds.Header] = id;
        var cost = services.Options.Meter?.BeginScope();
        if (cost is not null && context.Request.Headers.ContainsKey(AskCost))
            context.Response.OnStarting(() =>
            {
                context.Response.Headers[TellCost] = $"a={cost.ClassA}, b={cost.ClassB}, free={Free(cost)}";
                return Task.CompletedTask;
            });
        await AnswerAsync(context, id);
        var (client, path) = (Forwarding.Client(context), PathForLog(context));
        services.Audit?.Observe(context, id);
        if (!services.Log.IsEnabled(LogLevel.Information))
            return;
        var milliseconds = Math.Round(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 3);
        services.Log.Request(
            id,
            client,
            context.Request.Method,
            path,
            context.Response.StatusCode,
            HttpMethods.IsHead(context.Request.Method) ? 0 : context.Response.ContentLength,
            milliseconds,
            context.RequestAborted.IsCancellationRequested ? true : null,
            context.User.Identity?.Name,
            cost?.ClassA,
            cost?.ClassB);
    }

    private Task AnswerAsync(HttpContext context) => AnswerAsync(context, "");

    private async Task AnswerAsync(HttpContext context, string id)
    {
        RegistryError? error;
        try
        {
            error = services.Options.Page is { LoopbackNamesOnly: true } && !Forwarding.NamesLoopback(context.Request.Host)
                ? RegistryError.BadRequest.WithStatus(StatusCodes.Status421MisdirectedRequest)
                : services.ByAddress is { } limiter && await limiter.EnterAsync(context, Limiter.KeyOf(context.Connection.RemoteIpAddress)) is { } early
                ? early
                : await dispatcher.DispatchAsync(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone: there is nobody to tell, and what it broke off is not worth a line of its own.
            return;
        }
        catch (Exception e)
        {
            error = ErrorAnswers.Of(e);
            Report(context, id, e, error);
        }
        if (error is null)
            return;
        if (context.Response.HasStarted)
            context.Abort();
        else if (page is not null && PageRoute.IsOne(context.Request.Path.Value ?? ""))
            await page.WriteErrorAsync(context, error);
        else
            await ErrorAnswers.WriteAsync(context, error);
    }

    private void Report(HttpContext context, string id, Exception e, RegistryError error)
    {
        var path = PathForLog(context);
        if (StoreFailures.Find(e) is { } store && StoreFailures.Advice(store) is { } advice)
            services.Log.BucketRefused(id, path, $"{store.Message} {advice}");
        else if (error.Status >= 500 && e is PailException or RegistryException)
            services.Log.BucketFailed(id, path, e.Message);
        else if (error.Status >= 500)
            services.Log.RequestFailed(e, id, path, $"{e.GetType().Name}: {Oci.SafeText.OneLine(e.Message)}");
    }

    /// <summary>The path as logs and traces may show it: without the query, and without the sealed part of an upload's address, with which anybody could go on with the upload.</summary>
    public static string PathForLog(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        foreach (var part in (ReadOnlySpan<string>)["/blobs/uploads/", "/_pail/"])
            if (path.IndexOf(part, StringComparison.Ordinal) is var at and >= 0)
                return path[..(at + part.Length)] + "…";
        return Oci.SafeText.OneLine(path, 400);
    }

    private static long Free(RequestMeter cost) =>
        cost.Counts.GetValueOrDefault(StoreOperation.DeleteObject) + cost.Counts.GetValueOrDefault(StoreOperation.AbortMultipartUpload);
}
