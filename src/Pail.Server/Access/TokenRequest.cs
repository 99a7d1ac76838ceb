using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

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

    /// <summary>In a way that this registry does not have.</summary>
    Unknown,
}

/// <summary>What the token endpoint is asked for.</summary>
/// <param name="Kind">How.</param>
/// <param name="Name">The name, for a password.</param>
/// <param name="Secret">The password or refresh token.</param>
/// <param name="Scopes">What the token shall be good for: each repository once. What this registry does not have is left out.</param>
/// <param name="WantsRefresh">True if a refresh token is asked for.</param>
/// <param name="IsForm">True for a POST.</param>
internal sealed record TokenRequest(TokenRequestKind Kind, string Name, string Secret, IReadOnlyList<Scope> Scopes, bool WantsRefresh, bool IsForm)
{
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
        if (!request.HasFormContentType || request.ContentLength > MaxForm)
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
            "" => null,
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

    private static bool Truth(StringValues value) => value is ["true" or "1"];
}
