using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pail.Access;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Audit;
using Pail.Server.Errors;
using Pail.Server.Identity;
using Pail.Server.Limits;
using Pail.Server.Routing;
using Pail.Server.Running;

namespace Pail.Server.Access;

/// <summary>Who is there, and what they may do, by rules that may change while the server runs.</summary>
internal sealed class Door
{
    private readonly DoorOptions _options;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly Robots _robots;
    private volatile AccessRules _rules;
    private (DateTime, long) _passwordsStamp;

    /// <summary>Opens it.</summary>
    /// <exception cref="PailException">The passwords can't be used.</exception>
    public Door(DoorOptions options, Bucket bucket, IReadOnlyList<ReadOnlyMemory<byte>> secrets, ILogger log, TimeProvider time)
    {
        (_options, _log, _time, _rules) = (options, log, time, options.Rules);
        _robots = new Robots(bucket, log, time);
        Logins = new Logins(_robots, time);
        Identities = new IdentityTokens(log, time);
        Tokens = new TokenSeal(secrets);
        if (options.PasswordFile is { } file)
            (_passwordsStamp, Logins.Users) = (Stamp(file), PasswordFile.Read(file));
    }

    public DoorOptions Options => _options;

    /// <summary>The rules of now.</summary>
    public AccessRules Rules => _rules;

    public Logins Logins { get; }

    public TokenSeal Tokens { get; }

    /// <summary>Checks identity tokens.</summary>
    public IdentityTokens Identities { get; }

    /// <summary>The rules of now by their digest, for people who compare.</summary>
    public string Version => $"{_rules.Rules.Count} rules, {Digest.Of(Encoding.UTF8.GetBytes(_rules.Text))}";

    /// <summary>Hears of rules and users that changed: which, and what they are now.</summary>
    public Action<string, string>? Changed { get; set; }

    /// <summary>What is wrong with the files of now, while older ones are gone by; null if nothing is.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Finds out what subject makes a request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="request">What it is about; for the challenge.</param>
    /// <returns>The error, or the visitor.</returns>
    public async ValueTask<(RegistryError? Refused, Visitor? Visitor)> AskAsync(HttpContext context, RegistryRequest request)
    {
        var headers = context.Request.Headers.Authorization;
        if (headers.Count == 0)
            return (null, new Visitor(Subject.Anonymous, Introduction.None, _rules, []));
        AuditMark.LoginFailed(context, null);
        if (headers is not [{ } header] || header.IndexOf(' ', StringComparison.Ordinal) is not (var space and > 0))
            return (Challenge.Of(context, request, null), null);
        var (scheme, value) = (header[..space], header[(space + 1)..].Trim());
        if (scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
        {
            var token = Tokens.Open(value);
            // One that has ended is no attempt of anything: clients learn so that they need a new one.
            if (token is not null)
                AuditMark.Clear(context);
            return token?.Expires > _time.GetUtcNow() && IsWhole(token.Subject)
                ? (null, new Visitor(token.Subject, Introduction.Token, await RulesOfAsync(token.Subject, context.RequestAborted), token.Scopes))
                : (Challenge.Of(context, request, "invalid_token"), null);
        }
        if (scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase) && ReadBasic(value) is var (name, password)
            && await LoginAsync(context, name, password) is { } login)
            return (null, new Visitor(login.Subject, Introduction.Password, await RulesOfAsync(login.Subject, context.RequestAborted), []));
        return (Challenge.Of(context, request, null), null);
    }

    /// <summary>Checks a name and a password, which may be an identity token whatever the name is; null if they are wrong.</summary>
    /// <exception cref="RegistryException">Too many logins failed or wait, or an issuer does not answer.</exception>
    public async ValueTask<Login?> LoginAsync(HttpContext context, string name, string password)
    {
        var cancel = context.RequestAborted;
        AuditMark.LoginFailed(context, await KnownAsync(name, cancel));
        var login = Jwt.IsMeant(password) && _rules is { Issuers.Count: > 0 } rules
            ? await Identities.CheckAsync(password, rules, cancel)
            : await Logins.CheckAsync(name, password, Limiter.KeyOf(context.Connection.RemoteIpAddress), cancel);
        if (login is not null)
            AuditMark.Clear(context);
        return login;
    }

    /// <summary>The rules of now about a subject. A robot brings what it may do; one that is gone may do nothing.</summary>
    public async ValueTask<AccessRules> RulesOfAsync(Subject subject, CancellationToken cancel)
    {
        var rules = _rules;
        if (subject.Kind != SubjectKind.Robot)
            return rules;
        return await _robots.FindAsync(subject.Name, cancel) is { } robot ? rules with { Rules = [.. rules.Rules, robot.Grant()] } : AccessRules.None;
    }

    /// <summary>Reads name and password of a Basic header; null if it is none. Source: RFC 7617.</summary>
    public static (string Name, string Password)? ReadBasic(string value)
    {
        var bytes = new byte[value.Length];
        if (!Convert.TryFromBase64String(value, bytes, out var length))
            return null;
        var text = Encoding.UTF8.GetString(bytes, 0, length);
        return text.IndexOf(':', StringComparison.Ordinal) is var colon and >= 0 ? (text[..colon], text[(colon + 1)..]) : null;
    }

    /// <summary>Reads rules and passwords again if they changed. What can't be used changes nothing but <see cref="Trouble"/>, and is logged.</summary>
    /// <exception cref="PailException">Something could not be read; the caller logs it.</exception>
    public async Task RereadAsync(CancellationToken cancel)
    {
        try
        {
            if (_options.PasswordFile is { } file && Stamp(file) is var stamp && stamp != _passwordsStamp)
            {
                Logins.Users = PasswordFile.Read(file);
                _passwordsStamp = stamp;
                Changed?.Invoke("users", $"{Logins.Users.Hashes.Count} users");
                _log.PasswordsRead(Logins.Users.Hashes.Count);
            }
            if (_options.Reread is { } read && await read(cancel) is var rules && rules.Text != _rules.Text)
            {
                _rules = rules;
                Identities.Follow(rules);
                Changed?.Invoke("rules", Version);
                _log.RulesRead(rules.Rules.Count);
            }
            Trouble = null;
        }
        catch (PailException)
        {
            Trouble = "the access rules or passwords can't be read; those of before are in use";
            throw;
        }
    }

    // A name that nobody has may be a password, typed in the wrong place.
    private async ValueTask<string?> KnownAsync(string name, CancellationToken cancel) =>
        Logins.Users.Hashes.ContainsKey(name) || (name.StartsWith(Robot.LoginPrefix, StringComparison.Ordinal) && await _robots.FindAsync(name[Robot.LoginPrefix.Length..], cancel) is not null) ? name : null;

    // Rules of now may deny by a claim that those of before did not ask for.
    private bool IsWhole(Subject subject) => subject.Kind != SubjectKind.Workload || _rules.ClaimsOf(subject.Name).IsSubsetOf(subject.Claims.Keys);

    private static (DateTime, long) Stamp(string file) => new FileInfo(file) is { Exists: true } info ? (info.LastWriteTimeUtc, info.Length) : default;
}
