using System.Text.Json;
using Pail.Oci;

namespace Pail.Retention.Import;

/// <summary>
/// Reads cleanup policies of Artifact Registry, as <c>gcloud artifacts repositories set-cleanup-policies</c> takes them and <c>describe</c>
/// prints them. Source: "Configure cleanup policies": a version is deleted if a Delete policy matches it and no Keep policy does.
/// </summary>
internal static class GarImport
{
    private sealed record GarPolicy(string Name, JsonElement Json, string Action)
    {
        public JsonElement? Condition => Json.At("condition");

        public JsonElement? Recent => Json.At("mostRecentVersions");

        public TimeSpan? Older => Time(Condition, "olderThan");

        public List<string> Packages => (Condition ?? Recent)?.Texts("packageNamePrefixes") ?? [];

        public string Shown => $"'{SafeText.OneLine(Name, 80)}'";
    }

    public static PolicyDraft Read(JsonElement root, string within)
    {
        var policies = Policies(root);
        if (policies.Count == 0 || policies.Any(policy => policy.Action is not ("DELETE" or "KEEP")))
            throw PolicyImport.NotOne("a list of cleanup policies of Artifact Registry: [{\"name\": ..., \"action\": {\"type\": \"Delete\"}, \"condition\": {...}}] is expected");
        var draft = new PolicyDraft($"cleanup policies of Artifact Registry for {within}");
        draft.Differs("Artifact Registry counts from when a version was uploaded, Pail from when a tag was written; Pail drops tags, and only if no other tag of the image stays.");
        var keeps = policies.Where(policy => policy.Action == "KEEP").Select(policy => Kept(draft, policy)).OfType<List<(string, string)>>().ToList();
        // What several Delete policies match goes when the first of them says so: each takes what those of shorter times leave.
        var deletes = policies.Where(policy => policy.Action == "DELETE").OrderBy(policy => policy.Older ?? TimeSpan.Zero).ToList();
        var samePackages = deletes.Select(policy => string.Join('\n', policy.Packages.Order(StringComparer.Ordinal))).Distinct().Count() <= 1;
        if (!samePackages && deletes.Count > 1)
            draft.Differs("What several Delete policies match stays as long as one of them lets it.");
        var before = new List<string>();
        foreach (var policy in deletes)
            Add(draft, policy, within, keeps, samePackages ? before : []);
        return draft;
    }

    private static List<GarPolicy> Policies(JsonElement root)
    {
        if ((root.At("cleanupPolicies") ?? root) is { ValueKind: JsonValueKind.Object } named)
            return [.. named.EnumerateObject().Where(field => field.Value.At("action") is not null).Select(field => Of(field.Value, field.Name))];
        return root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray().Select(policy => Of(policy, policy.Text("name") ?? policy.Text("id") ?? "unnamed"))] : [];
    }

    private static GarPolicy Of(JsonElement policy, string name) => new(name, policy, (policy.Text("action") ?? policy.At("action")?.Text("type") ?? "").ToUpperInvariant());

    private static void Add(PolicyDraft draft, GarPolicy policy, string within, List<List<(string, string)>> keeps, List<string> before)
    {
        if (policy.Condition is not { } condition)
        {
            draft.Differs($"{policy.Shown} is left out: a Delete policy without a condition is not known.");
            return;
        }
        var state = (condition.Text("tagState") ?? "any").ToUpperInvariant();
        if (state == "UNTAGGED")
        {
            draft.Differs($"{policy.Shown} is about versions without tags: 'pail gc --untagged-after' is for those, and goes by age alone.");
            return;
        }
        if (WhyNot(condition, state, policy, keeps.Count) is { } why)
        {
            draft.Differs($"{policy.Shown} is left out: {why}.");
            return;
        }
        var rule = draft.Add(policy.Name);
        rule.Repositories.AddRange(policy.Packages.Count == 0 ? [PolicyDraft.Below(within, "**")] : policy.Packages.Where(prefix => !prefix.AsSpan().ContainsAny('*', '?', '['))
            .Select(prefix => ForeignJson.AsRepositories(PolicyDraft.Below(within, $"{prefix.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase)}**"))).OfType<string>());
        if (condition.Texts("tagPrefixes") is { Count: > 0 } prefixes)
        {
            rule.Tags.Clear();
            rule.Tags.AddRange(prefixes.Select(ForeignJson.TagsWith).OfType<string>());
        }
        else if (state != "TAGGED")
        {
            draft.Differs($"{policy.Shown} is also about versions without tags: 'pail gc --untagged-after' is for those.");
        }
        rule.ExceptTags.AddRange(before);
        if (policy.Older is { } age)
            rule.Keep(("newer-than", Written(age)));
        rule.Keeps.AddRange(keeps);
        rule.KeepAliases();
        before.AddRange(rule.Tags);
    }

    private static string? WhyNot(JsonElement condition, string state, GarPolicy policy, int keeps)
    {
        if (condition.Unknown("tagState", "tagPrefixes", "versionNamePrefixes", "packageNamePrefixes", "olderThan", "newerThan") is { } unknown)
            return $"'{unknown}' is not known";
        if (state is not ("TAGGED" or "ANY" or "TAG_STATE_UNSPECIFIED"))
            return $"the tagState '{SafeText.OneLine(state)}' is not known";
        if (condition.At("versionNamePrefixes") is not null)
            return "it goes by the beginning of digests";
        if (condition.At("newerThan") is not null)
            return "it deletes what is new";
        if (condition.At("olderThan") is not null && policy.Older is null)
            return "its olderThan can't be read";
        return policy.Older is null && keeps == 0 ? "it deletes everything, and no Keep policy keeps some of it" : null;
    }

    // Null for what is about untagged versions alone. A condition that can't be expressed is dropped: then more is kept.
    private static List<(string, string)>? Kept(PolicyDraft draft, GarPolicy policy)
    {
        if (policy.Packages.Count > 0)
            draft.Differs($"{policy.Shown} keeps the same in all packages.");
        if (policy.Recent is { } recent)
            return recent.Number("keepCount") is > 0 and var count ? [("last-images", $"{count}")] : All(draft, policy);
        if (policy.Condition is not { } condition || condition.Unknown("tagState", "tagPrefixes", "packageNamePrefixes", "newerThan") is not null)
            draft.Differs($"{policy.Shown} keeps more here: of its conditions only tags, tagPrefixes and newerThan can be expressed.");
        var fields = new List<(string, string)>();
        var tags = policy.Condition?.Texts("tagPrefixes").Select(ForeignJson.TagsWith).OfType<string>().ToList();
        if (tags is { Count: > 0 })
            fields.Add(("tags", PolicyDraft.Quote(tags)));
        if (Time(policy.Condition, "newerThan") is { } age)
            fields.Add(("newer-than", Written(age)));
        if (fields.Count > 0)
            return fields;
        return policy.Condition?.Text("tagState")?.ToUpperInvariant() == "UNTAGGED" ? null : All(draft, policy);
    }

    private static List<(string, string)> All(PolicyDraft draft, GarPolicy policy)
    {
        draft.Differs($"{policy.Shown} keeps everything.");
        return [("tags", "\"*\"")];
    }

    private static TimeSpan? Time(JsonElement? condition, string name) => condition?.Text(name) is { } text && Duration.TryParse(text, out var time) ? time : null;

    private static string Written(TimeSpan time) => time == TimeSpan.FromDays((long)time.TotalDays) ? $"{(long)time.TotalDays}d" : $"{(long)Math.Ceiling(time.TotalSeconds)}s";
}
