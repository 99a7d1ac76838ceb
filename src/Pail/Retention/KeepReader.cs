using System.Globalization;
using Pail.Policies;
using Semver;

namespace Pail.Retention;

/// <summary>Reads what a rule keeps.</summary>
internal sealed class KeepReader(List<PolicyProblem> found) : NodeReader(found)
{
    private const int MaxRange = 500;

    public KeepEntry? Read(YamlNode node)
    {
        var entry = new KeepEntry(node.Line);
        List<Glob>? tags = null, except = null;
        (YamlNode Node, bool Given) prereleases = default;
        (YamlNode Node, string Text)? range = null;
        YamlNode? groups = null;
        if (!Map(node, "an entry of keep",
            ("last", value => Choose(value, entry, KeepChoice.Last)),
            ("last-images", value => Choose(value, entry, KeepChoice.LastImages)),
            ("last-pulled", value => Choose(value, entry, KeepChoice.LastPulled)),
            ("highest", value => Choose(value, entry, KeepChoice.Highest)),
            ("for-each", value => groups = value),
            ("newer-than", value => entry.NewerThan = Time(value)),
            ("pulled-within", value => entry.PulledWithin = Time(value)),
            ("tags", value => tags = Tags(value)),
            ("except-tags", value => except = Tags(value)),
            ("semver", value => range = Text(value, "a range of versions, such as \">=1.2 <3\",") is { } text ? (value, text) : null),
            ("prereleases", value => prereleases = (value, Flag(value))),
            ("majors", value => entry.Majors = Count(value)),
            ("in-use", value => entry.InUse = Only(value, (YamlMap)node)),
            ("alias", value => entry.Alias = Only(value, (YamlMap)node))))
            return null;
        entry.Tags = new(tags ?? NameFilter.AllTags.Patterns, except ?? []);
        if (range is var (at, written))
            entry.Range = Range(at, written, prereleases.Given);
        else if (prereleases.Node is { } alone)
            Wrong(alone, "'prereleases' goes with 'semver'");
        if (groups is not null)
            Group(groups, entry);
        if (((YamlMap)node).Entries.Count == 0)
            Wrong(node, "an entry of keep says what it keeps, such as 'last: 10'");
        entry.Text = Describe((YamlMap)node);
        return entry;
    }

    private void Choose(YamlNode value, KeepEntry entry, KeepChoice choice)
    {
        if (entry.Choice != KeepChoice.All)
            Wrong(value, "one of last, last-images, last-pulled and highest is expected: write the other as an entry of its own, below '-'");
        entry.Choice = choice;
        entry.Count = Count(value) ?? 1;
    }

    private bool Only(YamlNode value, YamlMap entry)
    {
        if (entry.Entries.Count > 1)
            Wrong(value, "this stands alone: write the rest as an entry of its own, below '-'");
        if (!Flag(value))
            Wrong(value, "leave this out instead");
        return true;
    }

    private void Group(YamlNode node, KeepEntry entry)
    {
        if (entry.Choice == KeepChoice.All)
            Wrong(node, "'for-each' goes with last, last-images, last-pulled or highest: how many of each?");
        if (node is YamlText { Text: "major" or "minor" } part)
            entry.VersionParts = part.Text == "major" ? 1 : 2;
        else
            entry.Groups = List(node, "a pattern of tags, such as \"pr-*\", or major or minor,", item => Parsed(item, "a pattern of tags", text => Glob.OfTags(text, groups: true)));
    }

    private SemVersionRange? Range(YamlNode node, string text, bool prereleases)
    {
        if (SemVersionRange.TryParseNpm(text, prereleases, out var range, MaxRange))
            return range;
        Wrong(node, $"'{Oci.SafeText.OneLine(text)}' is no range of versions: write such as \">=1.2 <3\", \"^1.4\", \"1.x || 3.x\"");
        return null;
    }

    private static string Describe(YamlMap entry) => string.Join(", ", entry.Entries.Select(pair => string.Create(CultureInfo.InvariantCulture,
        $"{pair.Key.Text} {(pair.Value is YamlList list ? string.Join(' ', list.Items.OfType<YamlText>().Select(item => item.Text)) : (pair.Value as YamlText)?.Text)}")));
}
