using System.Globalization;
using Pail.Server.Access;

namespace Pail.Server.Page;

/// <summary>What is around every view: head, navigation, what the view cost.</summary>
internal static class PageShell
{
    /// <summary>Returns the whole document.</summary>
    public static Html Of(PageRequest page, string title, Html body, IReadOnlyList<Crumb> crumbs) => $"""
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <title>{title} · Pail</title>
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <link rel="icon" href="{PageAssets.Icon}" type="image/svg+xml">
        <link rel="stylesheet" href="{PageAssets.Style}">
        <script src="{PageAssets.Script}" defer></script>
        </head>
        <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header>
        <div class="bar">
        <a class="brand" href="/"><img src="{PageAssets.Icon}" alt="" width="26" height="26">Pail</a>
        <span class="bucket">{(page.Options.LoopbackNamesOnly ? page.Services.Bucket.Name : page.Context.Request.Host.Value)}</span>
        <nav aria-label="Registry">
        <a href="/"{Current(page, "")}>Repositories</a>
        <a href="/-/state"{Current(page, "state")}>State</a>
        {SignIn(page)}
        </nav>
        </div>
        </header>
        <main id="content" tabindex="-1">
        {Way(crumbs)}
        {body}
        </main>
        <footer><p>{Cost(page)}</p><p id="status" role="status"></p></footer>
        </body>
        </html>

        """;

    /// <summary>The form field that shows that a form is this page's own.</summary>
    public static Html Token(string token) => $"""<input type="hidden" name="token" value="{token}">""";

    private static Html Current(PageRequest page, string view) => page.Route.View == view ? (Html)$" aria-current=\"page\"" : default;

    private static Html Way(IReadOnlyList<Crumb> crumbs) => crumbs.Count == 0 ? Html.None : $"""<nav class="way" aria-label="Breadcrumb"><ol>{crumbs.Select(crumb => (Html)$"""<li><a href="{crumb.Path}">{crumb.Name}</a></li>""")}</ol></nav>""";

    private static Html SignIn(PageRequest page)
    {
        if (page.Services.Door is null || page.Route.View == "sign-in")
            return default;
        return page.Session is { } session && page.IsSignedIn
            ? $"""<span class="user">{Visitor.NameOf(session.Subject)}</span><a href="/-/sign-out">Sign out</a>"""
            : (Html)$"""<a href="/-/sign-in">Sign in</a>""";
    }

    private static Html Cost(PageRequest page)
    {
        var (a, b) = (page.Cost.ClassA, page.Cost.ClassB);
        return a + b == 0
            ? (Html)$"This view took no S3 request."
            : $"This view took {Words.Count(a + b, "S3 request")}: {a} PUT or LIST, {b} GET or HEAD; ${page.Cost.Price.ToString("0.0000000", CultureInfo.InvariantCulture)}.";
    }
}
