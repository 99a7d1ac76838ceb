using Microsoft.AspNetCore.Http;
using Pail.Oci;

namespace Pail.Server.Audit;

/// <summary>Says of a request why it was refused, for the audit trail; set where that is decided.</summary>
/// <param name="Kind"><c>login-failed</c> or <c>denied</c>.</param>
/// <param name="User">Who it says it is, if there is such a user or robot.</param>
internal sealed record AuditMark(string Kind, string? User)
{
    /// <summary>The login of a request failed.</summary>
    /// <param name="context">The request.</param>
    /// <param name="user">The name, if somebody has it: what else people type there may be a password.</param>
    public static void LoginFailed(HttpContext context, string? user) => context.Features.Set(new AuditMark("login-failed", user));

    /// <summary>The login was good after all.</summary>
    public static void Clear(HttpContext context) => context.Features.Set<AuditMark>(null);

    /// <summary>A request was denied.</summary>
    public static void Denied(HttpContext context) => context.Features.Set(new AuditMark("denied", null));

    /// <summary>The repository and reference, where the path does not tell.</summary>
    public (RepositoryName Repository, Reference Reference)? Image { get; private init; }

    /// <summary>The page did something.</summary>
    public static void Done(HttpContext context, string kind, RepositoryName repository, Reference reference) => context.Features.Set(new AuditMark(kind, null) { Image = (repository, reference) });
}
