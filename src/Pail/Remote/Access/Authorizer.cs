using System.Net;
using System.Net.Http.Headers;
using Pail.Remote.Credentials;
using Pail.Remote.Http;

namespace Pail.Remote.Access;

/// <summary>
/// Proves to one registry who we are, in the way it asks: not at all, by Basic, or by Bearer with a token for each set of scopes.
/// Tokens are renewed before they end, and when the registry no longer takes them.
/// </summary>
/// <param name="tokens">Gets tokens.</param>
/// <param name="root">What the registry's root asks for, where a refusal does not say.</param>
/// <param name="login">Finds the login kept for the registry, when it is first needed.</param>
internal sealed class Authorizer(TokenService tokens, Func<CancellationToken, Task<IReadOnlyList<Challenge>>> root, KeptLogin login) : IDisposable
{
    private const int MostMore = 8;

    private readonly SemaphoreSlim _lock = new(1);
    private readonly Dictionary<string, Token> _tokens = [];
    private readonly HashSet<string> _more = [];
    private Challenge? _challenge;

    /// <summary>A refresh token is asked for too.</summary>
    public bool Offline { get; init; }

    /// <summary>True once the registry has said how to prove who we are.</summary>
    public bool IsAsked => _challenge is not null;

    /// <summary>The refresh token that came last, if any.</summary>
    public string? Refresh { get; private set; }

    /// <summary>Returns what goes with a request; null for nothing, as before the registry has asked.</summary>
    /// <param name="scopes">What the request needs in its own repository.</param>
    /// <param name="foreign">What it has use for in other repositories.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<AuthenticationHeaderValue?> GetAsync(IReadOnlyList<string> scopes, IReadOnlyList<string> foreign, CancellationToken cancel)
    {
        if (_challenge is null)
            return null;
        await _lock.WaitAsync(cancel);
        try
        {
            return await HeaderAsync(scopes, foreign, cancel);
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <summary>
    /// Answers a refusal. A 401 is a challenge. Where a login is kept, other refusals of a request without proof may be one too: the
    /// registry's root is then asked, once.
    /// </summary>
    /// <param name="answer">The refusal.</param>
    /// <param name="used">What had been sent.</param>
    /// <param name="scopes">What the request needs in its own repository.</param>
    /// <param name="foreign">What it has use for in other repositories.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <returns>What to send instead; null if nothing can be proved that was not proved in vain.</returns>
    public async Task<AuthenticationHeaderValue?> AnswerAsync(RegistryAnswer answer, AuthenticationHeaderValue? used, IReadOnlyList<string> scopes, IReadOnlyList<string> foreign, CancellationToken cancel)
    {
        var isChallenge = answer.Status == HttpStatusCode.Unauthorized;
        if (!isChallenge && !(answer.MayHideLogin && used is null))
            return null;
        await _lock.WaitAsync(cancel);
        try
        {
            if (!isChallenge && await login.FindAsync(cancel) is null)
                return null;
            if ((Choose(Challenge.Parse(answer.Headers)) ?? _challenge ?? Choose(await root(cancel))) is not { } challenge)
                return null;
            _challenge = challenge;
            if (challenge.Scheme == "bearer" && used is not null)
            {
                // Others that met the same 401 may have got a new token meanwhile.
                var key = Key(scopes, foreign);
                if (_tokens.TryGetValue(key, out var old) && old.Value == used.Parameter)
                    _tokens.Remove(key);
                // A token was not enough: what it says it lacks, beyond what we know it needs.
                _more.UnionWith((challenge["scope"] ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Except(scopes).Except(foreign).Take(Math.Max(0, MostMore - _more.Count)));
            }
            var header = await HeaderAsync(scopes, foreign, cancel);
            return header is null || header.Equals(used) ? null : header;
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <summary>True for a refusal that says that the token itself is not good, not that it is not enough. Source: RFC 6750, 3.1.</summary>
    public static bool CallsInvalid(RegistryAnswer answer) =>
        answer.Status == HttpStatusCode.Unauthorized && Challenge.Parse(answer.Headers).Any(challenge => challenge.Scheme == "bearer" && challenge["error"] == "invalid_token");

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static string Key(IReadOnlyList<string> scopes, IReadOnlyList<string> foreign) => string.Join(' ', [.. scopes, .. foreign]);

    // Bearer first: a registry that offers both means Basic for clients that know no tokens.
    private static Challenge? Choose(IReadOnlyList<Challenge> offered) =>
        offered.FirstOrDefault(one => one.Scheme == "bearer" && one["realm"] is not null)
        ?? offered.FirstOrDefault(one => one.Scheme == "basic")
        ?? offered.FirstOrDefault(one => one.Scheme == "bearer");

    private async Task<AuthenticationHeaderValue?> HeaderAsync(IReadOnlyList<string> scopes, IReadOnlyList<string> foreign, CancellationToken cancel)
    {
        var credential = await login.RequireAsync(cancel);
        // Another program asked for it: what it is good for only the registry knows.
        if (credential?.RegistryToken is { } ready)
            return new("Bearer", ready);
        if (_challenge!.Scheme == "basic")
            return credential?.Basic;
        var key = Key(scopes, foreign);
        if (!_tokens.TryGetValue(key, out var token) || token.Renew <= tokens.Now)
        {
            _tokens[key] = token = await AskAsync(credential, scopes, [.. foreign.Union(_more).Except(scopes)], cancel);
            Refresh = token.Refresh ?? Refresh;
        }
        return new("Bearer", token.Value);
    }

    private async Task<Token> AskAsync(Credential? credential, IReadOnlyList<string> scopes, string[] more, CancellationToken cancel)
    {
        try
        {
            return await tokens.AskAsync(_challenge!, [.. scopes, .. more], credential, Offline, cancel);
        }
        // A mount can do without the other repository: its blob is then sent.
        catch (PailException) when (more.Length > 0)
        {
            return await tokens.AskAsync(_challenge!, scopes, credential, Offline, cancel);
        }
        catch (PailException e) when (e.Failure == Failure.Denied && credential is null && login.Trouble is { } trouble)
        {
            throw new PailException(Failure.Denied, $"{e.Message} {trouble}", e);
        }
    }
}
