using System.Text.Json;
using Pail.Oci;

namespace Pail.Retention.Import;

/// <summary>
/// Reads lifecycle policies of ECR, or what <c>aws ecr get-lifecycle-policy</c> prints. Source: "Lifecycle policy properties in Amazon ECR":
/// rules are about images; an image that meets the tags of a rule is never expired by one of lower priority.
/// </summary>
internal static class EcrImport
{
    public static PolicyDraft Read(JsonElement root, string? within)
    {
        if (root.Text("lifecyclePolicyText") is { } text)
        {
            using var inner = JsonDocument.Parse(text);
            return Read(inner.RootElement, within ?? root.Text("repositoryName"));
        }
        if (root.Items("rules") is not { Count: > 0 } rules || rules.Any(rule => rule.At("selection") is null))
            throw PolicyImport.NotOne("a lifecycle policy of ECR: {\"rules\": [{\"rulePriority\": 1, \"selection\": {...}, \"action\": {...}}]} is expected");
        var repositories = PolicyImport.Needed(within, "a lifecycle policy belongs to one repository of ECR: name that of the bucket");
        var draft = new PolicyDraft($"a lifecycle policy of ECR for {repositories}");
        draft.Differs("ECR counts from when an image was pushed, Pail from when a tag was written; Pail drops tags, and only if no other tag of the image stays.");
        var before = new List<string>();
        foreach (var rule in rules.OrderBy(rule => rule.Number("rulePriority") ?? int.MaxValue))
            Add(draft, rule, repositories, before);
        return draft;
    }

    private static void Add(PolicyDraft draft, JsonElement rule, string repositories, List<string> before)
    {
        var selection = rule.At("selection")!.Value;
        var name = $"ECR rule {rule.Number("rulePriority")}{(rule.Text("description") is { Length: > 0 } said ? $": {said}" : "")}";
        var status = selection.Text("tagStatus");
        List<(string Text, string? Glob)> patterns =
            [.. selection.Texts("tagPrefixList").Select(text => (text, ForeignJson.TagsWith(text))), .. selection.Texts("tagPatternList").Select(text => (text, ForeignJson.TagsLike(text)))];
        // Translated or not: what this rule is about, no later one may take.
        List<string> mine = [.. patterns.Select(pattern => pattern.Glob).OfType<string>()];
        if (status == "untagged")
        {
            draft.Differs($"{Shown(name)} is about images without tags: 'pail gc --untagged-after {selection.Number("countNumber")}d' is for those, and goes by age alone.");
            return;
        }
        if (WhyNot(rule, selection, status, patterns) is { } why)
        {
            draft.Differs($"{Shown(name)} is left out: {why}. No later rule drops what it is about.");
            before.AddRange(status == "tagged" ? mine : ["*"]);
            return;
        }
        var made = draft.Add(name);
        made.Repositories.Add(repositories);
        if (status == "tagged")
        {
            made.Tags.Clear();
            made.Tags.AddRange(mine);
        }
        made.ExceptTags.AddRange(before.Distinct());
        var count = selection.Number("countNumber");
        made.Keep(selection.Text("countType") switch
        {
            "imageCountMoreThan" => ("last-images", $"{count}"),
            "sinceImagePulled" => ("pulled-within", $"{count}d"),
            _ => ("newer-than", $"{count}d"),
        });
        made.KeepAliases();
        if (selection.Text("countType") == "sinceImagePulled")
            draft.Differs($"{Shown(name)} goes by pulls, which Pail knows only since its server records them or 'pail pulls import' has read the logs; until then it drops nothing.");
        if (status == "any")
            draft.Differs($"{Shown(name)} is also about images without tags: 'pail gc --untagged-after' is for those.");
        before.AddRange(status == "tagged" ? mine : ["*"]);
    }

    // Null if the rule can be expressed.
    private static string? WhyNot(JsonElement rule, JsonElement selection, string? status, List<(string Text, string? Glob)> patterns)
    {
        if (rule.At("action")?.Text("type") is not "expire")
            return $"its action is '{SafeText.OneLine(rule.At("action")?.Text("type"))}', and Pail knows no other than to expire";
        if (status is not ("tagged" or "any"))
            return $"the tagStatus '{SafeText.OneLine(status)}' is not known";
        if ((status == "tagged") != patterns.Count > 0)
            return status == "tagged" ? "it names no tags" : "it names tags, and is about all images";
        if (patterns.Count > 1)
            return "it is about images that have a tag of each pattern, and Pail's rules look at each tag alone";
        if (patterns is [{ Glob: null } impossible])
            return $"no tag can match '{SafeText.OneLine(impossible.Text)}'";
        if (selection.Unknown("tagStatus", "tagPrefixList", "tagPatternList", "countType", "countUnit", "countNumber", "storageClass") is { } unknown)
            return $"'{unknown}' is not known";
        if (selection.Text("storageClass") is { } storage and not "standard")
            return $"it is about the storage class '{SafeText.OneLine(storage)}'";
        if (selection.Number("countNumber") is not > 0)
            return "its countNumber is no number from 1";
        return (selection.Text("countType"), selection.Text("countUnit")) switch
        {
            ("imageCountMoreThan", _) or ("sinceImagePushed" or "sinceImagePulled", null or "days") => null,
            ("sinceImagePushed" or "sinceImagePulled", var unit) => $"its countUnit is '{SafeText.OneLine(unit)}', not days",
            var (type, _) => $"the countType '{SafeText.OneLine(type)}' is not known",
        };
    }

    private static string Shown(string name) => $"'{SafeText.OneLine(name, 80)}'";
}
