using System.Collections.Immutable;
using Pail.Oci;

namespace Pail.Access;

/// <summary>Which kind of subject makes a request.</summary>
internal enum SubjectKind
{
    /// <summary>A request without a login.</summary>
    Anonymous,

    /// <summary>A user of the password file.</summary>
    User,

    /// <summary>A robot of the bucket.</summary>
    Robot,

    /// <summary>The bearer of an identity token.</summary>
    Workload,
}

/// <summary>The subject that makes a request.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Name">The name of the user or robot; of a workload, what the rules call its issuer; empty for an anonymous subject.</param>
internal sealed record Subject(SubjectKind Kind, string Name)
{
    /// <summary>A request without a login.</summary>
    public static readonly Subject Anonymous = new(SubjectKind.Anonymous, "");

    private static readonly (string Prefix, SubjectKind Kind)[] Kinds = [("user:", SubjectKind.User), ("robot:", SubjectKind.Robot), ("issuer:", SubjectKind.Workload)];

    /// <summary>What the identity token of a workload says of it; empty for all others.</summary>
    public ImmutableSortedDictionary<string, string> Claims { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Reads a subject as people write it: <c>anonymous</c>, <c>user:alice</c> or just <c>alice</c>, <c>robot:ci</c>, <c>issuer:github,repository_id=1,ref=main</c>.</summary>
    /// <exception cref="FormatException">It is none; the message says what to write.</exception>
    public static Subject Parse(string text)
    {
        if (text == "anonymous")
            return Anonymous;
        var (prefix, kind) = Kinds.FirstOrDefault(known => text.StartsWith(known.Prefix, StringComparison.Ordinal), (Prefix: "", Kind: SubjectKind.User));
        var name = text[prefix.Length..];
        if (kind != SubjectKind.Workload)
            return name.Length > 0 && !name.Contains(':', StringComparison.Ordinal) ? new(kind, name) : throw Expected(text);
        var parts = name.Split(',');
        var claims = parts.Skip(1).Select(part => part.Split('=', 2)).ToList();
        return parts[0].Length > 0 && claims.TrueForAll(claim => claim is [{ Length: > 0 }, _])
            ? new(kind, parts[0]) { Claims = claims.GroupBy(claim => claim[0]).ToImmutableSortedDictionary(group => group.Key, group => group.Last()[1], StringComparer.Ordinal) }
            : throw Expected(text);
    }

    /// <inheritdoc/>
    public bool Equals(Subject? other) => other is not null && (Kind, Name) == (other.Kind, other.Name) && Claims.SequenceEqual(other.Claims);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Name);

    /// <summary>As people write it, without claims.</summary>
    public override string ToString() => SafeText.OneLine(Kind == SubjectKind.Anonymous ? "anonymous" : Kinds.First(known => known.Kind == Kind).Prefix + Name);

    private static FormatException Expected(string text) =>
        new($"'{SafeText.OneLine(text)}': anonymous, user:NAME, robot:NAME or issuer:NAME,CLAIM=VALUE,... is expected");
}
