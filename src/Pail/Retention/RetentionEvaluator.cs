namespace Pail.Retention;

/// <summary>
/// Decides what becomes of the tags of a repository. Pure: the same facts, policy and time give the same verdicts, whatever the order of
/// the tags. A tag is dropped only if a rule is about it and no entry of any such rule, no pin, no list of what runs and no
/// immutability keeps it.
/// </summary>
internal static class RetentionEvaluator
{
    /// <summary>Returns a verdict for each tag, in the order of their characters.</summary>
    public static IReadOnlyList<TagVerdict> Evaluate(this RetentionPolicy policy, RepositoryFacts repository, DateTimeOffset now)
    {
        var name = repository.Repository.ToString();
        var tags = repository.Tags.OrderBy(tag => tag.Tag, StringComparer.Ordinal).ToList();
        var rules = policy.Rules.Where(rule => rule.Repositories.Matches(name)).Select(rule => Applied.Of(rule, tags, repository, now)).ToList();
        var verdicts = tags.ConvertAll(tag => Of(policy, name, rules, tag, now));
        if (!rules.Any(rule => rule.Alias is not null))
            return verdicts;
        var staying = verdicts.Where(verdict => verdict.Fate != TagFate.Dropped).GroupBy(verdict => verdict.Facts.Digest).ToDictionary(group => group.Key, group => group.First().Facts.Tag);
        return verdicts.ConvertAll(verdict =>
            verdict.Fate == TagFate.Dropped && staying.TryGetValue(verdict.Facts.Digest, out var other)
            && rules.FirstOrDefault(rule => rule.Alias is not null && rule.Covered.Contains(verdict.Facts)) is { } by
                ? Kept(verdict.Facts, $"{by.Rule}: names the same image as {other}", by.Alias!.Line)
                : verdict);
    }

    // What stands above the rules.
    private static TagVerdict? Before(RetentionPolicy policy, string repository, TagFacts tag, DateTimeOffset now)
    {
        if (tag.InUse)
            return Kept(tag, "in use", null);
        if (policy.Pins.FirstOrDefault(pin => pin.Holds(repository, tag, now)) is { } pinned)
            return Kept(tag, $"pinned until {pinned.Until:yyyy-MM-dd HH:mm}{(pinned.Reason is null ? "" : $": {pinned.Reason}")}", pinned.Line);
        return policy.Immutable.StaysBy(repository, tag.Tag) is { } entry ? Kept(tag, "immutable", entry.Line) : null;
    }

    private static TagVerdict Of(RetentionPolicy policy, string repository, List<Applied> rules, TagFacts tag, DateTimeOffset now)
    {
        var about = rules.Where(rule => rule.Covered.Contains(tag)).ToList();
        if (about.Count == 0)
            return new(tag, TagFate.Untouched, rules.Count == 0 ? "no rule for this repository" : "no rule for this tag", null);
        if (Before(policy, repository, tag, now) is { } above)
            return above;
        foreach (var rule in about)
            if (rule.Kept.TryGetValue(tag, out var entry))
                return Kept(tag, $"{rule.Rule}: {entry}", entry.Line);
        return new(tag, TagFate.Dropped, $"nothing keeps it: {string.Join(", ", about.Select(rule => rule.Rule))}", about[0].Rule.Line);
    }

    private static TagVerdict Kept(TagFacts tag, string reason, int? line) => new(tag, TagFate.Kept, reason, line);

    // A rule, the tags that it is about, and those it keeps with the first entry that does.
    private sealed record Applied(RetentionRule Rule, HashSet<TagFacts> Covered, Dictionary<TagFacts, KeepEntry> Kept)
    {
        public KeepEntry? Alias => Rule.Keeps.FirstOrDefault(entry => entry.Alias);

        public static Applied Of(RetentionRule rule, List<TagFacts> tags, RepositoryFacts repository, DateTimeOffset now)
        {
            var covered = tags.Where(tag => rule.Tags.Matches(tag.Tag)).ToList();
            var kept = new Dictionary<TagFacts, KeepEntry>();
            foreach (var entry in rule.Keeps)
                foreach (var tag in new KeepSelection(entry, repository, now).Of(covered))
                    kept.TryAdd(tag, entry);
            return new(rule, [.. covered], kept);
        }
    }
}
