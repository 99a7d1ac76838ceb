using Pail.Oci;
using Pail.Policies;

namespace Pail.Retention;

/// <summary>Reads a policy. docs/retention.md has the grammar.</summary>
internal sealed class PolicyReader(List<PolicyProblem> found) : NodeReader(found)
{
    private static readonly TimeSpan Month = TimeSpan.FromDays(30);

    private readonly KeepReader _keeps = new(found);

    public RetentionPolicy Read(string text)
    {
        if (text.Length > RetentionPolicy.MaxSize)
        {
            Found.Add(new(1, 1, $"a policy has at most {ByteSize.Format(RetentionPolicy.MaxSize)}"));
            return RetentionPolicy.Empty;
        }
        var (rules, immutable, pins, history) = (new List<RetentionRule>(), new List<ImmutableEntry>(), new List<Pin>(), Month);
        // A file of comments alone is one that says nothing.
        if (YamlNode.Read(text, Found) is not { } root || root is YamlText { Text: "" })
            return RetentionPolicy.Empty;
        Map(root, "a policy",
            ("rules", node => rules = List(node, "a rule", Rule)),
            ("immutable", node => immutable = List(node, "an entry of immutable", Immutable)),
            ("pins", node => pins = List(node, "a pin", ReadPin)),
            ("history", node => Map(node, "history", ("keep", keep => history = Time(keep) ?? Month))),
            ("version", Version));
        return new RetentionPolicy { Rules = rules, Immutable = new(immutable), Pins = pins, HistoryKeep = history };
    }

    private void Version(YamlNode node)
    {
        if (node is not YamlText { Text: "1" })
            Wrong(node, "version: 1 is expected; another is of a newer Pail");
    }

    private RetentionRule? Rule(YamlNode node)
    {
        string? name = null;
        List<Glob>? repositories = null, except = null, tags = null, exceptTags = null;
        List<KeepEntry>? keeps = null;
        if (!Map(node, "a rule",
            ("repositories", value => repositories = Repositories(value)),
            ("keep", value => keeps = List(value, "what is kept", _keeps.Read)),
            ("tags", value => tags = Tags(value)),
            ("name", value => name = Text(value, "a name") is { } said ? SafeText.OneLine(said) : null),
            ("except-repositories", value => except = Repositories(value)),
            ("except-tags", value => exceptTags = Tags(value))))
            return null;
        if (repositories is null)
            Wrong(node, "which repositories? write 'repositories: \"team/**\"', or \"**\" for all");
        if (keeps is null)
            Wrong(node, "what is kept? write 'keep:' and below it a list, such as '- last: 10'");
        return new RetentionRule(node.Line, new(repositories ?? [], except ?? []), keeps ?? []) { Name = name, Tags = new(tags ?? NameFilter.AllTags.Patterns, exceptTags ?? []) };
    }

    private ImmutableEntry? Immutable(YamlNode node)
    {
        List<Glob>? repositories = null, tags = null, except = null, exceptRepositories = null;
        var expire = false;
        if (!Map(node, "an entry of immutable",
            ("tags", value => tags = Tags(value)),
            ("repositories", value => repositories = Repositories(value)),
            ("except-tags", value => except = Tags(value)),
            ("except-repositories", value => exceptRepositories = Repositories(value)),
            ("expire", value => expire = Flag(value))))
            return null;
        if (tags is null)
            Wrong(node, "which tags? write 'tags: \"v*\"', or \"*\" for all");
        if (repositories is null)
            Wrong(node, "which repositories? write 'repositories: \"team/**\"', or \"**\" for all");
        return new(node.Line, new(repositories ?? [], exceptRepositories ?? []), new(tags ?? [], except ?? []), expire);
    }

    private Pin? ReadPin(YamlNode node)
    {
        (Glob Repositories, Glob? Tags, Digest? Digest)? image = null;
        DateTimeOffset? until = null;
        string? reason = null;
        if (!Map(node, "a pin",
            ("image", value => image = Image(value)),
            ("until", value => until = EndOf(value)),
            ("reason", value => reason = Text(value, "a reason") is { } said ? SafeText.OneLine(said) : null)))
            return null;
        var map = (YamlMap)node;
        if (map.Entries.All(entry => entry.Key.Text != "image"))
            Wrong(node, "what is pinned? write 'image: team/app:1.0'");
        if (map.Entries.All(entry => entry.Key.Text != "until"))
            Wrong(node, "a pin has an end: write 'until: 2027-01-31'");
        return image is var (repositories, tags, digest) && until is { } end ? new Pin(node.Line, repositories, tags, digest, end) { Reason = reason } : null;
    }

    private (Glob, Glob?, Digest?)? Image(YamlNode node)
    {
        const string expected = "an image is expected, such as team/app:1.0, \"team/*:v1.*\" or team/app@sha256:...";
        if (Text(node, "an image") is not { } text)
            return null;
        var at = text.AsSpan().IndexOfAny(':', '@');
        if (at <= 0)
        {
            Wrong(node, expected);
            return null;
        }
        Digest? digest = null;
        if (text[at] == '@')
        {
            if (!Digest.TryParse(text[(at + 1)..], out var named))
            {
                Wrong(node, expected);
                return null;
            }
            digest = named;
        }
        var repositories = Parsed(node, expected, _ => Glob.OfRepositories(text[..at]));
        var tags = digest is null ? Parsed(node, expected, _ => Glob.OfTags(text[(at + 1)..])) : null;
        return repositories is null || (tags is null && digest is null) ? null : (repositories, tags, digest);
    }
}
