using Pail.Retention;
using Pail.Retention.Import;

namespace Pail.Tests.Retention;

/// <summary>Policies of others, as their documentation shows them.</summary>
public sealed class PolicyImportTests
{
    [Fact]
    public void Ecr_RulesByPriority_AreRulesThatLeaveEachOtherAlone()
    {
        var imported = Read(PolicySource.Ecr, """
            {"rules": [
              {"rulePriority": 10, "description": "the rest", "selection": {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14}, "action": {"type": "expire"}},
              {"rulePriority": 1, "selection": {"tagStatus": "tagged", "tagPrefixList": ["prod"], "countType": "imageCountMoreThan", "countNumber": 10}, "action": {"type": "expire"}},
              {"rulePriority": 2, "selection": {"tagStatus": "tagged", "tagPatternList": ["*-rc*"], "countType": "sinceImagePulled", "countUnit": "days", "countNumber": 3}, "action": {"type": "expire"}},
              {"rulePriority": 3, "selection": {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1}, "action": {"type": "expire"}}
            ]}
            """, "team/app");
        Assert.Equal(
        [
            "team/app | prod* | last-images 10; alias true",
            "team/app | *-rc* except prod* | pulled-within 3d; alias true",
            "team/app | * except prod*, *-rc* | newer-than 14d; alias true",
        ], Rules(imported));
        Assert.Contains(imported.Differences, text => text.Contains("'ECR rule 3'", StringComparison.Ordinal) && text.Contains("--untagged-after 1d", StringComparison.Ordinal));
        Assert.All(imported.Differences, text => Assert.Contains($"# Differs: {text}\n", imported.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(""" "tagStatus": "tagged", "tagPrefixList": ["a", "b"], "countType": "imageCountMoreThan", "countNumber": 1 """, "expire", "each pattern")]
    [InlineData(""" "tagStatus": "tagged", "tagPrefixList": ["a"], "countType": "sinceImageTransitioned", "countUnit": "days", "countNumber": 1 """, "expire", "sinceImageTransitioned")]
    [InlineData(""" "tagStatus": "tagged", "tagPrefixList": ["a"], "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1 """, "transition", "transition")]
    [InlineData(""" "tagStatus": "tagged", "tagPrefixList": ["a"], "countType": "sinceImagePushed", "countUnit": "hours", "countNumber": 1 """, "expire", "hours")]
    [InlineData(""" "tagStatus": "tagged", "tagPrefixList": ["a"], "storageClass": "archive", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1 """, "expire", "archive")]
    [InlineData(""" "tagStatus": "tagged", "tagPrefixList": ["a"], "newThing": 1, "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1 """, "expire", "newThing")]
    public void Ecr_WhatCantBeSaid_IsLeftOut_AndStillShieldsItsTags(string selection, string action, string says)
    {
        var imported = Read(PolicySource.Ecr, $$"""
            {"rules": [
              {"rulePriority": 1, "selection": { {{selection}} }, "action": {"type": "{{action}}"} },
              {"rulePriority": 2, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}, "action": {"type": "expire"} }
            ]}
            """, "app");
        Assert.StartsWith("app | * except a*", Assert.Single(Rules(imported)), StringComparison.Ordinal);
        Assert.Contains(imported.Differences, text => text.Contains("left out", StringComparison.Ordinal) && text.Contains(says, StringComparison.Ordinal));
    }

    [Fact]
    public void Ecr_AsTheCommandLinePrintsIt_NamesItsRepository()
    {
        const string printed = """{"registryId":"1","repositoryName":"team/app","lifecyclePolicyText":"{\"rules\":[{\"rulePriority\":1,\"selection\":{\"tagStatus\":\"any\",\"countType\":\"imageCountMoreThan\",\"countNumber\":7},\"action\":{\"type\":\"expire\"}}]}"}""";
        Assert.Equal(["team/app | * | last-images 7; alias true"], Rules(Read(PolicySource.Ecr, printed, null)));
        Assert.Equal(["other | * | last-images 7; alias true"], Rules(Read(PolicySource.Ecr, printed, "other")));
    }

    [Fact]
    public void Gar_DeleteAndKeep_AreRulesWithTheKeepsInEach()
    {
        var imported = Read(PolicySource.Gar, """
            [
              {"name": "delete-prerelease", "action": {"type": "Delete"}, "condition": {"tagState": "tagged", "tagPrefixes": ["alpha", "v0"], "olderThan": "30d"}},
              {"name": "delete-all", "action": {"type": "Delete"}, "condition": {"tagState": "any", "olderThan": "7776000s"}},
              {"name": "keep-release", "action": {"type": "Keep"}, "condition": {"tagState": "tagged", "tagPrefixes": ["release"]}},
              {"name": "keep-minimum", "action": {"type": "Keep"}, "mostRecentVersions": {"keepCount": 5}}
            ]
            """, "images");
        Assert.Equal(
        [
            "images/** | alpha*, v0* | newer-than 30d; tags release*; last-images 5; alias true",
            "images/** | * except alpha*, v0* | newer-than 90d; tags release*; last-images 5; alias true",
        ], Rules(imported));
    }

    [Fact]
    public void Gar_AsDescribePrintsIt_AndWhatCantBeSaid()
    {
        var imported = Read(PolicySource.Gar, """
            {"name": "projects/p/locations/l/repositories/r", "cleanupPolicies": {
              "a": {"id": "a", "action": "DELETE", "condition": {"tagState": "TAGGED", "olderThan": "86400s", "packageNamePrefixes": ["web", "team%2Fapi"]}},
              "b": {"id": "b", "action": "DELETE", "condition": {"versionNamePrefixes": ["sha256:1"]}},
              "c": {"id": "c", "action": "DELETE", "condition": {"newerThan": "86400s"}},
              "d": {"id": "d", "action": "DELETE", "condition": {"tagState": "UNTAGGED", "olderThan": "86400s"}},
              "e": {"id": "e", "action": "KEEP", "condition": {"versionNamePrefixes": ["sha256:2"], "tagPrefixes": ["x"]}}
            }}
            """, "**");
        Assert.Equal(["web**, team/api** | * | newer-than 1d; tags x*; alias true"], Rules(imported));
        foreach (var name in new[] { "'b' is left out", "'c' is left out", "'d' is about versions without tags", "'e' keeps more" })
            Assert.Contains(imported.Differences, text => text.Contains(name, StringComparison.Ordinal));
    }

    [Fact]
    public void Gar_AKeepThatCantBeSaid_KeepsEverything()
    {
        var imported = Read(PolicySource.Gar, """[{"name":"d","action":{"type":"Delete"},"condition":{"olderThan":"1d"}},{"name":"k","action":{"type":"Keep"},"condition":{"versionNamePrefixes":["sha256:2"]}}]""", "**");
        Assert.Equal(["** | * | newer-than 1d; tags *; alias true"], Rules(imported));
    }

    [Fact]
    public void Harbor_Rules_AreKeptTogether()
    {
        var imported = Read(PolicySource.Harbor, """
            {"id": 4, "algorithm": "or", "scope": {"level": "project", "ref": 2}, "trigger": {"kind": "Schedule", "settings": {"cron": "0 0 0 * * *"}}, "rules": [
              {"disabled": false, "action": "retain", "template": "latestPushedK", "params": {"latestPushedK": 10},
               "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "{v*,release-**}", "extras": "{\"untagged\":true}"}],
               "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "web/**"}]}},
              {"action": "retain", "template": "nDaysSinceLastPull", "params": {"nDaysSinceLastPull": "7"},
               "tag_selectors": [{"kind": "doublestar", "decoration": "excludes", "pattern": "dev*"}],
               "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoExcludes", "pattern": "base"}]}},
              {"action": "retain", "template": "always", "params": {}, "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "**"}], "scope_selectors": {"repository": [{"kind": "doublestar", "decoration": "repoMatches", "pattern": "keep-?"}]}},
              {"disabled": true, "action": "retain", "template": "always", "params": {}}
            ]}
            """, "team");
        Assert.Equal(
        [
            "team/web/**, team/web | * | last-images 10, tags v* release-*; alias true",
            "team/** except team/base | * | pulled-within 7d, except-tags dev*; alias true",
            "team/keep-? | * | tags *; alias true",
        ], Rules(imported));
        Assert.Contains(imported.Differences, text => text.Contains("'Harbor rule 4: always' is left out", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"template": "byMagic", "params": {}}""")]
    [InlineData("""{"template": "latestPushedK", "params": {}}""")]
    [InlineData("""{"template": "latestPushedK", "params": {"latestPushedK": 3}, "tag_selectors": [{"kind": "label", "decoration": "withLabels", "pattern": "x"}]}""")]
    [InlineData("""{"template": "latestPushedK", "params": {"latestPushedK": 3}, "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "a*"}, {"kind": "doublestar", "decoration": "matches", "pattern": "*b"}]}""")]
    [InlineData("""{"template": "latestPushedK", "params": {"latestPushedK": 3}, "tag_selectors": [{"kind": "doublestar", "decoration": "matches", "pattern": "a\\*"}]}""")]
    public void Harbor_WhatCantBeSaid_DropsNothingInItsRepositories(string rule)
    {
        var imported = Read(PolicySource.Harbor, $$"""{"rules": [{{rule}}]}""", "**");
        Assert.Equal(["** | * | tags *"], Rules(imported));
        Assert.Contains(imported.Differences, text => text.Contains("can't be expressed", StringComparison.Ordinal));
    }

    [Fact]
    public void Zot_Policies_TheFirstThatMatchesIsTheOne()
    {
        var imported = Read(PolicySource.Zot, """
            {"storage": {"rootDirectory": "/z", "gc": true, "retention": {"dryRun": false, "delay": "24h", "policies": [
              {"repositories": ["infra/*", "prod/**"], "deleteReferrers": false, "keepTags": [{"patterns": ["v2.*", ".*-prod"]}, {"patterns": ["v3.*"], "mostRecentlyPushedCount": 3, "pulledWithin": "168h"}]},
              {"repositories": ["tmp/**"], "deleteReferrers": true, "deleteUntagged": true},
              {"repositories": ["odd"], "keepTags": [{"patterns": ["^v\\d+$"]}]},
              {"repoNames": ["**"], "keepTags": [{"mostRecentlyPulledCount": 10, "pushedWithin": "720h"}]}
            ]}, "subPaths": {"/a": {"rootDirectory": "/y"}}}}
            """, null);
        Assert.Equal(
        [
            "infra/*, prod/**, prod except a/**, a | * | tags *v2* *-prod*; last 3, tags *v3*, except-tags *v2* *-prod*; pulled-within 604800s, tags *v3*, except-tags *v2* *-prod*",
            "** except a/**, a, infra/*, prod/**, prod, tmp/**, tmp, odd | * | last-pulled 10, tags *; newer-than 2592000s, tags *",
        ], Rules(imported));
        Assert.Contains(imported.Differences, text => text.Contains("'zot policy 3' can't be expressed", StringComparison.Ordinal));
        Assert.Contains(imported.Differences, text => text.Contains("--grace", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Ecr", "{}")]
    [InlineData("Ecr", "[1]")]
    [InlineData("Gar", "[]")]
    [InlineData("Gar", "{\"rules\":[]}")]
    [InlineData("Harbor", "{\"rules\":[{}]}")]
    [InlineData("Zot", "{\"storage\":{}}")]
    [InlineData("Zot", "x")]
    public void Read_AnotherFile_IsBadContent(string source, string json) =>
        Assert.Equal(Failure.BadContent, Assert.Throws<PailException>(() => Read(Enum.Parse<PolicySource>(source), json, "app")).Failure);

    [Theory]
    [InlineData("Ecr")]
    [InlineData("Gar")]
    [InlineData("Harbor")]
    public void Read_ForWhichRepositoriesIsNotSaid_IsAsked(string source)
    {
        const string json = """{"rules":[{"rulePriority":1,"template":"always","selection":{},"action":{}}]}""";
        var error = Assert.Throws<PailException>(() => Read(Enum.Parse<PolicySource>(source), json, null));
        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains("--for", error.Message, StringComparison.Ordinal);
        Assert.Equal(Failure.BadInput, Assert.Throws<PailException>(() => Read(Enum.Parse<PolicySource>(source), json, "Team")).Failure);
    }

    private static ImportedPolicy Read(PolicySource source, string json, string? within) => PolicyImport.Read(source, json, within);

    private static IEnumerable<string> Rules(ImportedPolicy imported) => RetentionPolicy.Parse(imported.Text, "imported").Rules
        .Select(rule => $"{rule.Repositories} | {rule.Tags} | {string.Join("; ", rule.Keeps.Select(keep => keep.Text))}");
}
