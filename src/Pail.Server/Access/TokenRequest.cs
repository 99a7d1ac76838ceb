using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Pail.Server.Access;

/// <summary>How a token is asked for.</summary>
internal enum TokenRequestKind
{
    /// <summary>Without a login.</summary>
    Anonymous,

    /// <summary>With name and password.</summary>
    Password,

    /// <summary>With a refresh token.</summary>
    Refresh,

    /// <summary>With an identity token of an issuer.</summary>
    Identity,

    /// <summary>In a way that this registry does not have.</summary>
    Unknown,
}

/// <summary>What the token endpoint is asked for.</summary>
/// <param name="Kind">How.</param>
/// <param name="Name">The name, for a password.</param>
/// <param name="Secret">The password, refresh token or identity token.</param>
/// <param name="Scopes">What the token shall be good for: each repository once. What this registry does not have is left out.</param>
/// <param name="WantsRefresh">True if a refresh token is asked for.</param>
/// <param name="IsForm">True for a POST.</param>
internal sealed record TokenRequest(TokenRequestKind Kind, string Name, string Secret, IReadOnlyList<Scope> Scopes, bool WantsRefresh, bool IsForm)
{
    // Source: RFC 7523, 2.1; RFC 8693, 2.1 and 3.
    private const string Assertion = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private const string Exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    private static readonly string[] ExchangedTypes = ["urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"];

    private const int MaxForm = 64 << 10;
    private const int MaxFields = 256;
    private const int MaxScopes = 32;

    /// <summary>Reads a request; null if it can't be understood. An unknown service is no error: there is one.</summary>
    public static async ValueTask<TokenRequest?> ReadAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.Method == "GET")
            return request.Headers.Authorization switch
            {
                [] => Of(TokenRequestKind.Anonymous, "", "", request.Query["scope"], Truth(request.Query["offline_token"]), false),
                [{ } header] when header.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase) && Door.ReadBasic(header["Basic ".Length..].Trim()) is var (name, password) =>
                    Of(TokenRequestKind.Password, name, password, request.Query["scope"], Truth(request.Query["offline_token"]), false),
                // A token is no login: it could be prolonged for ever.
                _ => Of(TokenRequestKind.Password, "", "", default, false, false),
            };
        if (!IsUrlEncoded(request.ContentType) || request.ContentLength > MaxForm)
            return null;
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = MaxForm;
        IFormCollection form;
        try
        {
            form = await new FormFeature(request, new FormOptions { ValueCountLimit = MaxFields, BufferBodyLengthLimit = MaxForm, ValueLengthLimit = MaxForm }).ReadFormAsync(context.RequestAborted);
        }
        catch (InvalidDataException)
        {
            return null;
        }
        string One(string name) => form[name] is [{ } value] ? value : "";
        var wantsRefresh = One("access_type") == "offline";
        return One("grant_type") switch
        {
            "password" => Of(TokenRequestKind.Password, One("username"), One("password"), form["scope"], wantsRefresh, true),
            "refresh_token" => Of(TokenRequestKind.Refresh, "", One("refresh_token"), form["scope"], wantsRefresh, true),
            Assertion => Of(TokenRequestKind.Identity, "", One("assertion"), form["scope"], false, true),
            Exchange when ExchangedTypes.Contains(One("subject_token_type")) => Of(TokenRequestKind.Identity, "", One("subject_token"), form["scope"], false, true),
            "" or Exchange => null,
            _ => Of(TokenRequestKind.Unknown, "", "", default, false, true),
        };
    }

    private static TokenRequest? Of(TokenRequestKind kind, string name, string secret, StringValues scopes, bool wantsRefresh, bool isForm)
    {
        var words = scopes.SelectMany(text => (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToList();
        if (words.Count > MaxScopes)
            return null;
        var read = words.Select(Scope.Read).OfType<Scope>().GroupBy(scope => scope.Repository).Select(same => new Scope(same.Key, same.Aggregate(Pail.Access.AccessActions.None, (all, scope) => all | scope.Actions)));
        return new(kind, name, secret, [.. read], wantsRefresh, isForm);
    }

    // Not multipart, which may hold files. OAuth2 is UTF-8. Source: RFC 6749, B.
    private static bool IsUrlEncoded(string? type) => MediaTypeHeaderValue.TryParse(type, out var read) && read.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase)
        && (!read.Charset.HasValue || HeaderUtilities.RemoveQuotes(read.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private static bool Truth(StringValues value) => value is ["true" or "1"];
}
