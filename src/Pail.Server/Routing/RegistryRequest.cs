using Pail.Server.Errors;

namespace Pail.Server.Routing;

/// <summary>What a request is about and does, known before anything else happens.</summary>
/// <param name="Route">What its path names.</param>
/// <param name="Action">What its method does to that.</param>
internal readonly record struct RegistryRequest(RegistryRoute Route, RegistryAction Action)
{
    /// <summary>Reads a method and a path. Pure.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path, with its leading slash; see <see cref="RouteParser"/>.</param>
    /// <param name="request">What they say.</param>
    /// <returns>Null if they say something; else what is wrong with them.</returns>
    public static RegistryError? Parse(string method, string path, out RegistryRequest request)
    {
        request = default;
        if (RouteParser.Parse(path, RegistryRoute.IsRead(method), out var route) is { } error)
            return error;
        if (route.ActionOf(method) is not { } action)
            return RegistryError.MethodNotAllowed with { Allow = route.Methods };
        request = new(route, action);
        return null;
    }
}
