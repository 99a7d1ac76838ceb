using Pail.Access;
using Pail.Oci;

namespace Pail.Server.Access;

/// <summary>
/// What a token is asked for or good for, <c>repository:team/app:pull,push</c> or <c>registry:catalog:*</c>.
/// Source: Docker Registry v2 authentication, "Token Scope".
/// </summary>
/// <param name="Repository">The repository; null for the catalog.</param>
/// <param name="Actions">What may be done there.</param>
internal readonly record struct Scope(RepositoryName? Repository, AccessActions Actions)
{
    private const AccessActions Everything = AccessActions.Pull | AccessActions.Push | AccessActions.Delete | AccessActions.List | AccessActions.Admin;

    /// <summary>Reads a scope; null for what this registry does not have. Actions that it does not know are left out.</summary>
    public static Scope? Read(string text)
    {
        // The name may hold a colon, as that of a host and port.
        var (first, last) = (text.IndexOf(':', StringComparison.Ordinal), text.LastIndexOf(':'));
        if (first <= 0 || last <= first)
            return null;
        var (type, name) = (text[..first], text[(first + 1)..last]);
        if (type == "registry" && name == "catalog")
            return new(null, AccessActions.List);
        if (type != "repository" || !RepositoryName.TryParse(name, out var repository))
            return null;
        var actions = AccessActions.None;
        foreach (var word in text[(last + 1)..].Split(',', StringSplitOptions.TrimEntries))
            actions |= word switch
            {
                // Clients list tags with the scope that they pull with; there is no word for it.
                "pull" => AccessActions.Pull | AccessActions.List,
                "push" => AccessActions.Push,
                "delete" => AccessActions.Delete,
                "*" => Everything,
                _ => AccessActions.None,
            };
        return new(repository, actions);
    }

    /// <summary>The scope that a request needs, as challenges name it.</summary>
    public static string Of(RepositoryName repository, AccessActions action) => $"repository:{repository}:{action switch
    {
        AccessActions.Push => "pull,push",
        AccessActions.Delete => "delete",
        AccessActions.Admin => "*",
        _ => "pull",
    }}";

    /// <summary>As clients write it.</summary>
    public override string ToString() => Repository is { } name
        ? $"repository:{name}:{string.Join(',', AccessWords.Of(Actions & ~AccessActions.List).Replace("admin", "*", StringComparison.Ordinal).Split(", "))}"
        : "registry:catalog:*";
}
