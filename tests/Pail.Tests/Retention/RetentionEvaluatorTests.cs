using Pail.Oci;
using Pail.Retention;

namespace Pail.Tests.Retention;

public sealed class RetentionEvaluatorTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    // Each tag an hour older than the one before it, each its own image.
    private static readonly string[] Tags = ["pr-2", "pr-1", "main-3", "main-2", "main-1", "v2.1.0", "v2.0.1", "v2.0.0", "1.5.0-rc.1", "1.4.2", "1.4.1", "1.4", "latest"];

    [Theory]
    [InlineData("{last: 3}", "pr-2 pr-1 main-3")]
    [InlineData("{last-images: 2}", "pr-2 pr-1")]
    [InlineData("{tags: [latest, 'v2.0.*']}", "latest v2.0.1 v2.0.0")]
    [InlineData("{tags: 'v*', except-tags: 'v2.0.*'}", "v2.1.0")]
    [InlineData("{tags: 'v*', last: 1}", "v2.1.0")]
    [InlineData("{last: 1, for-each: ['main-*', 'pr-*']}", "pr-2 main-3")]
    [InlineData("{last: 1, for-each: '(*)-*'}", "pr-2 main-3 1.5.0-rc.1")]
    [InlineData("{semver: '>=1.4.2 <2.1'}", "1.4.2 v2.0.0 v2.0.1")]
    [InlineData("{semver: '>=1.4.2 <2', prereleases: true}", "1.4.2 1.5.0-rc.1")]
    [InlineData("{majors: 1}", "v2.1.0 v2.0.1 v2.0.0")]
    [InlineData("{highest: 2}", "v2.1.0 v2.0.1")]
    [InlineData("{highest: 1, for-each: minor}", "v2.1.0 v2.0.1 1.5.0-rc.1 1.4.2")]
    [InlineData("{highest: 1, for-each: major}", "v2.1.0 1.5.0-rc.1")]
    [InlineData("{majors: 1, highest: 1, for-each: minor}", "v2.1.0 v2.0.1")]
    [InlineData("{newer-than: 2h}", "pr-2 pr-1 main-3")]
    [InlineData("{newer-than: 2h, tags: 'pr-*'}", "pr-2 pr-1")]
    [InlineData("{newer-than: 365250d}", "pr-2 pr-1 main-3 main-2 main-1 v2.1.0 v2.0.1 v2.0.0 1.5.0-rc.1 1.4.2 1.4.1 1.4 latest")]
    public void Evaluate_Entry_KeepsWhatItSays(string entry, string kept) => Assert.Equal(kept.Split(' ').Order(StringComparer.Ordinal), Kept($"rules: [{{repositories: app, keep: [{entry}]}}]"));

    [Fact]
    public void Evaluate_RepositoryOrTagWithoutARule_IsUntouched()
    {
        Assert.All(Verdicts("rules: [{repositories: other, keep: [{last: 1}]}]"), verdict => Assert.Equal((TagFate.Untouched, "no rule for this repository"), (verdict.Fate, verdict.Reason)));
        var some = Verdicts("rules: [{repositories: app, tags: 'pr-*', keep: [{last: 1}]}]");
        Assert.Equal(["pr-1"], Names(some, TagFate.Dropped));
        Assert.Equal(["pr-2"], Names(some, TagFate.Kept));
        Assert.Equal(Tags.Length - 2, Names(some, TagFate.Untouched).Count());
    }

    [Fact]
    public void Evaluate_TwoRules_WhatOneKeepsStays_AndTheReasonNamesItsLine()
    {
        var verdicts = Verdicts("""
            rules:
              - name: newest
                repositories: app
                keep:
                  - last: 1
              - repositories: "**"
                keep:
                  - tags: latest
            """);
        Assert.Equal(["latest", "pr-2"], Names(verdicts, TagFate.Kept));
        Assert.Equal(("rule 'newest' (line 2): last 1", 5), Why(verdicts, "pr-2"));
        Assert.Equal(("the rule of line 6: tags latest", 8), Why(verdicts, "latest"));
        Assert.Equal(("nothing keeps it: rule 'newest' (line 2), the rule of line 6", 2), Why(verdicts, "1.4"));
    }

    [Fact]
    public void Evaluate_PinsUseAndImmutability_StandAboveRules()
    {
        var policy = $$"""
            pins:
              - {image: "app:pr-*", until: 2026-11-27}
              - {image: "app@{{DigestOf("main-1")}}", until: 2026-12-01, reason: demo}
              - {image: "app:main-2", until: 2026-11-26}
            immutable:
              - {repositories: "**", tags: "v2.0.*"}
              - {repositories: "**", tags: "v*", expire: true}
            rules: [{repositories: app, keep: [{tags: none}]}]
            """;
        var verdicts = Verdicts(policy, facts => facts.Tag == "1.4" ? facts with { InUse = true } : facts);
        Assert.Equal(["1.4", "main-1", "pr-1", "pr-2", "v2.0.0", "v2.0.1"], Names(verdicts, TagFate.Kept));
        Assert.Equal(("in use", null), Why(verdicts, "1.4"));
        Assert.Equal(("pinned until 2026-12-02 00:00: demo", 3), Why(verdicts, "main-1"));
        Assert.Equal(("immutable", 6), Why(verdicts, "v2.0.0"));
    }

    [Fact]
    public void Evaluate_PulledWithin_CountsPullsAndPushes_OnceRecordsReachBack()
    {
        const string policy = "rules: [{repositories: app, keep: [{pulled-within: 2h}]}]";
        TagFacts Pulled(TagFacts facts) => facts.Tag == "1.4" ? facts with { Pulled = Now.AddHours(-1) } : facts.Tag == "latest" ? facts with { Pulled = Now.AddHours(-3) } : facts;
        Assert.Equal(["1.4", "main-3", "pr-1", "pr-2"], Names(Verdicts(policy, Pulled, since: Now.AddHours(-2)), TagFate.Kept));
        Assert.Empty(Names(Verdicts(policy, Pulled, since: Now.AddMinutes(-119)), TagFate.Dropped));
        Assert.Empty(Names(Verdicts(policy, Pulled), TagFate.Dropped));
    }

    [Fact]
    public void Evaluate_LastPulled_KeepsEverythingWithoutRecords()
    {
        const string policy = "rules: [{repositories: app, keep: [{last-pulled: 2}]}]";
        TagFacts Pulled(TagFacts facts) => facts.Tag == "1.4" ? facts with { Pulled = Now } : facts;
        Assert.Equal(["1.4", "pr-2"], Names(Verdicts(policy, Pulled, since: Now), TagFate.Kept));
        Assert.Empty(Names(Verdicts(policy, Pulled), TagFate.Dropped));
    }

    [Fact]
    public void Evaluate_InUseAsked_WithoutAList_DropsNothing()
    {
        const string policy = "rules: [{repositories: app, keep: [{in-use: true}]}]";
        Assert.Empty(Names(Verdicts(policy), TagFate.Dropped));
        Assert.Equal(Tags.Length, Names(Verdicts(policy, inUseKnown: true), TagFate.Dropped).Count());
    }

    [Fact]
    public void Evaluate_SameImage_AliasFollowsWhatStays_AndImagesCountOnce()
    {
        TagFacts Same(TagFacts facts) => facts.Tag is "latest" or "1.4" or "1.4.2" ? facts with { Digest = DigestOf("1.4.2") } : facts;
        var verdicts = Verdicts("rules: [{repositories: app, keep: [{semver: 1.4.2}, {alias: true}]}]", Same);
        Assert.Equal(["1.4", "1.4.2", "latest"], Names(verdicts, TagFate.Kept));
        Assert.Equal("the rule of line 1: names the same image as 1.4.2", Why(verdicts, "latest").Reason);
        // A tag that no rule is about keeps the others of its image too.
        Assert.Equal(["1.4", "1.4.2"], Names(Verdicts("rules: [{repositories: app, except-tags: latest, keep: [{tags: none}, {alias: true}]}]", Same), TagFate.Kept));
        Assert.Equal(["1.4", "1.4.2", "latest"], Names(Verdicts("rules: [{repositories: app, tags: ['1.4*', latest], keep: [{last-images: 1}]}]", Same), TagFate.Kept));
        Assert.Equal(["1.4.2"], Names(Verdicts("rules: [{repositories: app, tags: ['1.4*', latest], keep: [{last: 1}]}]", Same), TagFate.Kept));
    }

    [Fact]
    public void Evaluate_WrittenInTheSameMoment_IsDecidedByName()
    {
        var verdicts = Verdicts("rules: [{repositories: app, tags: 'v*', keep: [{last: 1}]}]", facts => facts with { Pushed = Now });
        Assert.Equal(["v2.1.0"], Names(verdicts, TagFate.Kept));
    }

    private static IEnumerable<string> Kept(string policy) => Names(Verdicts(policy), TagFate.Kept);

    private static IEnumerable<string> Names(IReadOnlyList<TagVerdict> verdicts, TagFate fate) => verdicts.Where(verdict => verdict.Fate == fate).Select(verdict => verdict.Facts.Tag);

    private static (string Reason, int? Line) Why(IReadOnlyList<TagVerdict> verdicts, string tag) => verdicts.Where(verdict => verdict.Facts.Tag == tag).Select(verdict => (verdict.Reason, verdict.Line)).Single();

    private static Digest DigestOf(string tag) => Digest.Of(System.Text.Encoding.UTF8.GetBytes(tag));

    private static IReadOnlyList<TagVerdict> Verdicts(string policy, Func<TagFacts, TagFacts>? change = null, DateTimeOffset? since = null, bool inUseKnown = false)
    {
        var facts = Tags.Select((tag, at) => (change ?? (same => same))(new TagFacts(tag, DigestOf(tag), Now.AddHours(-at)))).ToList();
        return RetentionPolicy.Parse(policy, "policy").Evaluate(new(RepositoryName.Parse("app"), facts) { PullsSince = since, InUseKnown = inUseKnown }, Now);
    }
}
