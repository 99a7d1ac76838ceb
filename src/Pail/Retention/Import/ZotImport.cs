using System.Text.Json;
using Pail.Oci;

namespace Pail.Retention.Import;

/// <summary>
/// Reads the retention section of zot's configuration, or the whole of it. Source: zot's "Configuring zot Tag Retention Policies" and its code: the
/// first policy that matches a repository is the one, and in it the first of keepTags whose patterns match a tag.
/// </summary>
internal static class ZotImport
{
    public static PolicyDraft Read(JsonElement root, string? within)
    {
        var storage = root.At("storage");
        var retention = storage?.At("retention") ?? root.At("retention") ?? root;
        if (retention.At("policies") is not { ValueKind: JsonValueKind.Array })
            throw PolicyImport.NotOne("a configuration of zot with retention: {\"storage\": {\"retention\": {\"policies\": [...]}}} is expected");
        var draft = new PolicyDraft("a retention configuration of zot");
        if (retention.At("delay") is not null)
            draft.Differs("'delay' is for 'pail gc --grace'.");
        if (retention.Flag("dryRun"))
            draft.Differs("'dryRun' is on there: 'pail retain --dry-run' does that.");
        var before = new List<string>();
        foreach (var path in storage?.At("subPaths") is { ValueKind: JsonValueKind.Object } paths ? paths.EnumerateObject().Select(field => field.Name.Trim('/')) : [])
        {
            draft.Differs($"The retention of the subpath '{SafeText.OneLine(path)}' is not read, and no rule is about what is below it.");
            before.AddRange(new[] { $"{path}/**", path }.Select(pattern => PolicyDraft.Below(within ?? "**", pattern)));
        }
        foreach (var (at, policy) in retention.Items("policies").Index())
            Add(draft, policy, $"zot policy {at + 1}", within ?? "**", before);
        return draft;
    }

    private static void Add(PolicyDraft draft, JsonElement policy, string name, string within, List<string> before)
    {
        var repositories = policy.Texts("repositories").Concat(policy.Texts("repoNames")).Select(Doublestar.Repositories).ToList();
        if (policy.Flag("deleteReferrers"))
            draft.Differs($"'{name}': referrers go with what they refer to, in 'pail gc'.");
        if (policy.At("deleteUntagged") is not { ValueKind: JsonValueKind.False })
            draft.Differs($"'{name}': manifests without tags are for 'pail gc --untagged-after'.");
        var mine = repositories.SelectMany(globs => globs ?? ["**"]).Select(pattern => PolicyDraft.Below(within, pattern)).Distinct().ToList();
        var keepTags = policy.Items("keepTags");
        var keeps = repositories.Contains(null) ? null : Kept(draft, keepTags, name);
        // Without keepTags zot keeps all tags: as without a rule, and later policies are not asked.
        if (keeps is null)
            draft.Differs($"'{name}' can't be expressed: nothing is dropped in the repositories that it is about.");
        else if (keepTags.Count > 0)
        {
            var rule = draft.Add(name);
            rule.Repositories.AddRange(mine);
            rule.ExceptRepositories.AddRange(before);
            rule.Keeps.AddRange(keeps);
        }
        before.AddRange(mine.Except(before).ToList());
    }

    // Null if a pattern or a condition can't be expressed.
    private static List<List<(string, string)>>? Kept(PolicyDraft draft, IReadOnlyList<JsonElement> keepTags, string name)
    {
        var (keeps, earlier) = (new List<List<(string, string)>>(), new List<string>());
        foreach (var entry in keepTags)
        {
            if (entry.Unknown("patterns", "mostRecentlyPushedCount", "mostRecentlyPulledCount", "pulledWithin", "pushedWithin") is not null || Conditions(entry) is not { } conditions)
                return null;
            var patterns = entry.Texts("patterns").ConvertAll(RegexGlob.Translate);
            if (patterns.Contains(null))
                return null;
            List<string> tags = patterns.Count == 0 ? ["*"] : [.. patterns.SelectMany(globs => globs!).Distinct()];
            if (tags.Count == 0)
                continue;
            foreach (var condition in conditions.Count == 0 ? [null] : conditions.Select(field => ((string, string)?)field))
            {
                List<(string, string)> fields = condition is { } field ? [field, ("tags", PolicyDraft.Quote(tags))] : [("tags", PolicyDraft.Quote(tags))];
                if (earlier.Count > 0)
                    fields.Add(("except-tags", PolicyDraft.Quote(earlier)));
                keeps.Add(fields);
                if (condition is ("last-pulled" or "pulled-within", _))
                    draft.Differs($"'{name}' goes by pulls, which Pail knows only since its server records them or 'pail pulls import' has read the logs; until then it keeps everything. 'last-pulled' counts images, not tags.");
            }
            earlier.AddRange(tags.Except(earlier).ToList());
        }
        return keeps;
    }

    private static List<(string, string)>? Conditions(JsonElement entry)
    {
        var found = new List<(string, string)>();
        foreach (var (theirs, ours) in new[] { ("mostRecentlyPulledCount", "last-pulled"), ("mostRecentlyPushedCount", "last") })
            if (entry.At(theirs) is not null)
            {
                if (entry.Number(theirs) is not { } count)
                    return null;
                if (count > 0)
                    found.Add((ours, $"{count}"));
            }
        foreach (var (theirs, ours) in new[] { ("pulledWithin", "pulled-within"), ("pushedWithin", "newer-than") })
            if (entry.At(theirs) is not null)
            {
                if (entry.Text(theirs) is not { } text || !Duration.TryParse(text, out var time))
                    return null;
                found.Add((ours, $"{(long)Math.Ceiling(time.TotalSeconds)}s"));
            }
        return found;
    }
}
