using Microsoft.AspNetCore.Http;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Uploads;

namespace Pail.Server.Routing;

/// <summary>
/// The way of every request: path, route, handler of its method; and what went wrong, told in the one form errors have.
/// A handler answers and returns null, or returns an error and has answered nothing.
/// </summary>
internal sealed class Dispatcher(UploadHandlers uploads)
{
    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers[HeaderValues.ApiVersionName] = HeaderValues.ApiVersion;
        RegistryError? error;
        try
        {
            error = RouteParser.Parse(context.Request.Path.Value ?? "", out var route) ?? await DispatchAsync(context, route);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            error = ErrorAnswers.Of(e);
        }
        if (error is not null)
            await ErrorAnswers.WriteAsync(context, error);
    }

    private Task<RegistryError?> DispatchAsync(HttpContext context, RegistryRoute route)
    {
        var method = context.Request.Method;
        return (method, route) switch
        {
            ("POST", RegistryRoute.Uploads start) => uploads.StartAsync(context, start),
            ("PATCH", RegistryRoute.Upload upload) => uploads.AppendAsync(context, upload),
            ("PUT", RegistryRoute.Upload upload) => uploads.FinishAsync(context, upload),
            ("GET", RegistryRoute.Upload upload) => uploads.StatusAsync(context, upload),
            ("DELETE", RegistryRoute.Upload upload) => uploads.CancelAsync(context, upload),
            (_, RegistryRoute.Direct direct) => uploads.DirectAsync(context, direct),
            _ => NotAllowedAsync(context, route),
        };
    }

    private static Task<RegistryError?> NotAllowedAsync(HttpContext context, RegistryRoute route)
    {
        context.Response.Headers.Allow = route.Methods;
        return Task.FromResult<RegistryError?>(RegistryError.MethodNotAllowed);
    }
}
