using FsCheck;
using FsCheck.Fluent;
using Pail.Oci;
using Pail.Retention;

namespace Pail.Tests.Retention;

/// <summary>What holds of every policy and every repository.</summary>
public sealed class RetentionPropertyTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    private static readonly string[] Names = ["latest", "v1.0.0", "v1.0.1", "v1.1.0", "v2.0.0-rc.1", "2.0.0", "2.0", "pr-1", "pr-2", "pr-3", "main-a", "main-b", "x", "release-1"];

    private static readonly string[] Entries =
    [
        "last: 1", "last: 3", "last-images: 2", "last-pulled: 1", "highest: 2", "majors: 1", "tags: 'pr-*'", "tags: latest", "semver: '>=1.0.1'", "newer-than: 20d", "pulled-within: 10d",
        "last: 1, for-each: ['pr-*', 'main-*']", "highest: 1, for-each: minor", "alias: true", "in-use: true", "last: 2, tags: 'v*'", "last-images: 1, except-tags: 'v*'",
    ];

    private static Arbitrary<int> Seeds => Gen.Choose(0, int.MaxValue - 1).ToArbitrary();

    [Fact]
    public void Evaluate_OneMoreEntry_NeverDropsMore() => Holds(random =>
    {
        var (facts, rules) = (Facts(random), Rules(random));
        var before = Dropped(rules, facts);
        rules[random.Next(rules.Count)].Keep.Add(Any(random, Entries));
        return Dropped(rules, facts).IsSubsetOf(before);
    });

    [Fact]
    public void Evaluate_OneMoreRuleForWhatIsCoveredAlready_NeverDropsMore() => Holds(random =>
    {
        var (facts, rules) = (Facts(random), Rules(random));
        var before = Dropped(rules, facts);
        rules.Add(new(rules[0].Repositories, rules[0].Tags, [Any(random, Entries)]));
        return Dropped(rules, facts).IsSubsetOf(before);
    });

    [Fact]
    public void Evaluate_PinnedOrInUse_IsNeverDropped() => Holds(random =>
    {
        var (facts, rules) = (Facts(random), Rules(random));
        var pinned = Any(random, Names);
        var dropped = Dropped(rules, facts, $"pins: [{{image: 'app:{pinned}', until: 2027-01-01}}]\n");
        return !dropped.Contains(pinned) && facts.Tags.Where(tag => tag.InUse).All(tag => !dropped.Contains(tag.Tag));
    });

    [Fact]
    public void Evaluate_Immutable_IsNeverDropped_UnlessItMayExpire() => Holds(random =>
    {
        var (facts, rules) = (Facts(random), Rules(random));
        var free = Dropped(rules, facts);
        return !Dropped(rules, facts, "immutable: [{repositories: '**', tags: 'v*'}]\n").Any(tag => tag.StartsWith('v'))
            && Dropped(rules, facts, "immutable: [{repositories: '**', tags: 'v*', expire: true}]\n").SetEquals(free);
    });

    [Fact]
    public void Evaluate_NoRule_IsUntouched() => Holds(random =>
    {
        var facts = Facts(random);
        var rules = Rules(random).ConvertAll(rule => rule with { Repositories = "other/**" });
        return Policy(rules).Evaluate(facts, Now).All(verdict => verdict.Fate == TagFate.Untouched);
    });

    [Fact]
    public void Evaluate_TagsInAnotherOrder_SameVerdicts() => Holds(random =>
    {
        var (facts, policy) = (Facts(random), Policy(Rules(random)));
        var shuffled = facts with { Tags = [.. facts.Tags.OrderBy(_ => random.Next())] };
        return policy.Evaluate(facts, Now).SequenceEqual(policy.Evaluate(shuffled, Now));
    });

    [Fact]
    public void Evaluate_EveryTag_HasOneVerdictWithAReason() => Holds(random =>
    {
        var (facts, policy) = (Facts(random), Policy(Rules(random)));
        var verdicts = policy.Evaluate(facts, Now);
        return verdicts.Select(verdict => verdict.Facts.Tag).SequenceEqual(facts.Tags.Select(tag => tag.Tag).Order(StringComparer.Ordinal))
            && verdicts.All(verdict => verdict.Reason.Length > 0 && (verdict.Fate != TagFate.Dropped || verdict.Line > 0));
    });

    [Fact]
    public void Evaluate_TheseCases_DropAndKeep()
    {
        var fates = Enumerable.Range(0, 200).SelectMany(seed => { var random = new Random(seed); return Policy(Rules(random)).Evaluate(Facts(random), Now); }).Select(verdict => verdict.Fate).ToLookup(fate => fate);
        Assert.All(Enum.GetValues<TagFate>(), fate => Assert.True(fates[fate].Count() > 100, $"{fate}: {fates[fate].Count()}"));
    }

    private static void Holds(Func<Random, bool> property) => Prop.ForAll(Seeds, seed => property(new Random(seed))).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    private static HashSet<string> Dropped(List<TestRule> rules, RepositoryFacts facts, string before = "") =>
        [.. Policy(rules, before).Evaluate(facts, Now).Where(verdict => verdict.Fate == TagFate.Dropped).Select(verdict => verdict.Facts.Tag)];

    private static RetentionPolicy Policy(List<TestRule> rules, string before = "") => RetentionPolicy.Parse(before + "rules:\n" + string.Concat(rules.Select(rule =>
        $"  - repositories: '{rule.Repositories}'\n    tags: '{rule.Tags}'\n    keep:\n{string.Concat(rule.Keep.Select(entry => $"      - {{{entry}}}\n"))}")), "policy");

    private static List<TestRule> Rules(Random random) =>
        [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => new TestRule(Any(random, ["**", "app", "other"]), Any(random, ["*", "*", "v*", "pr-*"]), [.. Enumerable.Range(0, random.Next(1, 3)).Select(_ => Any(random, Entries))]))];

    private static RepositoryFacts Facts(Random random) => new(RepositoryName.Parse("app"), [.. Names.Where(_ => random.Next(4) > 0).Select(name => new TagFacts(name, Digest.Of([(byte)random.Next(6)]), Now.AddHours(-random.Next(1000)))
    {
        Pulled = random.Next(2) == 0 ? null : Now.AddHours(-random.Next(500)),
        InUse = random.Next(8) == 0,
    })])
    {
        PullsSince = random.Next(3) == 0 ? null : Now.AddDays(-random.Next(30)),
        InUseKnown = random.Next(2) == 0,
    };

    private static T Any<T>(Random random, T[] from) => from[random.Next(from.Length)];

    private sealed record TestRule(string Repositories, string Tags, List<string> Keep);
}
