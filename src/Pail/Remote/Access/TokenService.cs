using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pail.Oci;
using Pail.Remote.Credentials;
using Pail.Remote.Http;

namespace Pail.Remote.Access;

/// <summary>A bearer token.</summary>
/// <param name="Value">The token.</param>
/// <param name="Renew">When a new one should be had, on the clock of <see cref="TimeProvider"/>.</param>
/// <param name="Refresh">A token that others can be had for, if one was given.</param>
internal sealed record Token(string Value, DateTimeOffset Renew, string? Refresh);

/// <summary>
/// Asks for tokens where the registry says. Source: CNCF Distribution, "Token authentication" and "OAuth2 token authentication".
/// </summary>
internal sealed class TokenService(RegistryWire wire, string host, TimeProvider time)
{
    private const int MaxAnswer = 1 << 20;
    private const int MaxToken = 32 << 10;

    // Source: the specification of the token's answer, "expires_in".
    private const int DefaultLifetime = 60;

    /// <summary>The time that tokens are renewed by.</summary>
    public DateTimeOffset Now => time.GetUtcNow();

    /// <summary>Asks for a token.</summary>
    /// <param name="challenge">The registry's challenge.</param>
    /// <param name="scopes">What the token shall be good for; none to prove only who we are.</param>
    /// <param name="credential">Who we are; null for anybody.</param>
    /// <param name="offline">Ask for a refresh token as well.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<Token> AskAsync(Challenge challenge, IReadOnlyCollection<string> scopes, Credential? credential, bool offline, CancellationToken cancel)
    {
        var realm = wire.Origins.Follow(wire.Origins.Registry, challenge["realm"], "the realm of its tokens");
        if (credential is not null && realm.Scheme == "http" && !(realm.Host == wire.Origins.Registry.Host || (realm.IsLoopback && wire.Origins.IsLocal)))
            throw new PailException(Failure.BadContent, $"{host}: its realm is at {SafeText.OneLine(realm.Host)} without encryption; credentials don't go there.");
        // GET is Docker's own way and POST is OAuth2's, which identity tokens need. What one realm lacks, another has alone; some take
        // an identity token by GET, as a password.
        var get = Plain(realm, challenge, scopes, credential?.User, offline);
        RegistryRequest[] ways = credential switch
        {
            { IdentityToken: { } refresh } => [Grant("refresh_token", [("refresh_token", refresh)]), get],
            { Password: { } password } => [get, Grant("password", [("username", credential.User), ("password", password), .. offline ? [("access_type", "offline")] : Array.Empty<(string, string)>()])],
            _ => [get],
        };
        var basic = (credential is { Password: null, IdentityToken: { } token } ? credential with { Password = token } : credential)?.Basic;
        for (var way = 0; ; way++)
        {
            var request = ways[way];
            var isLast = way + 1 == ways.Length;
            using var answer = await wire.SendAsync(request, request.Address, request.Method == HttpMethod.Get ? basic : null, cancel, authorizeOthers: true);
            if (answer.IsSuccess && (isLast || answer.Content.ContentType?.MediaType != "text/html"))
                return Read(await answer.ReadAsync(MaxAnswer, cancel));
            if (!isLast && (answer.IsSuccess || Lacks(answer.Status)))
                continue;
            // OAuth2 calls it a bad request. Source: RFC 6749, 5.2, "invalid_grant".
            throw answer.Status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden || (answer.Status == HttpStatusCode.BadRequest && request.Method == HttpMethod.Post)
                ? Denied(credential)
                : await answer.ErrorAsync(cancel);
        }

        RegistryRequest Grant(string kind, IEnumerable<(string Name, string Value)> proof) => new(HttpMethod.Post, realm)
        {
            Body = _ => new FormUrlEncodedContent(
                new[] { ("grant_type", kind), ("service", challenge["service"] ?? ""), ("client_id", "pail"), ("scope", string.Join(' ', scopes)) }
                    .Concat(proof).Select(pair => KeyValuePair.Create(pair.Item1, pair.Item2))),
        };
    }

    // It knows no such request. A login that is refused is 400, 401 or 403.
    private static bool Lacks(HttpStatusCode status) => status is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotAcceptable
        or HttpStatusCode.UnsupportedMediaType or HttpStatusCode.NotImplemented;

    private PailException Denied(Credential? credential) => new(Failure.Denied, credential is null
        ? $"{host} lets nobody in without a login: pail login {host}"
        : $"{host} does not accept the {(credential.IdentityToken is null ? "user name and password" : "identity token")} from {credential.Origin}: pail login {host}");

    private static RegistryRequest Plain(Uri realm, Challenge challenge, IReadOnlyCollection<string> scopes, string? user, bool offline)
    {
        var query = scopes.Select(scope => ("scope", scope)).ToList();
        if (challenge["service"] is { } service)
            query.Insert(0, ("service", service));
        if (!string.IsNullOrEmpty(user))
            query.Add(("account", user));
        if (offline)
            query.AddRange([("offline_token", "true"), ("client_id", "pail")]);
        var text = string.Join('&', query.Select(pair => $"{pair.Item1}={Uri.EscapeDataString(pair.Item2)}"));
        var builder = new UriBuilder(realm) { Fragment = "" };
        builder.Query = builder.Query.Length > 1 ? $"{builder.Query[1..]}&{text}" : text;
        return new RegistryRequest(HttpMethod.Get, builder.Uri);
    }

    private Token Read(byte[] json)
    {
        TokenAnswer? answer;
        try
        {
            answer = JsonSerializer.Deserialize(json, TokenJson.Default.TokenAnswer);
        }
        catch (JsonException e)
        {
            throw new PailException(Failure.BadContent, $"{host}: what should be a token is no JSON: {JsonText.Why(e)}.", e);
        }
        var value = string.IsNullOrEmpty(answer?.Token) ? answer?.AccessToken : answer.Token;
        if (value is not { Length: > 0 and <= MaxToken } || value.Any(c => c is <= ' ' or > '~'))
            throw new PailException(Failure.BadContent, $"{host}: it answered without a token that can be used.");
        // A little early: a token must not die on its way. By our own clock, for theirs may differ.
        var lifetime = TimeSpan.FromSeconds(Math.Clamp(Seconds(answer!.ExpiresIn) ?? DefaultLifetime, 1, 86_400));
        return new Token(value, time.GetUtcNow() + (lifetime * 0.8), answer.RefreshToken is { Length: > 0 and <= MaxToken } refresh ? refresh : null);
    }

    // A number, some write it as text; what is neither was not stated.
    private static double? Seconds(JsonElement stated) => stated.ValueKind switch
    {
        JsonValueKind.Number when stated.TryGetDouble(out var number) => number,
        JsonValueKind.String when double.TryParse(stated.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => number,
        _ => null,
    };
}

internal sealed record TokenAnswer(
    [property: JsonPropertyName("token")] string? Token,
    [property: JsonPropertyName("access_token")] string? AccessToken,
    [property: JsonPropertyName("expires_in")] JsonElement ExpiresIn,
    [property: JsonPropertyName("refresh_token")] string? RefreshToken);

[JsonSerializable(typeof(TokenAnswer))]
internal sealed partial class TokenJson : JsonSerializerContext;
