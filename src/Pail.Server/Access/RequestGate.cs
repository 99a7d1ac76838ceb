using Microsoft.AspNetCore.Http;
using Pail.Access;
using Pail.Server.Errors;
using Pail.Server.Routing;

namespace Pail.Server.Access;

/// <summary>
/// The one place where a request may be refused: between the route, which is known, and the handler, which has not begun.
/// <list type="number">
/// <item>What the server is configured not to do, it does for nobody.</item>
/// <item>Without rules that is all. With them, the request says what subject makes it; wrong credentials are refused, even where nobody needs any.</item>
/// <item><c>/v2/</c> asks for a login, so that clients which ask nothing else before they push learn of it.</item>
/// <item>The rules, and the token if there is one, must allow all that the request needs.</item>
/// <item>Where repositories share content, it must be about what its repository holds.</item>
/// </list>
/// </summary>
internal sealed class RequestGate(RegistryServices services)
{
    /// <summary>Decides about a request.</summary>
    /// <param name="context">The request, whose body is unread.</param>
    /// <param name="request">What it is about and does.</param>
    /// <returns>Null to let it through; else what the client gets.</returns>
    public ValueTask<RegistryError?> CheckAsync(HttpContext context, RegistryRequest request)
    {
        var options = services.Options;
        var allowed = request.Action switch
        {
            RegistryAction.Push => !options.ReadOnly,
            RegistryAction.Delete => options is { ReadOnly: false, AllowDelete: true },
            _ => true,
        };
        if (!allowed)
            return new(RegistryError.Unsupported);
        return services.Door is { } door ? AskAsync(door, context, request) : new((RegistryError?)null);
    }

    private async ValueTask<RegistryError?> AskAsync(Door door, HttpContext context, RegistryRequest request)
    {
        var (refused, visitor) = await door.AskAsync(context, request);
        if (refused is not null || visitor is null)
            return refused;
        visitor.Enter(context);
        return May(context, request, visitor)
            ? await services.Border.CheckAsync(request, context.RequestAborted)
            : Refuse(context, request, visitor);
    }

    private static bool May(HttpContext context, RegistryRequest request, Visitor visitor)
    {
        if (request.Route is RegistryRoute.Root)
            return visitor.By != Introduction.None;
        if (request.Route.Scope is not { } repository)
            return visitor.MayList();
        if (!Needs.ActionsOf(request).All(action => visitor.May(action, repository)))
            return false;
        // A client that could have a token for the source is told so. One that could not sends the blob.
        return Needs.MountSource(context, request) is not { } source || visitor.May(AccessActions.Pull, source) || !visitor.Could(AccessActions.Pull, source);
    }

    // Source: RFC 6750, 3.1. Another token may do, or another login; with a password that is right there is nothing better to bring.
    private static RegistryError Refuse(HttpContext context, RegistryRequest request, Visitor visitor) => visitor.By switch
    {
        Introduction.Password => RegistryError.Denied,
        Introduction.Token => Challenge.Of(context, request, "insufficient_scope"),
        _ => Challenge.Of(context, request, null),
    };
}
