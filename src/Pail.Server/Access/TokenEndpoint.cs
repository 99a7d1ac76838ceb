using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Pail.Access;
using Pail.Server.Audit;
using Pail.Server.Errors;
using Pail.Server.Http;
using Pail.Server.Watching;

namespace Pail.Server.Access;

/// <summary>
/// <c>/token</c>: gives tokens, for what the rules allow of what is asked for; less is no error.
/// Source: Docker Registry v2 authentication, "Token Authentication" (GET) and "OAuth2 Token Authentication" (POST).
/// </summary>
internal sealed class TokenEndpoint(Door door, TimeProvider time)
{
    /// <summary>Answers a request.</summary>
    public async Task<RegistryError?> AnswerAsync(HttpContext context)
    {
        if (context.Request.Method is not ("GET" or "POST"))
            return RegistryError.MethodNotAllowed with { Allow = "GET, POST" };
        if (await TokenRequest.ReadAsync(context) is not { } request)
            return RegistryError.BadRequest.About("docs/access.md says how a token is asked for");
        var (refused, login) = request.Kind switch
        {
            TokenRequestKind.Anonymous => (null, new Login(Subject.Anonymous, "")),
            TokenRequestKind.Password => (null, await door.LoginAsync(context, request.Name, request.Secret)),
            TokenRequestKind.Identity => (null, await door.Identities.CheckAsync(request.Secret, door.Rules, context.RequestAborted)),
            TokenRequestKind.Refresh => (null, await RefreshAsync(request.Secret, context.RequestAborted)),
            _ => (RegistryError.Unsupported with { Status = StatusCodes.Status400BadRequest }, (Login?)null),
        };
        // A token for somebody to whom no rule allows anything would only move the refusal to where clients don't explain it.
        var granted = refused is null && login is not null && (login.Subject.Kind != SubjectKind.Anonymous || door.Rules.Know(Subject.Anonymous));
        ServerMetrics.Token(KindOf(request.Kind), granted);
        if (refused is not null)
            return refused;
        if (login is null && request.Kind is (TokenRequestKind.Refresh or TokenRequestKind.Identity))
            AuditMark.LoginFailed(context, null);
        if (!granted || login is null)
            return RegistryError.Unauthorized with { Challenge = $"Basic realm=\"{Challenge.Service}\"" };
        context.Response.Headers.CacheControl = "no-store";
        await Answers.BodyAsync(context, HeaderValues.Json, JsonSerializer.SerializeToUtf8Bytes(Give(request, login, await door.RulesOfAsync(login.Subject, context.RequestAborted)), TokenJson.Default.TokenAnswer));
        return null;
    }

    private static string KindOf(TokenRequestKind kind) => kind switch
    {
        TokenRequestKind.Anonymous => "anonymous",
        TokenRequestKind.Password => "password",
        TokenRequestKind.Refresh => "refresh",
        TokenRequestKind.Identity => "identity",
        _ => "unknown",
    };

    private async ValueTask<Login?> RefreshAsync(string text, CancellationToken cancel) =>
        door.Tokens.OpenRefresh(text) is { } token && token.Expires > time.GetUtcNow() && await door.Logins.StillHoldsAsync(token.Subject, token.Proof, cancel) ? new(token.Subject, token.Proof) : null;

    private TokenAnswer Give(TokenRequest request, Login login, AccessRules rules)
    {
        var now = time.GetUtcNow();
        var granted = request.Scopes.Select(scope => Grant(rules, login.Subject, scope)).Where(scope => scope.Actions != AccessActions.None).ToList();
        var token = door.Tokens.Seal(new AccessToken(login.Subject, now + door.Options.TokenLifetime, granted));
        return new(token, token, (int)door.Options.TokenLifetime.TotalSeconds, now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture))
        {
            Scope = request.IsForm ? string.Join(' ', granted) : null,
            // A client that came with one goes on with that.
            RefreshToken = request.Kind == TokenRequestKind.Refresh ? request.Secret
                : request.WantsRefresh && login.Proof.Length > 0 ? door.Tokens.Seal(new RefreshToken(login.Subject, now + door.Options.RefreshLifetime, login.Proof)) : null,
        };
    }

    private static Scope Grant(AccessRules rules, Subject subject, Scope asked)
    {
        if (asked.Repository is not { } repository)
            return rules.Know(subject, AccessActions.List) ? asked : asked with { Actions = AccessActions.None };
        var granted = AccessActions.None;
        foreach (var word in AccessWords.All)
            if (AccessWords.Read(word) is { } action && asked.Actions.HasFlag(action) && rules.Allow(subject, action, repository.ToString()))
                granted |= action;
        return asked with { Actions = granted };
    }
}

/// <summary>What the token endpoint answers.</summary>
internal sealed record TokenAnswer(
    [property: JsonPropertyName("token")] string Token,
    [property: JsonPropertyName("access_token")] string AccessToken,
    [property: JsonPropertyName("expires_in")] int ExpiresIn,
    [property: JsonPropertyName("issued_at")] string IssuedAt)
{
    [JsonPropertyName("scope")]
    public string? Scope { get; init; }

    [JsonPropertyName("refresh_token")]
    public string? RefreshToken { get; init; }
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TokenAnswer))]
internal sealed partial class TokenJson : JsonSerializerContext;
