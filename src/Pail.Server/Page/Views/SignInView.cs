using Microsoft.AspNetCore.Http;
using Pail.Access;
using Pail.Server.Access;
using Pail.Server.Errors;

namespace Pail.Server.Page.Views;

/// <summary>Signing in and out, with the users and robots of the API and its limits for logins that fail.</summary>
internal sealed class SignInView(Door door, Sessions sessions)
{
    private const int MaxForm = 16 << 10;

    public Task<RegistryError?> ShowAsync(PageRequest page) => ShowAsync(page, page.Query("to"), null, StatusCodes.Status200OK);

    public async Task<RegistryError?> SignInAsync(PageRequest page)
    {
        if (await PageForm.ReadAsync(page.Context, MaxForm) is not { } form)
            return RegistryError.BadRequest;
        var to = form["to"];
        if (!sessions.IsOwnForm(page.Context, page.Session, form["token"]))
            return await ShowAsync(page, to, "The form was too old, or did not come from this page. Try again.", StatusCodes.Status403Forbidden);
        var login = await door.LoginAsync(page.Context, form["name"] ?? "", form["password"] ?? "");
        // An identity token proves nothing later: it is for programs.
        if (login is not { Proof.Length: > 0 })
            return await ShowAsync(page, to, "The name or the password is wrong.", StatusCodes.Status401Unauthorized);
        sessions.Begin(page.Context, login);
        page.Redirect(PageRoute.IsOwn(to) ? to! : "/");
        return null;
    }

    public Task<RegistryError?> ShowSignOutAsync(PageRequest page) => !page.IsSignedIn ? ToStartAsync(page) : page.ShowAsync("Sign out", $"""
        <h1>Sign out</h1>
        <form method="post" class="panel">{PageShell.Token(sessions.TokenOf(page.Session!))}
        <p>You are signed in as <strong>{Visitor.NameOf(page.Session!.Subject)}</strong>.</p>
        <p><button>Sign out</button> <a href="/">Stay signed in</a></p>
        </form>
        """);

    public async Task<RegistryError?> SignOutAsync(PageRequest page)
    {
        if (await PageForm.ReadAsync(page.Context, MaxForm) is not { } form || !sessions.IsOwnForm(page.Context, page.Session, form["token"]))
            return RegistryError.Denied.About("the form was too old, or did not come from this page");
        Sessions.End(page.Context);
        return await ToStartAsync(page);
    }

    private Task<RegistryError?> ShowAsync(PageRequest page, string? to, string? problem, int status)
    {
        // The form is bound to a session, also before anybody signed in: another site can't have a browser sign in as somebody else.
        var session = page.Session is { Subject.Kind: SubjectKind.Anonymous } known ? known : sessions.Begin(page.Context, new Login(Subject.Anonymous, ""));
        Html body = $"""
            <div class="narrow">
            <h1>Sign in</h1>
            {(problem is null ? Html.None : (Html)$"""<p class="problem" role="alert" id="problem">{problem}</p>""")}
            <form method="post" action="/-/sign-in" class="panel">{PageShell.Token(sessions.TokenOf(session))}
            <input type="hidden" name="to" value="{(PageRoute.IsOwn(to) ? to : "/")}">
            <label for="name">Name</label>
            <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus{(problem is null ? Html.None : (Html)$" aria-describedby=\"problem\"")}>
            <label for="password">Password</label>
            <input id="password" name="password" type="password" autocomplete="current-password" required>
            <button>Sign in</button>
            </form>
            <p class="note">The same names and passwords as <code>docker login</code>. Robots sign in with their secret.</p>
            </div>
            """;
        return page.ShowAsync("Sign in", body, status: status);
    }

    private static Task<RegistryError?> ToStartAsync(PageRequest page)
    {
        page.Redirect("/");
        return Task.FromResult<RegistryError?>(null);
    }
}
