using Microsoft.AspNetCore.Http;
using Pail.Access;
using Pail.Oci;
using Pail.Server.Access;
using Pail.Server.Audit;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Stores;

namespace Pail.Server.Page;

/// <summary>One request for a view: what is asked for, by whom, and the means to answer.</summary>
internal sealed class PageRequest(RegistryServices services, HttpContext context, PageRoute route, PageOptions options, RequestMeter cost)
{
    public RegistryServices Services => services;

    public HttpContext Context => context;

    public PageRoute Route => route;

    public PageOptions Options => options;

    /// <summary>The requests that the answer took so far.</summary>
    public RequestMeter Cost => cost;

    public CancellationToken Cancel => context.RequestAborted;

    /// <summary>The session of the browser; null if it has none.</summary>
    public PageSession? Session { get; set; }

    /// <summary>The repository of the path. Views that need one are not reached without.</summary>
    public RepositoryName Repository => route.Repository!.Value;

    /// <summary>True if somebody is signed in.</summary>
    public bool IsSignedIn => Session is { Subject.Kind: not SubjectKind.Anonymous };

    /// <summary>The time.</summary>
    public DateTimeOffset Now => services.Time.GetUtcNow();

    /// <summary>A value of the query; null if it is not there, or empty.</summary>
    public string? Query(string name) => context.Request.Query[name].ToString() is { Length: > 0 } value ? value : null;

    /// <summary>True if the subject may do that, and the server is configured to.</summary>
    public bool May(AccessActions action, RepositoryName repository) =>
        (action is AccessActions.Pull or AccessActions.List || services.Options is { ReadOnly: false })
        && (action != AccessActions.Delete || services.Options.AllowDelete)
        && (Visitor.Of(context) is not { } visitor || visitor.May(action, repository));

    /// <summary>Asks to sign in, or says to a subject that has signed in that it may not do what it asks for: whether there is such a repository or not.</summary>
    public RegistryError? Refuse()
    {
        if (services.Door is null || IsSignedIn || !HttpMethods.IsGet(context.Request.Method))
        {
            AuditMark.Denied(context);
            return RegistryError.Denied;
        }
        Redirect(PageRoute.With("/-/sign-in", ("to", context.Request.Path.Value + context.Request.QueryString.Value)));
        return null;
    }

    /// <summary>Sends the browser to another view of the page, by GET.</summary>
    public void Redirect(string to)
    {
        Answers.Empty(context.Response, StatusCodes.Status303SeeOther);
        context.Response.Headers.Location = string.Concat(to.Select(c => c > '\x7e' ? Uri.EscapeDataString(c.ToString()) : c.ToString()));
    }

    /// <summary>Answers with a view.</summary>
    public async Task<RegistryError?> ShowAsync(string title, Html body, IReadOnlyList<Crumb>? crumbs = null, int status = StatusCodes.Status200OK)
    {
        context.Response.StatusCode = status;
        var page = PageShell.Of(this, title, body, crumbs ?? []).ToString();
        await Answers.BodyAsync(context, "text/html; charset=utf-8", System.Text.Encoding.UTF8.GetBytes(page));
        return null;
    }
}

/// <summary>A step of the way to a view.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Path">Where it is.</param>
internal sealed record Crumb(string Name, string Path);
