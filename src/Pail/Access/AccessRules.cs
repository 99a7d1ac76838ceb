using Pail.Policies;

namespace Pail.Access;

/// <summary>Who may do what in which repositories. docs/access.md has the grammar.</summary>
internal sealed record AccessRules
{
    /// <summary>The largest file that is read, in bytes.</summary>
    public const int MaxSize = 256 << 10;

    /// <summary>Rules that allow nothing.</summary>
    public static AccessRules None { get; } = new();

    /// <summary>The rules, in the order of the file.</summary>
    public IReadOnlyList<AccessRule> Rules { get; init; } = [];

    /// <summary>The file they were read from.</summary>
    public string Text { get; init; } = "";

    /// <summary>Issuers of identity tokens, by the name that rules give them.</summary>
    public IReadOnlyDictionary<string, TokenIssuer> Issuers { get; init; } = new Dictionary<string, TokenIssuer>();

    /// <summary>Reads rules.</summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="name">What the text is called in the error.</param>
    /// <exception cref="PailException">They are not valid (<see cref="Failure.BadContent"/>); the message names line, column, and what to write instead.</exception>
    public static AccessRules Parse(string text, string name)
    {
        var (rules, problems) = Read(text);
        return rules ?? throw new PailException(Failure.BadContent, $"{name}:{problems[0]}.{(problems.Count > 1 ? $" {problems.Count - 1} more: 'pail access check' lists them." : "")}");
    }

    /// <summary>Reads rules; null and all that is wrong with them if they are not valid.</summary>
    public static (AccessRules? Rules, IReadOnlyList<PolicyProblem> Problems) Read(string text)
    {
        var problems = new List<PolicyProblem>();
        var rules = new AccessReader(problems).Read(text);
        return (problems.Count == 0 ? rules : null, problems);
    }

    /// <summary>Decides whether a subject may do one thing in a repository: the first rule that denies it, else the first that allows it, else nobody allows it.</summary>
    public AccessDecision Decide(Subject subject, AccessActions action, string repository)
    {
        AccessRule? allows = null;
        foreach (var rule in Rules)
        {
            if (!rule.Repositories.Matches(repository))
                continue;
            if (rule.Denies(subject, action))
                return new(false, rule);
            if (allows is null && rule.Allows(subject, action))
                allows = rule;
        }
        return new(allows is not null, allows);
    }

    /// <summary>True if a subject may do one thing in a repository.</summary>
    public bool Allow(Subject subject, AccessActions action, string repository) => Decide(subject, action, repository).Allowed;

    /// <summary>True if a rule allows a subject one thing in all repositories, written <c>**</c>, and none denies it in any.</summary>
    public bool AllowEverywhere(Subject subject, AccessActions action) =>
        !Rules.Any(rule => rule.Denies(subject, action)) && Rules.Any(rule => rule.Allows(subject, action) && rule.Repositories is { Except.Count: 0 } filter && filter.Patterns.Any(glob => glob.ToString() == "**"));

    /// <summary>The claims that rules name of an issuer's tokens, and <c>sub</c>, which names their bearer.</summary>
    public IReadOnlySet<string> ClaimsOf(string issuer) =>
        Rules.SelectMany(rule => rule.Subjects).OfType<SubjectPattern.Workload>().Where(pattern => pattern.Issuer == issuer).SelectMany(pattern => pattern.Claims).Select(claim => claim.Claim).Append("sub").ToHashSet(StringComparer.Ordinal);

    /// <summary>True if there is a rule that allows the subject anything, or one of these actions, somewhere.</summary>
    public bool Know(Subject subject, AccessActions actions = AccessActions.Pull | AccessActions.Push | AccessActions.Delete | AccessActions.List) => Rules.Any(rule => rule.Allows(subject, actions));
}

/// <summary>A rule: what these subjects may do in these repositories, and what they must not.</summary>
/// <param name="Line">The line it begins at.</param>
/// <param name="Subjects">Which subjects.</param>
/// <param name="Repositories">Which repositories.</param>
/// <param name="Allow">What it allows; <see cref="AccessActions.Admin"/> stands for everything.</param>
/// <param name="Deny">What it denies, whatever other rules allow; <see cref="AccessActions.Admin"/> stands for everything.</param>
internal sealed record AccessRule(int Line, IReadOnlyList<SubjectPattern> Subjects, NameFilter Repositories, AccessActions Allow, AccessActions Deny)
{
    /// <summary>What people call it; null if they didn't say.</summary>
    public string? Name { get; init; }

    /// <summary>True if the rule allows a subject an action, in its repositories.</summary>
    public bool Allows(Subject subject, AccessActions action) => (Allow & (action | AccessActions.Admin)) != AccessActions.None && Subjects.Any(pattern => pattern.Matches(subject, allows: true));

    /// <summary>True if the rule denies a subject an action, in its repositories.</summary>
    public bool Denies(Subject subject, AccessActions action) => (Deny & (action | AccessActions.Admin)) != AccessActions.None && Subjects.Any(pattern => pattern.Matches(subject, allows: false));

    /// <summary>Its name and line, for people.</summary>
    public override string ToString() => Name is null ? $"the rule of line {Line}" : $"rule '{Name}' (line {Line})";
}

/// <summary>What rules say to one question.</summary>
/// <param name="Allowed">True if it is allowed.</param>
/// <param name="Rule">The rule that decides; null if none is about it: then it is denied.</param>
internal sealed record AccessDecision(bool Allowed, AccessRule? Rule);

/// <summary>An issuer of identity tokens that rules trust.</summary>
/// <param name="Issuer">Its URL: the <c>iss</c> of its tokens, below which <c>/.well-known/openid-configuration</c> names its keys.</param>
/// <param name="Audiences">What <c>aud</c> of its tokens must be: one of these.</param>
/// <param name="Algorithms">How its tokens may be signed.</param>
internal sealed record TokenIssuer(Uri Issuer, IReadOnlyList<string> Audiences, IReadOnlyList<string> Algorithms);
