using System.Text.Json;
using System.Text.RegularExpressions;
using Pail.Oci;
using Pail.Retention;
using Pail.Retention.Import;

namespace Pail.Tests.Retention;

/// <summary>Against small models of what the others do: what Pail drops under an imported policy, they delete too.</summary>
public sealed class ImportSafetyTests
{
    private const int Cases = 1000;

    private static readonly DateTimeOffset Now = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    private static readonly string[] Names = ["latest", "v1", "v2", "v2-rc", "v3", "pr-1", "pr-2", "pr-3", "main-1", "main-2", "prod", "prod-1"];

    private sealed record Image(Digest Digest, HashSet<string> Tags, int Age, int Pulled);

    [Fact]
    public void Ecr() => Compare(PolicySource.Ecr, random =>
    {
        var rules = Enumerable.Range(1, random.Next(1, 5)).Select(at => new
        {
            rulePriority = at,
            selection = new Dictionary<string, object>
            {
                ["tagStatus"] = Any(random, ["tagged", "tagged", "any"]),
                ["tagPatternList"] = Enumerable.Range(0, random.Next(4) == 0 ? 2 : 1).Select(_ => Any(random, ["v*", "pr-*", "*1", "prod", "*"])).ToArray(),
                ["countType"] = Any(random, ["imageCountMoreThan", "sinceImagePushed", "sinceImagePulled"]),
                ["countUnit"] = "days",
                ["countNumber"] = random.Next(1, 6),
            },
            action = new { type = Any(random, ["expire", "expire", "expire", "transition"]) },
        }).ToList();
        foreach (var rule in rules.Where(rule => rule.selection["tagStatus"] is "any"))
            rule.selection.Remove("tagPatternList");
        return (JsonSerializer.Serialize(new { rules }), images =>
        {
            var (deleted, claimed) = (new HashSet<Image>(), new HashSet<Image>());
            foreach (var rule in rules)
            {
                var patterns = rule.selection.TryGetValue("tagPatternList", out var list) ? (string[])list : [];
                var about = images.Where(image => patterns.All(pattern => image.Tags.Any(tag => Star(pattern, tag)))).ToList();
                var count = (int)rule.selection["countNumber"];
                var expired = rule.selection["countType"] switch
                {
                    "imageCountMoreThan" => about.OrderBy(image => image.Age).Skip(count),
                    "sinceImagePushed" => about.Where(image => image.Age > count),
                    _ => about.Where(image => Math.Min(image.Age, image.Pulled) > count),
                };
                if (rule.action.type == "expire")
                    deleted.UnionWith(expired.Where(image => !claimed.Contains(image)));
                claimed.UnionWith(about);
            }
            return [.. deleted.SelectMany(image => image.Tags)];
        });
    });

    [Fact]
    public void Gar() => Compare(PolicySource.Gar, random =>
    {
        var policies = Enumerable.Range(0, random.Next(1, 6)).Select(at => new Dictionary<string, object>
        {
            ["name"] = $"p{at}",
            ["action"] = new { type = Any(random, ["Delete", "Keep"]) },
            [random.Next(3) == 0 ? "mostRecentVersions" : "condition"] = new Dictionary<string, object>
            {
                ["keepCount"] = random.Next(1, 4),
                ["tagPrefixes"] = random.Next(2) == 0 ? [] : new[] { Any(random, ["v", "pr", "prod"]), Any(random, ["v2", "main"]) },
                [Any(random, ["olderThan", "olderThan", "newerThan"])] = $"{random.Next(1, 8)}d",
            },
        }).ToList();
        foreach (var policy in policies)
            if (policy.GetValueOrDefault("condition") is Dictionary<string, object> condition)
                condition.Remove("keepCount");
            else
                policy["mostRecentVersions"] = new { keepCount = ((Dictionary<string, object>)policy["mostRecentVersions"])["keepCount"] };
        var json = JsonSerializer.Serialize(policies);
        var read = JsonDocument.Parse(json).RootElement.EnumerateArray().ToList();
        bool Matches(JsonElement policy, Image image, List<Image> images)
        {
            if (policy.TryGetProperty("mostRecentVersions", out var recent))
                return images.OrderBy(other => other.Age).Take(recent.GetProperty("keepCount").GetInt32()).Contains(image);
            var condition = policy.GetProperty("condition");
            var prefixes = condition.GetProperty("tagPrefixes").EnumerateArray().Select(item => item.GetString()!).ToList();
            return (prefixes.Count == 0 || prefixes.Exists(prefix => image.Tags.Any(tag => tag.StartsWith(prefix, StringComparison.Ordinal))))
                && (!condition.TryGetProperty("olderThan", out var older) || image.Age > Days(older))
                && (!condition.TryGetProperty("newerThan", out var newer) || image.Age < Days(newer));
        }
        return (json, images => [.. images
            .Where(image => read.Exists(policy => IsDelete(policy) && policy.TryGetProperty("condition", out _) && Matches(policy, image, images)) && !read.Exists(policy => !IsDelete(policy) && Matches(policy, image, images)))
            .SelectMany(image => image.Tags)]);

        static bool IsDelete(JsonElement policy) => policy.GetProperty("action").GetProperty("type").GetString() == "Delete";
        static int Days(JsonElement time) => int.Parse(time.GetString()!.TrimEnd('d'));
    });

    [Fact]
    public void Harbor() => Compare(PolicySource.Harbor, random =>
    {
        var rules = Enumerable.Range(0, random.Next(1, 4)).Select(_ =>
        {
            var template = Any(random, ["always", "latestPushedK", "latestPulledN", "nDaysSinceLastPush", "nDaysSinceLastPull"]);
            return new
            {
                template,
                @params = new Dictionary<string, int> { [template] = random.Next(1, 5) },
                tag_selectors = new[] { new { kind = "doublestar", decoration = Any(random, ["matches", "matches", "excludes"]), pattern = Any(random, ["**", "v*", "{pr-*,main-1}", "pro?"]) } },
                scope_selectors = new { repository = new[] { new { kind = "doublestar", decoration = Any(random, ["repoMatches", "repoMatches", "repoExcludes"]), pattern = Any(random, ["**", "a*", "app", "b"]) } } },
            };
        }).ToList();
        return (JsonSerializer.Serialize(new { algorithm = "or", rules }), images =>
        {
            var about = rules.Where(rule => (rule.scope_selectors.repository[0].pattern is "**" or "a*" or "app") == (rule.scope_selectors.repository[0].decoration == "repoMatches")).ToList();
            if (about.Count == 0)
                return [];
            var kept = about.SelectMany(rule =>
            {
                var selector = rule.tag_selectors[0];
                var selected = images.Where(image => image.Tags.Any(tag => (selector.pattern switch { "**" => true, "v*" => Star("v*", tag), "pro?" => tag is ['p', 'r', 'o', _], _ => Star("pr-*", tag) || tag == "main-1" }) == (selector.decoration == "matches"))).ToList();
                var number = rule.@params[rule.template];
                return rule.template switch
                {
                    "latestPushedK" => selected.OrderBy(image => image.Age).Take(number),
                    "latestPulledN" => selected.OrderBy(image => image.Pulled).Take(number),
                    "nDaysSinceLastPush" => selected.Where(image => image.Age <= number),
                    "nDaysSinceLastPull" => selected.Where(image => image.Pulled <= number),
                    _ => selected,
                };
            }).ToHashSet();
            return [.. images.Where(image => !kept.Contains(image)).SelectMany(image => image.Tags)];
        });
    });

    [Fact]
    public void Zot() => Compare(PolicySource.Zot, random =>
    {
        var policies = Enumerable.Range(0, random.Next(1, 3)).Select(_ => new
        {
            repositories = new[] { Any(random, ["**", "app", "b*", "x/**"]) },
            keepTags = Enumerable.Range(0, random.Next(0, 4)).Select(_ =>
            {
                var entry = new Dictionary<string, object>();
                if (random.Next(4) > 0)
                    entry["patterns"] = new[] { Any(random, ["v.*", "^v2$", "main|prod$", ".*", "^[lm].*$", "pr-[12]"]) };
                foreach (var count in (string[])["mostRecentlyPushedCount", "mostRecentlyPulledCount"])
                    if (random.Next(3) == 0)
                        entry[count] = random.Next(1, 4);
                foreach (var time in (string[])["pulledWithin", "pushedWithin"])
                    if (random.Next(4) == 0)
                        entry[time] = $"{random.Next(1, 200)}h";
                return entry;
            }).ToList(),
        }).ToList();
        return (JsonSerializer.Serialize(new { storage = new { retention = new { policies } } }), images =>
        {
            var tags = images.SelectMany(image => image.Tags.Select(tag => (Tag: tag, image.Age, image.Pulled))).ToList();
            if (policies.FirstOrDefault(policy => policy.repositories[0] is "**" or "app") is not { keepTags.Count: > 0 } mine)
                return [];
            var groups = tags.GroupBy(tag => mine.keepTags.FindIndex(entry => !entry.TryGetValue("patterns", out var patterns) || Regex.IsMatch(tag.Tag, ((string[])patterns)[0], RegexOptions.NonBacktracking)));
            var kept = groups.Where(group => group.Key >= 0).SelectMany(group =>
            {
                var entry = mine.keepTags[group.Key];
                var found = new List<IEnumerable<string>>();
                if (entry.TryGetValue("mostRecentlyPushedCount", out var pushed))
                    found.Add(group.OrderBy(tag => tag.Age).ThenByDescending(tag => tag.Tag, StringComparer.Ordinal).Take((int)pushed).Select(tag => tag.Tag));
                if (entry.TryGetValue("mostRecentlyPulledCount", out var pulled))
                    found.Add(group.OrderBy(tag => tag.Pulled).ThenByDescending(tag => tag.Tag, StringComparer.Ordinal).Take((int)pulled).Select(tag => tag.Tag));
                if (entry.TryGetValue("pulledWithin", out var used))
                    found.Add(group.Where(tag => Math.Min(tag.Age, tag.Pulled) * 24 <= Hours(used)).Select(tag => tag.Tag));
                if (entry.TryGetValue("pushedWithin", out var made))
                    found.Add(group.Where(tag => tag.Age * 24 <= Hours(made)).Select(tag => tag.Tag));
                return found.Count == 0 ? group.Select(tag => tag.Tag) : found.SelectMany(some => some);
            }).ToHashSet();
            return [.. tags.Select(tag => tag.Tag).Where(tag => !kept.Contains(tag))];
        });

        static int Hours(object time) => int.Parse(((string)time).TrimEnd('h'));
    });

    private static void Compare(PolicySource source, Func<Random, (string Json, Func<List<Image>, HashSet<string>> Deletes)> make)
    {
        var (dropped, deleted) = (0, 0);
        for (var seed = 0; seed < Cases; seed++)
        {
            var random = new Random(seed);
            var (json, model) = make(random);
            var images = Names.Where(_ => random.Next(4) > 0).GroupBy(_ => random.Next(8)).Select(group => (Id: group.Key, Tags: group.ToHashSet())).ToList();
            // No two of the same age or last pull: order is theirs alone then.
            var (ages, pulls) = (Shuffled(random), Shuffled(random));
            var made = images.ConvertAll(image => new Image(Digest.Of([(byte)image.Id]), image.Tags, ages[image.Id], pulls[image.Id]));
            var facts = made.SelectMany(image => image.Tags.Select(tag => new TagFacts(tag, image.Digest, Now.AddDays(-image.Age)) { Pulled = Now.AddDays(-image.Pulled) })).ToList();
            var imported = PolicyImport.Read(source, json, source == PolicySource.Ecr ? "app" : source == PolicySource.Zot ? null : "**");
            var ours = RetentionPolicy.Parse(imported.Text, "imported").Evaluate(new(RepositoryName.Parse("app"), facts) { PullsSince = DateTimeOffset.MinValue, InUseKnown = true }, Now)
                .Where(verdict => verdict.Fate == TagFate.Dropped).Select(verdict => verdict.Facts.Tag).ToList();
            var theirs = model(made);
            Assert.True(ours.All(theirs.Contains), $"seed {seed}: ours {string.Join(' ', ours)}; theirs {string.Join(' ', theirs)}\n{json}\n{imported.Text}");
            (dropped, deleted) = (dropped + ours.Count, deleted + theirs.Count);
        }
        // Not by dropping nothing.
        Assert.InRange(dropped, deleted / 5, deleted);
    }

    private static int[] Shuffled(Random random) => [.. Enumerable.Range(0, 10).OrderBy(_ => random.Next())];

    private static bool Star(string pattern, string text) => Regex.IsMatch(text, $"^{Regex.Escape(pattern).Replace(@"\*", ".*", StringComparison.Ordinal)}$", RegexOptions.NonBacktracking);

    private static T Any<T>(Random random, T[] from) => from[random.Next(from.Length)];
}
