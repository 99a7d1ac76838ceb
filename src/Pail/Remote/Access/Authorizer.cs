using System.Net.Http.Headers;
using Pail.Remote.Credentials;

namespace Pail.Remote.Access;

/// <summary>
/// Proves to one registry who we are, in the way it asks: not at all, by Basic, or by Bearer with a token for each set of scopes.
/// Tokens are renewed before they end, and when the registry no longer takes them.
/// </summary>
internal sealed class Authorizer(TokenService tokens, Func<CancellationToken, Task<Credential?>> find) : IDisposable
{
    private const int MostMore = 8;

    private readonly SemaphoreSlim _lock = new(1);
    private readonly Dictionary<string, Token> _tokens = [];
    private readonly HashSet<string> _more = [];
    private Challenge? _challenge;
    private Credential? _credential;
    private bool _found;

    /// <summary>A refresh token is asked for too.</summary>
    public bool Offline { get; init; }

    /// <summary>The refresh token that came last, if any.</summary>
    public string? Refresh { get; private set; }

    /// <summary>True if there is something to prove with.</summary>
    public bool HasCredential => _credential is not null;

    /// <summary>What goes with a request; null for nothing, as before the registry has asked.</summary>
    public async Task<AuthenticationHeaderValue?> GetAsync(IReadOnlyCollection<string> scopes, CancellationToken cancel)
    {
        if (_challenge is null)
            return null;
        await _lock.WaitAsync(cancel);
        try
        {
            return await HeaderAsync(scopes, cancel);
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <summary>Answers a 401. Null if nothing can be proved that was not proved in vain.</summary>
    /// <param name="headers">The 401's.</param>
    /// <param name="used">What had been sent.</param>
    /// <param name="scopes">What the request needs.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<AuthenticationHeaderValue?> AnswerAsync(HttpResponseHeaders headers, AuthenticationHeaderValue? used, IReadOnlyCollection<string> scopes, CancellationToken cancel)
    {
        var challenges = Challenge.Parse(headers);
        // Bearer first: who offers both means Basic for those who can't do better.
        var challenge = challenges.FirstOrDefault(one => one.Scheme == "bearer") ?? challenges.FirstOrDefault(one => one.Scheme == "basic");
        if (challenge is null)
            return null;
        await _lock.WaitAsync(cancel);
        try
        {
            _challenge = challenge;
            if (challenge.Scheme == "bearer")
            {
                // Others that met the same 401 may have got a new token meanwhile.
                var key = Key(scopes);
                if (used is not null && _tokens.TryGetValue(key, out var old) && old.Value == used.Parameter)
                    _tokens.Remove(key);
                // A token was not enough: what it says it lacks, beyond what we know it needs.
                if (used is not null)
                    _more.UnionWith((challenge["scope"] ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Except(scopes).Take(Math.Max(0, MostMore - _more.Count)));
            }
            var header = await HeaderAsync(scopes, cancel);
            return header is null || header.Equals(used) ? null : header;
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    private static string Key(IReadOnlyCollection<string> scopes) => string.Join(' ', scopes);

    private async Task<AuthenticationHeaderValue?> HeaderAsync(IReadOnlyCollection<string> scopes, CancellationToken cancel)
    {
        if (!_found)
            (_credential, _found) = (await find(cancel), true);
        if (_challenge!.Scheme == "basic")
            return _credential?.Basic;
        // Somebody else asked for it: what it is good for only the registry knows.
        if (_credential?.RegistryToken is { } ready)
            return new("Bearer", ready);
        var key = Key(scopes);
        if (!_tokens.TryGetValue(key, out var token) || token.Renew <= tokens.Now)
        {
            _tokens[key] = token = await tokens.AskAsync(_challenge, [.. scopes.Union(_more)], _credential, Offline, cancel);
            Refresh = token.Refresh ?? Refresh;
        }
        return new("Bearer", token.Value);
    }
}
