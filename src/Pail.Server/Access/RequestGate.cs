using Microsoft.AspNetCore.Http;
using Pail.Server.Errors;
using Pail.Server.Routing;

namespace Pail.Server.Access;

/// <summary>The one place where a request may be refused: between the route, which is known, and the handler, which has not begun.</summary>
internal sealed class RequestGate(ServerOptions options)
{
    /// <summary>Decides about a request.</summary>
    /// <param name="context">The request, whose body is unread.</param>
    /// <param name="request">What it is about and does.</param>
    /// <returns>Null to let it through; else what the client gets.</returns>
    public ValueTask<RegistryError?> CheckAsync(HttpContext context, RegistryRequest request)
    {
        var allowed = request.Action switch
        {
            RegistryAction.Push => !options.ReadOnly,
            RegistryAction.Delete => options is { ReadOnly: false, AllowDelete: true },
            _ => true,
        };
        return new(allowed ? null : RegistryError.Unsupported);
    }
}
