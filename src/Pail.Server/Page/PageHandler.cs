using Microsoft.AspNetCore.Http;
using Pail.Access;
using Pail.Server.Access;
using Pail.Server.Errors;
using Pail.Server.Limits;
using Pail.Server.Page.Views;
using Pail.Stores;

namespace Pail.Server.Page;

/// <summary>
/// Answers the paths of the page: who asks is found out, then the view decides by the rules of the API. Every answer, errors and redirects among
/// them, forbids the browser to run, load or frame anything that is not the page's own.
/// </summary>
internal sealed class PageHandler
{
    // Source: Content Security Policy Level 3; Fetch, "Append a request `Origin` header": with no-referrer, forms would be sent with Origin: null.
    private const string Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    private readonly RegistryServices _services;
    private readonly PageOptions _options;
    private readonly Sessions _sessions;
    private readonly Dictionary<string, PageView> _views;

    public PageHandler(RegistryServices services, PageOptions options)
    {
        (_services, _options, _sessions) = (services, options, new Sessions(services));
        _views = PageViews.All(services, options, _sessions).ToDictionary(view => view.Name, StringComparer.Ordinal);
    }

    /// <summary>Answers a request, or returns an error.</summary>
    public async Task<RegistryError?> AnswerAsync(HttpContext context)
    {
        var (path, method) = (context.Request.Path.Value ?? "", context.Request.Method);
        if (PageAssets.Has(path))
            return method is "GET" or "HEAD" ? await PageAssets.AnswerAsync(context, path) : RegistryError.MethodNotAllowed with { Allow = "GET, HEAD" };
        if (PageRoute.Parse(path) is not { } route || !_views.TryGetValue(route.View, out var view) || !view.Fits(route))
            return RegistryError.NotFound;
        if (!(method is "GET" or "HEAD" || (method == "POST" && view.Post is not null)))
            return RegistryError.MethodNotAllowed with { Allow = view.Post is null ? "GET, HEAD" : "GET, HEAD, POST" };
        var page = new PageRequest(_services, context, route, _options, _options.Meter.BeginScope());
        if (await EnterAsync(page) is { } early)
            return early;
        return method == "POST" ? await view.Post!(page) : await view.Get(page);
    }

    /// <summary>Answers with an error, for people.</summary>
    public Task WriteErrorAsync(HttpContext context, RegistryError error)
    {
        context.Response.Headers.Allow = error.Allow;
        if (error.RetryAfter is { } wait)
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        var page = new PageRequest(_services, context, PageRoute.Parse(context.Request.Path.Value ?? "") ?? new("", null, null), _options, new RequestMeter()) { Session = context.Features.Get<PageSession>() };
        return page.ShowAsync("Error", ErrorView.Of(error), status: error.Status);
    }

    /// <summary>Says to the browser what it may do with an answer.</summary>
    public static void Protect(HttpResponse response)
    {
        var headers = response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }

    // Without a session, one is anonymous: logins that programs send are for the API.
    private async ValueTask<RegistryError?> EnterAsync(PageRequest page)
    {
        page.Session = await _sessions.ReadAsync(page.Context);
        page.Context.Features.Set(page.Session);
        if (_services.Door is not { } door)
            return null;
        var subject = page.Session?.Subject ?? Subject.Anonymous;
        new Visitor(subject, page.IsSignedIn ? Introduction.Password : Introduction.None, await door.RulesOfAsync(subject, page.Cancel), []).Enter(page.Context);
        return page.IsSignedIn && _services.ByUser is { } limiter ? await limiter.EnterAsync(page.Context, Limiter.KeyOf(subject)) : null;
    }
}
