using Microsoft.AspNetCore.Http;
using Pail.Access;
using Pail.Oci;
using Pail.Server.Routing;

namespace Pail.Server.Access;

/// <summary>One right that a request needs.</summary>
/// <param name="Repository">Where; null for the catalog.</param>
/// <param name="Action">What.</param>
internal readonly record struct Need(RepositoryName? Repository, AccessActions Action)
{
    /// <summary>As a challenge names it.</summary>
    public string ToScope() => Repository is { } name ? Scope.Of(name, Action) : "registry:catalog:*";
}

/// <summary>The rights that requests need.</summary>
internal static class Needs
{
    /// <summary>The rights that a request can't do without; and, last, the one to mount from, which it can do without.</summary>
    public static IEnumerable<Need> Of(HttpContext context, RegistryRequest request)
    {
        if (request.Route is RegistryRoute.Root)
            yield break;
        foreach (var action in ActionsOf(request))
            yield return new(request.Route.Scope, action);
        if (MountSource(context, request) is { } source)
            yield return new(source, AccessActions.Pull);
    }

    /// <summary>What a request does, in its repository.</summary>
    public static IReadOnlyList<AccessActions> ActionsOf(RegistryRequest request) => (request.Route, request.Action) switch
    {
        // The push of a manifest makes what it names part of an image: the subject must be able to read that.
        (RegistryRoute.ManifestOf, RegistryAction.Push) => [AccessActions.Push, AccessActions.Pull],
        (_, RegistryAction.Push) => [AccessActions.Push],
        (_, RegistryAction.Delete) => [AccessActions.Delete],
        (_, RegistryAction.List) => [AccessActions.List],
        _ => [AccessActions.Pull],
    };

    /// <summary>The other repository that a request says a blob shall be mounted from; null if it names none.</summary>
    public static RepositoryName? MountSource(HttpContext context, RegistryRequest request) =>
        request.Route is RegistryRoute.Uploads { Repository: var to } && context.Request.Query.ContainsKey("mount") && RepositoryName.TryParse(context.Request.Query["from"], out var from) && from != to
            ? from
            : null;
}
