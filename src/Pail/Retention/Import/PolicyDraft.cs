using System.Text;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Retention.Import;

/// <summary>A policy that is being made of another.</summary>
/// <param name="from">What it is made of.</param>
internal sealed class PolicyDraft(string from)
{
    private const string Every = "**";

    private readonly List<DraftRule> _rules = [];
    private readonly List<string> _differences = [];

    /// <summary>Notes what differs, as a sentence. The same one is noted once.</summary>
    public void Differs(string text)
    {
        if (!_differences.Contains(text))
            _differences.Add(text);
    }

    public DraftRule Add(string name)
    {
        var rule = new DraftRule { Name = SafeText.OneLine(name, 80) };
        _rules.Add(rule);
        return rule;
    }

    /// <summary>The pattern below what the policy is for.</summary>
    public static string Below(string within, string pattern) => within == Every ? pattern : $"{within}/{pattern}";

    /// <summary>Writes it.</summary>
    public ImportedPolicy Build()
    {
        // One that keeps nothing would drop everything; one for no repository or tag does nothing.
        var rules = _rules.Where(rule => rule.Keeps.Exists(keep => keep is not [("alias", _)]) && rule is { Repositories.Count: > 0, Tags.Count: > 0 }).ToList();
        foreach (var rule in _rules.Except(rules))
            Differs($"'{rule.Name}' is left out: what it names can't match anything.");
        var text = new StringBuilder($"# Made of {from} by 'pail policy import'.\n");
        foreach (var difference in _differences)
            text.Append($"# Differs: {difference}\n");
        text.Append("version: 1\n");
        if (rules.Count > 0)
            text.Append("rules:\n");
        foreach (var rule in rules)
        {
            text.Append($"  - name: {Quote(rule.Name)}\n    repositories: {Quote(rule.Repositories)}\n");
            if (rule.ExceptRepositories.Count > 0)
                text.Append($"    except-repositories: {Quote(rule.ExceptRepositories)}\n");
            if (rule.Tags is not ["*"])
                text.Append($"    tags: {Quote(rule.Tags)}\n");
            if (rule.ExceptTags.Count > 0)
                text.Append($"    except-tags: {Quote(rule.ExceptTags)}\n");
            text.Append("    keep:\n");
            foreach (var keep in rule.Keeps)
                text.Append($"      - {string.Join("\n        ", keep.Select(field => $"{field.Key}: {field.Value}"))}\n");
        }
        return new(text.ToString(), _differences);
    }

    /// <summary>A word, quoted so that YAML and JSON read the same.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    /// <summary>A list of words.</summary>
    public static string Quote(IEnumerable<string> texts) => $"[{string.Join(", ", texts.Select(Quote))}]";
}

/// <summary>A rule that is being made.</summary>
internal sealed class DraftRule
{
    public required string Name { get; init; }

    public List<string> Repositories { get; } = [];

    public List<string> ExceptRepositories { get; } = [];

    public List<string> Tags { get; init; } = ["*"];

    public List<string> ExceptTags { get; } = [];

    public List<List<(string Key, string Value)>> Keeps { get; } = [];

    public void Keep(params (string Key, string Value)[] fields) => Keeps.Add([.. fields]);

    /// <summary>Where whole images are kept or deleted: one tag that stays keeps the others of its image.</summary>
    public void KeepAliases() => Keep(("alias", "true"));

    /// <summary>Keeps all: for what can't be expressed.</summary>
    public void KeepAll() => Keep(("tags", "\"*\""));
}
