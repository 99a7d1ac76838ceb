using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Pail.Access;
using Pail.Server.Access;
using Pail.Server.Running;

namespace Pail.Server.Identity;

/// <summary>
/// Checks identity tokens of the issuers that rules name.
/// <list type="number">
/// <item>The token's <c>iss</c> is that of an issuer in the rules, and its <c>alg</c> one of that issuer's algorithms.</item>
/// <item>A key that this issuer publishes under the token's <c>kid</c>, of the type and use that fit, has signed it.</item>
/// <item>Its <c>aud</c> is for this registry; it has begun, and has not ended.</item>
/// <item>Its claims, as far as rules name them, are what the subject is known by.</item>
/// </list>
/// Source: OpenID Connect Core 1.0, 3.1.3.7; RFC 8725.
/// </summary>
internal sealed class IdentityTokens(ILogger log, TimeProvider time) : IDisposable
{
    /// <summary>How far clocks may differ.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    private readonly IssuerDocuments _documents = new();
    private readonly ConcurrentDictionary<string, IssuerKeys> _keys = new();
    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = Jwt.MaxLength, MapInboundClaims = false };

    /// <summary>Checks a token; null if it is not good. Why is in the log.</summary>
    /// <exception cref="Errors.RegistryException">The issuer does not answer, and its keys are not known.</exception>
    public async ValueTask<Login?> CheckAsync(string text, AccessRules rules, CancellationToken cancel)
    {
        if (Jwt.Read(text) is not { } token)
            return Refuse("", "it is no signed token with a key's name");
        var (name, issuer) = rules.Issuers.FirstOrDefault(pair => pair.Value.Issuer.OriginalString == token.TextOf("iss"));
        if (issuer is null)
            return Refuse("", "the rules name no such issuer");
        if (!issuer.Algorithms.Contains(token.Algorithm))
            return Refuse(name, "it is not signed with one of the issuer's algorithms in the rules");
        try
        {
            if (WhyNotNow(token) is { } untimely)
                return Refuse(name, untimely);
            var why = "the issuer publishes no key of that name for it";
            foreach (var key in await KeysOf(issuer).FindAsync(token.KeyId, token.Algorithm, cancel))
            {
                if (await WhyNotAsync(token, issuer, key) is not { } reason)
                    return new(new(SubjectKind.Workload, name) { Claims = TokenClaims.Of(token.Payload, rules.ClaimsOf(name)) }, "");
                why = reason;
            }
            return Refuse(name, why);
        }
        catch (FormatException e)
        {
            return Refuse(name, e.Message);
        }
    }

    /// <summary>Forgets the keys of issuers that the rules name no more.</summary>
    public void Follow(AccessRules rules)
    {
        foreach (var issuer in _keys.Keys.Except(rules.Issuers.Values.Select(issuer => issuer.Issuer.OriginalString)))
            _keys.TryRemove(issuer, out _);
    }

    /// <inheritdoc/>
    public void Dispose() => _documents.Dispose();

    private IssuerKeys KeysOf(TokenIssuer issuer) => _keys.GetOrAdd(issuer.Issuer.OriginalString, _ => new IssuerKeys(issuer.Issuer, _documents, log, time));

    private string? WhyNotNow(Jwt token)
    {
        var now = time.GetUtcNow();
        if (token.TimeOf("exp") is not { } end)
            return "it has no end";
        if (now >= end + Skew)
            return "it has ended";
        return token.TimeOf("nbf") > now + Skew || token.TimeOf("iat") > now + Skew ? "it has not begun" : null;
    }

    private async Task<string?> WhyNotAsync(Jwt token, TokenIssuer issuer, IssuerKey key)
    {
        var result = await _handler.ValidateTokenAsync(token.Text, new TokenValidationParameters
        {
            ValidIssuer = issuer.Issuer.OriginalString,
            ValidAudiences = issuer.Audiences,
            IgnoreTrailingSlashWhenValidatingAudience = false,
            ValidAlgorithms = [.. issuer.Algorithms.Intersect(key.Algorithms)],
            IssuerSigningKey = key.Key,
            TryAllIssuerSigningKeys = false,
            RequireSignedTokens = true,
            // By the server's clock, before.
            ValidateLifetime = false,
        });
        return result.IsValid ? null : result.Exception is SecurityTokenInvalidAudienceException ? "it is for another audience" : "its signature is not that of the issuer's key";
    }

    private Login? Refuse(string issuer, string reason)
    {
        log.IdentityRefused(issuer, reason);
        return null;
    }
}
