using System.Text.Json;
using Pail.Oci;

namespace Pail.Retention.Import;

/// <summary>
/// Reads tag retention of Harbor, as <c>/api/v2.0/retentions/ID</c> gives it. Source: Harbor's "Create Tag Retention Rules": in the repositories
/// that a rule selects, each artifact that no rule retains is deleted, with all its tags.
/// </summary>
internal static class HarborImport
{
    private sealed record Selection(List<string> Patterns, List<string> Except);

    public static PolicyDraft Read(JsonElement root, string within)
    {
        if (root.Items("rules") is not { Count: > 0 } rules || rules.Any(rule => rule.Text("template") is null))
            throw PolicyImport.NotOne("a retention policy of Harbor: {\"algorithm\": \"or\", \"rules\": [{\"template\": ..., \"params\": {...}}]} is expected");
        var draft = new PolicyDraft($"a retention policy of Harbor for {within}");
        draft.Differs("Harbor counts from when an artifact was pushed, Pail from when a tag was written; artifacts without tags are for 'pail gc --untagged-after'.");
        foreach (var (at, rule) in rules.Index())
            Add(draft, rule, $"Harbor rule {at + 1}: {rule.Text("template")}", within);
        return draft;
    }

    private static void Add(PolicyDraft draft, JsonElement rule, string name, string within)
    {
        if (rule.Flag("disabled"))
        {
            draft.Differs($"{Shown(name)} is left out: it is disabled.");
            return;
        }
        var made = draft.Add(name);
        var repositories = Selected(rule.At("scope_selectors")?.Items("repository") ?? [], "repoMatches", "repoExcludes", Doublestar.Repositories);
        made.Repositories.AddRange((repositories?.Patterns ?? ["**"]).Select(pattern => PolicyDraft.Below(within, pattern)));
        made.ExceptRepositories.AddRange((repositories?.Except ?? []).Select(pattern => PolicyDraft.Below(within, pattern)));
        var tags = Selected(rule.Items("tag_selectors"), "matches", "excludes", Doublestar.Tags);
        if (repositories is null || tags is null || Chosen(rule) is not { } chosen)
        {
            // In these repositories Harbor deletes what no rule retains: with one unknown, nothing may go.
            draft.Differs($"{Shown(name)} can't be expressed: nothing is dropped in the repositories that it is about.");
            made.KeepAll();
            return;
        }
        if (tags.Patterns.Count > 0)
        {
            List<(string, string)> fields = [.. chosen];
            if (tags.Patterns is not ["*"])
                fields.Add(("tags", PolicyDraft.Quote(tags.Patterns)));
            if (tags.Except.Count > 0)
                fields.Add(("except-tags", PolicyDraft.Quote(tags.Except)));
            made.Keeps.Add(fields.Count > 0 ? fields : [("tags", "\"*\"")]);
        }
        if (chosen.Any(field => field.Key is "last-pulled" or "pulled-within"))
            draft.Differs($"{Shown(name)} goes by pulls, which Pail knows only since its server records them or 'pail pulls import' has read the logs; until then it keeps everything. A push counts as a pull.");
        made.KeepAliases();
    }

    // What a rule retains of what it selects; null if that can't be expressed.
    private static List<(string Key, string Value)>? Chosen(JsonElement rule)
    {
        var template = rule.Text("template")!;
        if (rule.Text("action") is not (null or "retain") || rule.Unknown("id", "priority", "disabled", "action", "template", "params", "tag_selectors", "scope_selectors") is not null)
            return null;
        return (template, rule.At("params")?.Number(template)) switch
        {
            ("always", _) => [],
            ("latestPushedK", > 0 and var count) => [("last-images", $"{count}")],
            ("latestPulledN", > 0 and var count) => [("last-pulled", $"{count}")],
            ("nDaysSinceLastPush", > 0 and var days) => [("newer-than", $"{days}d")],
            ("nDaysSinceLastPull", > 0 and var days) => [("pulled-within", $"{days}d")],
            _ => null,
        };
    }

    // One selector of each kind: Harbor wants all to hold, which a list of patterns can't say of several.
    private static Selection? Selected(IReadOnlyList<JsonElement> selectors, string matches, string excludes, Func<string, List<string>?> expand)
    {
        var found = new Selection(expand("**")!, []);
        if (selectors.Count(selector => selector.Text("decoration") == matches) > 1 || selectors.Count(selector => selector.Text("decoration") == excludes) > 1)
            return null;
        // Of two that look at all tags of an artifact, each may be met by another tag.
        if (matches == "matches" && selectors.Count > 1)
            return null;
        foreach (var selector in selectors)
        {
            var pattern = selector.Text("pattern") is { Length: > 0 } text ? text : "**";
            if (selector.Text("kind") is not "doublestar" || expand(pattern) is not { } globs)
                return null;
            if (selector.Text("decoration") == matches)
                found = found with { Patterns = globs };
            else if (selector.Text("decoration") == excludes)
                found = found with { Except = globs };
            else
                return null;
        }
        return found;
    }

    private static string Shown(string name) => $"'{SafeText.OneLine(name, 80)}'";
}
