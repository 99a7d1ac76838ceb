using System.Security.Claims;
using System.Security.Principal;
using Microsoft.AspNetCore.Http;
using Pail.Access;
using Pail.Oci;

namespace Pail.Server.Access;

/// <summary>How a request said what subject makes it.</summary>
internal enum Introduction
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>By name and password.</summary>
    Password,

    /// <summary>By a token of this registry.</summary>
    Token,
}

/// <summary>
/// What the subject of a request may do: what the rules allow it now and, if it came with a token, what that is good for.
/// There is none where there are no rules.
/// </summary>
/// <param name="subject">The subject.</param>
/// <param name="by">How it said so.</param>
/// <param name="rules">The rules of now.</param>
/// <param name="scopes">What the token is good for; empty without one.</param>
internal sealed class Visitor(Subject subject, Introduction by, AccessRules rules, IReadOnlyList<Scope> scopes)
{
    public Subject Subject => subject;

    public Introduction By => by;

    /// <summary>The visitor of a request; null where there are no rules.</summary>
    public static Visitor? Of(HttpContext context) => context.Features.Get<Visitor>();

    /// <summary>True if the request may read content of a repository; everybody may where there are no rules.</summary>
    public static bool MayPull(HttpContext context, RepositoryName repository) => Of(context) is not { } visitor || visitor.May(AccessActions.Pull, repository);

    /// <summary>True if the request may do that.</summary>
    public bool May(AccessActions action, RepositoryName repository) => Holds(action, repository) && Could(action, repository);

    /// <summary>True if the rules allow it, whatever the token is good for.</summary>
    public bool Could(AccessActions action, RepositoryName repository) => rules.Allow(subject, action, repository.ToString());

    /// <summary>True if the request may see the catalog: what it shows depends on the rules about each repository.</summary>
    public bool MayList() => (by != Introduction.Token || scopes.Any(scope => scope.Repository is null)) && rules.Know(subject, AccessActions.List);

    /// <summary>True if the catalog shows the repository.</summary>
    public bool MaySee(RepositoryName repository) => Could(AccessActions.List, repository);

    /// <summary>Says that a request is this visitor's.</summary>
    public void Enter(HttpContext context)
    {
        context.Features.Set(this);
        if (subject.Kind != SubjectKind.Anonymous)
            context.User = new ClaimsPrincipal(new GenericIdentity(subject.Kind == SubjectKind.User ? subject.Name : subject.ToString(), "pail"));
    }

    private bool Holds(AccessActions action, RepositoryName repository) =>
        by != Introduction.Token || scopes.Any(scope => scope.Repository == repository && (scope.Actions & action) != AccessActions.None);
}
