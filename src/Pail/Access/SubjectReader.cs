using System.Buffers;
using System.Text.RegularExpressions;
using Pail.Oci;
using Pail.Policies;

namespace Pail.Access;

/// <summary>Reads the subjects of rules, and the groups and claims they name.</summary>
internal sealed partial class SubjectReader(List<PolicyProblem> found) : NodeReader(found)
{
    private static readonly SearchValues<char> Wildcards = SearchValues.Create("*?[");

    // Names that their owner can give up, and somebody else can take.
    private static readonly string[] Reusable = ["repository", "repository_owner", "project_path", "namespace_path", "user_login", "actor"];

    private readonly Dictionary<string, IReadOnlySet<string>> _groups = new(StringComparer.Ordinal);

    /// <summary>The issuers that rules may name.</summary>
    public IReadOnlyDictionary<string, TokenIssuer> Issuers { get; set; } = new Dictionary<string, TokenIssuer>();

    /// <summary>Reads the groups: a list of users for each name.</summary>
    public void ReadGroups(YamlNode node)
    {
        foreach (var (key, value) in Entries(node, "groups is written as names with lists of users, such as 'developers: [alice, bob]'"))
            if (!_groups.TryAdd(key.Text, List(value, "a user", item => Text(item, "a user") is { } name ? NameOf(item, name.StartsWith("user:", StringComparison.Ordinal) ? name["user:".Length..] : name) : null).ToHashSet(StringComparer.Ordinal)))
                Wrong(key, $"the group '{SafeText.OneLine(key.Text)}' is there twice: write one");
    }

    /// <summary>Reads a subject.</summary>
    public SubjectPattern? Read(YamlNode node)
    {
        if (node is YamlMap)
            return Workload(node);
        if (Text(node, "a subject") is not { } text)
            return null;
        if (text is "anonymous")
            return new SubjectPattern.Anonymous();
        if (text is "anyone")
            return new SubjectPattern.Anyone();
        var name = text[(text.IndexOf(':', StringComparison.Ordinal) + 1)..];
        switch (text[..^name.Length])
        {
            case "user:":
                return NameOf(node, name) is null ? null : new SubjectPattern.Named(SubjectKind.User, name);
            case "robot:":
                return NameOf(node, name) is null ? null : new SubjectPattern.Named(SubjectKind.Robot, name);
            case "group:":
                if (_groups.TryGetValue(name, out var users))
                    return new SubjectPattern.Group(name, users);
                Wrong(node, $"there is no group '{SafeText.OneLine(name)}': write it below 'groups:'");
                return null;
            case "":
                Wrong(node, $"is '{SafeText.OneLine(name)}' a user, a robot or a group? write user:{SafeText.OneLine(name)}, robot:{SafeText.OneLine(name)} or group:{SafeText.OneLine(name)}; or anonymous, anyone");
                return null;
            default:
                Wrong(node, "a subject is anonymous, anyone, user:NAME, robot:NAME, group:NAME, or {issuer: NAME, claims: {...}}");
                return null;
        }
    }

    private string? NameOf(YamlNode node, string name)
    {
        if (name.Length > 0 && !name.AsSpan().ContainsAny(':', ',') && !name.Any(char.IsControl) && (name == "*" || !name.Contains('*', StringComparison.Ordinal)))
            return name;
        Wrong(node, "a name is expected, without ':' and ','; '*' alone is all");
        return null;
    }

    private SubjectPattern.Workload? Workload(YamlNode node)
    {
        string? issuer = null;
        List<(string, IReadOnlyList<Glob>)>? claims = null;
        if (!Map(node, "a subject with an issuer",
            ("issuer", value => issuer = Text(value, "the name of an issuer")),
            ("claims", value => claims = Claims(value))))
            return null;
        if (issuer is null || !Issuers.ContainsKey(issuer))
            Wrong(node, $"there is no issuer '{SafeText.OneLine(issuer)}': write it below 'issuers:'");
        if (claims is null || claims.All(claim => claim.Item2.Any(glob => glob.ToString().All(c => c is '*' or '?'))))
            Wrong(node, "every token of the issuer would match: name a claim and its value, such as 'claims: {repository_id: \"123456\"}'");
        else if (Unstable(claims) is { } name)
            Wrong(node, $"'{name}' is a name that its owner can give up and somebody else can take: write the claim with its id, such as repository_id or project_id");
        return new(issuer ?? "", claims ?? []);
    }

    private List<(string, IReadOnlyList<Glob>)> Claims(YamlNode node)
    {
        var claims = new List<(string Claim, IReadOnlyList<Glob> Values)>();
        foreach (var (key, value) in Entries(node, "claims are written as names with values, such as 'repository_id: \"123456\"'"))
            if (claims.Exists(claim => claim.Claim == key.Text))
                Wrong(key, $"'{SafeText.OneLine(key.Text)}' is there twice: write one, with a list of values");
            else
                claims.Add((key.Text, List(value, "a value", item => Parsed(item, "a value", Glob.OfText))));
        return claims;
    }

    // The claim that is no lasting proof, if none beside it is.
    private static string? Unstable(List<(string Claim, IReadOnlyList<Glob> Values)> claims) =>
        claims.Exists(claim => claim.Claim.EndsWith("_id", StringComparison.Ordinal) && claim.Values.All(value => !value.ToString().AsSpan().ContainsAny(Wildcards))) ? null
        : claims.Select(claim => claim.Claim).FirstOrDefault(Reusable.Contains)
        ?? (claims.Exists(claim => claim.Claim == "sub" && claim.Values.Any(IsOfNames)) ? "sub" : null);

    // GitHub's newer form is repo:OWNER@ID/NAME@ID:... A pattern that leaves open what kind of subject it is may match names, too.
    private static bool IsOfNames(Glob value)
    {
        var text = value.ToString();
        var kind = text.Split(':')[0];
        return kind == "project_path" || kind.AsSpan().ContainsAny(Wildcards) || (kind == "repo" && !OfIds().IsMatch(text));
    }

    [GeneratedRegex(@"^repo:[^/:@*?\[]+@[0-9]+/[^/:@*?\[]+@[0-9]+:", RegexOptions.NonBacktracking)]
    private static partial Regex OfIds();
}
