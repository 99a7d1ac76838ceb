using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Pail.Access;
using Pail.Server.Access;
using Pail.Server.Sealing;

namespace Pail.Server.Page;

/// <summary>
/// Sessions of browsers, in a cookie that only servers with the secret can make or read: any replica knows them, and none keeps any. A session ends after
/// its time, with its user or robot, and when its password changes. Forms carry a token that is bound to the session they were shown in.
/// </summary>
internal sealed class Sessions(RegistryServices services)
{
    private const string Name = "pail-page";
    private const byte Version = 1;

    private static readonly TimeSpan Life = TimeSpan.FromHours(12);

    private readonly PathSeal _seal = new("pail page", services.Options.Secrets);

    /// <summary>The session of a request; null if it has none that holds. A request to the bucket only for a robot.</summary>
    public async ValueTask<PageSession?> ReadAsync(HttpContext context)
    {
        if (context.Request.Cookies[NameOf(context)] is not { Length: > 0 } text || _seal.Open("session", text) is not [Version, ..] plain)
            return null;
        var session = Read(plain);
        if (session.Expires <= services.Time.GetUtcNow())
            return null;
        // The rules were taken away, or the server was started without them: nobody is signed in.
        return session.Subject.Kind == SubjectKind.Anonymous || (services.Door is { } door && await door.Logins.StillHoldsAsync(session.Subject, session.Proof, context.RequestAborted)) ? session : null;
    }

    /// <summary>Begins a session under a new name, and tells the browser.</summary>
    public PageSession Begin(HttpContext context, Login login)
    {
        var session = new PageSession(login.Subject, login.Proof, services.Time.GetUtcNow() + Life, RandomNumberGenerator.GetHexString(32, lowercase: true));
        var writer = new SealWriter(new byte[PathSeal.MaxSize]);
        writer.Add(Version);
        writer.Add((byte)session.Subject.Kind);
        writer.AddText(session.Subject.Name);
        writer.AddText(session.Proof);
        writer.AddNumber((ulong)session.Expires.ToUnixTimeSeconds());
        writer.AddText(session.Id);
        context.Response.Cookies.Append(NameOf(context), _seal.Seal("session", writer.Written), Cookie(context));
        return session;
    }

    /// <summary>Ends the session of a browser.</summary>
    public static void End(HttpContext context) => context.Response.Cookies.Delete(NameOf(context), Cookie(context));

    /// <summary>The token for the forms of a session.</summary>
    public string TokenOf(PageSession session) => _seal.Seal($"form {session.Id}", [Version]);

    /// <summary>True if a form comes from this page: it carries the token of its session, and the browser says that it was sent from here.</summary>
    public bool IsOwnForm(HttpContext context, PageSession? session, string? token) =>
        session is not null && token is not null && _seal.Open($"form {session.Id}", token) is [Version] && IsSameOrigin(context.Request);

    // The scheme is left out: a proxy that ends TLS need not be one that is trusted to say so. Browsers send one of the two with every form.
    private static bool IsSameOrigin(HttpRequest request)
    {
        if (request.Headers.Origin is [{ Length: > 0 } origin])
            return Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
        return request.Headers["Sec-Fetch-Site"] == "same-origin";
    }

    // Source: RFC 6265bis, "Cookie Name Prefixes": such a cookie can't be set by another host, or without TLS.
    private static string NameOf(HttpContext context) => context.Request.IsHttps ? "__Host-" + Name : Name;

    private static CookieOptions Cookie(HttpContext context) => new() { HttpOnly = true, Secure = context.Request.IsHttps, SameSite = SameSiteMode.Lax, Path = "/", IsEssential = true };

    private static PageSession Read(byte[] plain)
    {
        var reader = new SealReader(plain.AsSpan(1));
        var subject = new Subject((SubjectKind)reader.Take(1)[0], reader.TakeText());
        var proof = reader.TakeText();
        var expires = DateTimeOffset.FromUnixTimeSeconds((long)reader.TakeNumber());
        return new(subject, proof, expires, reader.TakeText());
    }
}
