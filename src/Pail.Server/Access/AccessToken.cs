using System.Collections.Immutable;
using Pail.Access;
using Pail.Oci;
using Pail.Server.Sealing;

namespace Pail.Server.Access;

/// <summary>What a bearer token says. The rules of the moment it is used at count as well: it can only take away.</summary>
/// <param name="Subject">The subject it was given to.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="Scopes">What it is good for.</param>
internal sealed record AccessToken(Subject Subject, DateTimeOffset Expires, IReadOnlyList<Scope> Scopes);

/// <summary>What a refresh token says: a login that was good once.</summary>
/// <param name="Subject">The subject it was given to.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="Proof">What the login rested on: <see cref="Login.Proof"/>.</param>
internal sealed record RefreshToken(Subject Subject, DateTimeOffset Expires, string Proof);

/// <summary>
/// Tokens as they travel: encrypted and authenticated with a key derived from the secret that replicas share, so that each reads what the others gave, and
/// a new secret ends all of them. Nothing in a token names a key or an algorithm.
/// </summary>
/// <param name="secrets">The secrets; the first one seals.</param>
internal sealed class TokenSeal(IReadOnlyList<ReadOnlyMemory<byte>> secrets)
{
    /// <summary>The most bytes of a token before it is sealed: it travels in a header.</summary>
    public const int MaxSize = 12 << 10;

    private const byte Version = 1;
    private const string Access = "access";
    private const string Refresh = "refresh";

    private readonly PathSeal _seal = new("pail registry token", secrets, MaxSize + 64);

    public string Seal(AccessToken token)
    {
        var writer = Begin(new byte[MaxSize], token.Subject, token.Expires);
        writer.AddNumber((ulong)token.Scopes.Count);
        foreach (var scope in token.Scopes)
        {
            writer.Add((byte)scope.Actions);
            writer.AddText(scope.Repository?.ToString() ?? "");
        }
        return _seal.Seal(Access, writer.Written);
    }

    public string Seal(RefreshToken token)
    {
        var writer = Begin(new byte[MaxSize], token.Subject, token.Expires);
        writer.AddText(token.Proof);
        return _seal.Seal(Refresh, writer.Written);
    }

    /// <summary>The token; null if it is none of this registry's. It may have ended.</summary>
    public AccessToken? Open(string text)
    {
        if (_seal.Open(Access, text) is not { } plain || plain[0] != Version)
            return null;
        var reader = new SealReader(plain.AsSpan(1));
        var (subject, expires) = ReadHead(ref reader);
        var scopes = new Scope[(int)reader.TakeNumber()];
        foreach (ref var scope in scopes.AsSpan())
        {
            var actions = (AccessActions)reader.Take(1)[0];
            scope = new(reader.TakeText() is { Length: > 0 } name ? RepositoryName.Parse(name) : null, actions);
        }
        return new(subject, expires, scopes);
    }

    /// <summary>The refresh token; null if it is none of this registry's. It may have ended.</summary>
    public RefreshToken? OpenRefresh(string text)
    {
        if (_seal.Open(Refresh, text) is not { } plain || plain[0] != Version)
            return null;
        var reader = new SealReader(plain.AsSpan(1));
        var (subject, expires) = ReadHead(ref reader);
        return new(subject, expires, reader.TakeText());
    }

    private static SealWriter Begin(Span<byte> room, Subject subject, DateTimeOffset expires)
    {
        var writer = new SealWriter(room);
        writer.Add(Version);
        writer.Add((byte)subject.Kind);
        writer.AddText(subject.Name);
        writer.AddNumber((ulong)expires.ToUnixTimeSeconds());
        writer.AddNumber((ulong)subject.Claims.Count);
        foreach (var (name, value) in subject.Claims)
        {
            writer.AddText(name);
            writer.AddText(value);
        }
        return writer;
    }

    private static (Subject Subject, DateTimeOffset Expires) ReadHead(ref SealReader reader)
    {
        var (kind, name, expires) = ((SubjectKind)reader.Take(1)[0], reader.TakeText(), DateTimeOffset.FromUnixTimeSeconds((long)reader.TakeNumber()));
        var claims = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        for (var count = reader.TakeNumber(); count > 0; count--)
        {
            var claim = reader.TakeText();
            claims[claim] = reader.TakeText();
        }
        return (new Subject(kind, name) { Claims = claims.ToImmutable() }, expires);
    }
}
