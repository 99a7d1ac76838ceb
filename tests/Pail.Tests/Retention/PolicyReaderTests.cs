using Pail.Oci;
using Pail.Retention;

namespace Pail.Tests.Retention;

public sealed class PolicyReaderTests
{
    [Fact]
    public void Read_AWholePolicy_IsWhatItSays()
    {
        var (policy, problems) = RetentionPolicy.Read("""
            version: 1
            history:
              keep: 14d
            immutable:
              - repositories: "team/**"
                tags: ["v*", release]
                except-tags: "v*-rc*"
            pins:
              - image: team/app:1.4
                until: 2027-03-01
                reason: the customer still runs it
            rules:
              - name: releases
                repositories: ["team/**", base]
                except-repositories: team/legacy
                tags: "*"
                except-tags: latest
                keep:
                  - last: 10
                  - semver: ">=1.2 <3"
                    prereleases: true
                  - last: 5
                    for-each: ["main-*", "pr-(*)-*"]
                  - highest: 1
                    for-each: minor
                  - majors: 2
                  - newer-than: 30d
                    tags: "*-rc*"
                  - pulled-within: 8w
                  - in-use: true
                  - alias: true
            """);
        Assert.Empty(problems);
        Assert.Equal(TimeSpan.FromDays(14), policy!.HistoryKeep);
        Assert.Equal(new DateTimeOffset(2027, 3, 2, 0, 0, 0, TimeSpan.Zero), Assert.Single(policy.Pins).Until);
        var rule = Assert.Single(policy.Rules);
        Assert.Equal((13, "releases", 9), (rule.Line, rule.Name, rule.Keeps.Count));
        Assert.Equal([19, 20, 22, 24, 26, 27, 29, 30, 31], rule.Keeps.Select(keep => keep.Line));
        Assert.True(rule.Covers("team/app", "x"));
        Assert.False(rule.Covers("team/legacy", "x"));
        Assert.False(rule.Covers("team/app", "latest"));
        Assert.Equal("last 5, for-each main-* pr-(*)-*", rule.Keeps[2].Text);
        var app = RepositoryName.Parse("team/app");
        Assert.NotNull(policy.Immutable.Find(app, "v1"));
        Assert.NotNull(policy.Immutable.FindLasting(app, "v1"));
        Assert.Null(policy.Immutable.Find(app, "v1-rc1"));
        Assert.Null(policy.Immutable.Find(RepositoryName.Parse("base"), "v1"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    [InlineData("version: 1\n")]
    [InlineData("{}")]
    public void Read_NothingSaid_IsTheEmptyPolicy(string text)
    {
        var (policy, problems) = RetentionPolicy.Read(text);
        Assert.Empty(problems);
        Assert.Empty(policy!.Rules);
        Assert.Equal(TimeSpan.FromDays(30), policy.HistoryKeep);
        Assert.True(policy.Immutable.IsEmpty);
    }

    [Fact]
    public void Read_Json_IsYaml()
    {
        var (policy, problems) = RetentionPolicy.Read("""{"rules": [{"repositories": "**", "keep": [{"last": 3}, {"tags": ["a*", "b"]}]}]}""");
        Assert.Empty(problems);
        Assert.Equal(2, policy!.Rules[0].Keeps.Count);
    }

    [Theory]
    [InlineData("ruls: []", 1, 1, "'ruls' means nothing here; a policy has rules")]
    [InlineData("rules:\n  - repositories: x\n    keep:\n      - last: 3\n        lst: 4", 5, 9, "'lst'")]
    [InlineData("rules:\n  - repositories: x\n    keep: []", 3, 11, "missing")]
    [InlineData("rules:\n  - repositories: x\n    keep:", 3, 10, "missing")]
    [InlineData("rules:\n  - repositories: x\n", 2, 5, "write 'keep:'")]
    [InlineData("rules:\n  - keep: [{last: 1}]\n", 2, 5, "write 'repositories:")]
    [InlineData("rules:\n  - repositories: x\n    repositories: y\n    keep: [{last: 1}]", 3, 5, "twice")]
    [InlineData("rules:\n  - repositories: Team/*\n    keep: [{last: 1}]", 2, 19, "write 'team/*'")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{last: 0}]", 3, 19, "number from 1")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{newer-than: 30}]", 3, 25, "30d")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{semver: newest}]", 3, 21, ">=1.2 <3")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{last: 1, highest: 2}]", 3, 31, "entry of its own")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{alias: true, last: 2}]", 3, 20, "stands alone")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{alias: false}]", 3, 20, "leave this out")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{alias: yes}]", 3, 20, "true or false")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{for-each: main-*}]", 3, 23, "how many")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{prereleases: true}]", 3, 26, "goes with 'semver'")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{}]", 3, 12, "last: 10")]
    [InlineData("rules:\n  - repositories: *\n    keep: [{last: 1}]", 2, 19, "in quotes")]
    [InlineData("rules:\n  - repositories: **\n    keep: [{last: 1}]", 2, 19, "\"**\" in quotes")]
    [InlineData("rules:\n  - repositories: x\n    keep: [{tags: *-rc}]", 3, 19, "\"*-rc\" in quotes")]
    [InlineData("rules:\n\t- repositories: x", 2, 1, "spaces")]
    [InlineData("rules: [x\n", 2, 1, "']'")]
    [InlineData("rules: x", 1, 8, "a rule is written as keys")]
    [InlineData("a: @x", 1, 4, "in quotes")]
    [InlineData("pins:\n  - image: app:1\n", 2, 5, "until: ")]
    [InlineData("pins:\n  - until: 2027-01-01\n", 2, 5, "image: ")]
    [InlineData("pins:\n  - {image: app, until: 2027-01-01}", 2, 13, "team/app:1.0")]
    [InlineData("pins:\n  - {image: 'app@sha256:1', until: 2027-01-01}", 2, 13, "team/app:1.0")]
    [InlineData("pins:\n  - {image: 'app:1', until: tomorrow}", 2, 29, "2027-01-31")]
    [InlineData("immutable:\n  - repositories: x\n", 2, 5, "which tags?")]
    [InlineData("immutable:\n  - tags: x\n", 2, 5, "which repositories?")]
    [InlineData("history:\n  keep: 3\n", 2, 9, "3d")]
    [InlineData("version: 2", 1, 10, "newer Pail")]
    [InlineData("- a\n- b", 1, 1, "keys with values")]
    [InlineData("version: 1\n---\nversion: 1\n", 2, 1, "one document")]
    [InlineData("rules: &a []\nimmutable: *a", 1, 8, "anchors")]
    [InlineData("? [a]\n: b", 1, 1, "a key is a word")]
    [InlineData("[[[[[[[[[[[[]]]]]]]]]]]]", 1, 9, "nested")]
    public void Read_AMistake_IsToldWithItsPlaceAndWhatToWrite(string text, int line, int column, string says)
    {
        var (policy, problems) = RetentionPolicy.Read(text);
        Assert.Null(policy);
        Assert.Contains(problems, problem => problem.Line == line && problem.Column == column && problem.Message.Contains(says, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_SeveralMistakes_AreAllTold_AndParseNamesTheFirst()
    {
        const string text = "rules:\n  - repositories: A\n    keep: [{last: x}]\nwhat: 1\n";
        Assert.Equal(3, RetentionPolicy.Read(text).Problems.Count);
        var error = Assert.Throws<PailException>(() => RetentionPolicy.Parse(text, "policy.yaml"));
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.StartsWith("policy.yaml:2:19: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("2 more", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_AnythingAtAll_EndsWithAPolicyOrAProblem()
    {
        const string alphabet = "ab:-[]{}\"'\n \t#*&!|>%@`,?0\u00e9\0";
        var random = new Random(7);
        for (var i = 0; i < 20000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => alphabet[random.Next(alphabet.Length)]));
            var (policy, problems) = RetentionPolicy.Read(text);
            Assert.True(policy is null != (problems.Count == 0), text);
            Assert.All(problems, problem => Assert.DoesNotContain(problem.Message, char.IsControl));
        }
    }
}
