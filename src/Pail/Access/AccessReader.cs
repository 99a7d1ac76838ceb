using Pail.Oci;
using Pail.Policies;

namespace Pail.Access;

/// <summary>Reads rules. docs/access.md has the grammar.</summary>
internal sealed class AccessReader(List<PolicyProblem> found) : NodeReader(found)
{
    private readonly SubjectReader _subjects = new(found);
    private readonly IssuerReader _issuers = new(found);

    public AccessRules Read(string text)
    {
        if (text.Length > AccessRules.MaxSize)
        {
            Found.Add(new(1, 1, $"a file of rules has at most {ByteSize.Format(AccessRules.MaxSize)}"));
            return AccessRules.None;
        }
        if (YamlNode.Read(text, Found) is not { } root || root is YamlText { Text: "" })
            return AccessRules.None;
        YamlNode? groups = null, issuers = null, rules = null;
        Map(root, "a file of rules",
            ("rules", node => rules = node),
            ("groups", node => groups = node),
            ("issuers", node => issuers = node),
            ("version", Version));
        // Rules name groups and issuers, which may stand below them in the file.
        if (groups is not null)
            _subjects.ReadGroups(groups);
        if (issuers is not null)
            _subjects.Issuers = _issuers.Read(issuers);
        return new AccessRules { Rules = rules is null ? [] : List(rules, "a rule", Rule), Issuers = _subjects.Issuers, Text = text };
    }

    private void Version(YamlNode node)
    {
        if (node is not YamlText { Text: "1" })
            Wrong(node, "version: 1 is expected; another is of a newer Pail");
    }

    private AccessRule? Rule(YamlNode node)
    {
        string? name = null;
        List<SubjectPattern>? subjects = null;
        List<Glob>? repositories = null, except = null;
        AccessActions? allow = null, deny = null;
        if (!Map(node, "a rule",
            ("subjects", value => subjects = List(value, "a subject", _subjects.Read)),
            ("repositories", value => repositories = Repositories(value)),
            ("allow", value => allow = Actions(value)),
            ("deny", value => deny = Actions(value)),
            ("name", value => name = Text(value, "a name") is { } said ? SafeText.OneLine(said) : null),
            ("except-repositories", value => except = Repositories(value))))
            return null;
        if (subjects is null)
            Wrong(node, "which subjects? write 'subjects: user:alice', or anonymous, anyone, robot:NAME, group:NAME");
        if (repositories is null)
            Wrong(node, "which repositories? write 'repositories: \"team/**\"', or \"**\" for all");
        if (allow is null && deny is null)
            Wrong(node, "what is allowed or denied? write 'allow: [pull, push]', or 'deny: delete'");
        return new AccessRule(node.Line, subjects ?? [], new(repositories ?? [], except ?? []), allow ?? AccessActions.None, deny ?? AccessActions.None) { Name = name };
    }

    private AccessActions Actions(YamlNode node) => List(node, "an action", Action).Aggregate(AccessActions.None, (all, one) => all | one.Action);

    private ReadAction? Action(YamlNode node)
    {
        if (node is YamlText { Text: var word } && AccessWords.Read(word) is { } action)
            return new(action);
        Wrong(node, node is YamlText { Text: "*" or "all" } ? "for everything write admin" : $"an action is expected: {string.Join(", ", AccessWords.All)}");
        return null;
    }

    private sealed record ReadAction(AccessActions Action);
}
