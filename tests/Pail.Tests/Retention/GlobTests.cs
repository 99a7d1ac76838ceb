using System.Text.RegularExpressions;
using Pail.Policies;

namespace Pail.Tests.Retention;

public sealed class GlobTests
{
    [Theory]
    [InlineData("app", "app", "apps team/app app/x")]
    [InlineData("team/*", "team/app team/a-b", "team team/app/x myteam/app")]
    [InlineData("team/**", "team/app team/app/x", "team teams/app")]
    [InlineData("**", "a a/b/c", "")]
    [InlineData("**/app", "app team/app a/b/app", "apps team/apps team/app/x")]
    [InlineData("a/**/b", "a/b a/x/b a/x/y/b", "ab a/xb")]
    [InlineData("team**", "team teams team/app", "ateam")]
    [InlineData("app-?", "app-1", "app- app-12 app-/")]
    [InlineData("app[0-9a]", "app1 appa", "appb app app12")]
    [InlineData("app[!0-9]", "appx", "app1 app/")]
    public void OfRepositories_MatchesWholeNamesOnly(string pattern, string yes, string no)
    {
        var glob = Glob.OfRepositories(pattern);
        Assert.All(yes.Split(' ', StringSplitOptions.RemoveEmptyEntries), name => Assert.True(glob.Matches(name), name));
        Assert.All(no.Split(' ', StringSplitOptions.RemoveEmptyEntries), name => Assert.False(glob.Matches(name), name));
    }

    [Theory]
    [InlineData("pr-*", "pr-1 pr-", "apr-1 PR-1")]
    [InlineData("v1", "v1", "v10 xv1 V1")]
    [InlineData("1.0", "1.0", "1x0 1.01")]
    [InlineData("*", "x v1.0_a", "")]
    [InlineData("[a-]x", "ax -x", "bx")]
    public void OfTags_IsAnchoredAndLiteral(string pattern, string yes, string no)
    {
        var glob = Glob.OfTags(pattern);
        Assert.All(yes.Split(' '), name => Assert.True(glob.Matches(name), name));
        Assert.All(no.Split(' ', StringSplitOptions.RemoveEmptyEntries), name => Assert.False(glob.Matches(name), name));
    }

    [Theory]
    [InlineData("main-*", "main-1", "")]
    [InlineData("(*)-*", "feature-x-4f2a", "feature-x")]
    [InlineData("pr-(*)-*", "pr-12-abc", "12")]
    [InlineData("pr-(*)-*", "main-12", null)]
    public void GroupOf_IsWhatStandsInParentheses(string pattern, string tag, string? expected) => Assert.Equal(expected, Glob.OfTags(pattern, groups: true).GroupOf(tag));

    [Theory]
    [InlineData("^v.*$", "globs")]
    [InlineData("v.+", "globs")]
    [InlineData(".*", "write '*'")]
    [InlineData("-x", "begins")]
    [InlineData("a/b", "'/'")]
    [InlineData("{a,b}", "list")]
    [InlineData("[a", "[a-z]")]
    [InlineData("[]", "[a-z]")]
    [InlineData("[z-a]", "empty range")]
    [InlineData("***", "**")]
    [InlineData("(a)", "globs")]
    [InlineData("", "1 to")]
    public void OfTags_WhatNoTagCanMatch_SaysWhatToWrite(string pattern, string says) =>
        Assert.Contains(says, Assert.Throws<FormatException>(() => Glob.OfTags(pattern)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("Team/*", "write 'team/*'")]
    [InlineData("team/app:1.0", "write 'team/app'")]
    [InlineData("/team", "write 'team'")]
    [InlineData("a//b", "write 'a/b'")]
    [InlineData("a b", "' '")]
    public void OfRepositories_WhatNoNameCanMatch_SaysWhatToWrite(string pattern, string says) =>
        Assert.Contains(says, Assert.Throws<FormatException>(() => Glob.OfRepositories(pattern)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("(a)(b)")]
    [InlineData("(a")]
    [InlineData("a)")]
    [InlineData("((a))")]
    public void OfTags_Groups_OnePairAtMost(string pattern) => Assert.Throws<FormatException>(() => Glob.OfTags(pattern, groups: true));

    [Fact]
    public void Matches_AnyPatternAndName_IsWhatTheRegularExpressionIs()
    {
        var random = new Random(3);
        for (var i = 0; i < 500; i++)
        {
            string[] pieces = [.. Enumerable.Range(0, random.Next(1, 7)).Select(_ => Any(random, ["a", "b", "/", "*", "?", "**", "[ab]", "[!a]", "**/"]))];
            var pattern = string.Concat(pieces);
            if (pattern.Contains("***", StringComparison.Ordinal) || pattern.StartsWith('/') || pattern.EndsWith('/') || pattern.Contains("//", StringComparison.Ordinal))
                continue;
            var glob = Glob.OfRepositories(pattern);
            var regex = new Regex($"^{Regex.Replace(pattern, @"(?<=^|/)\*\*/|\*\*|\*|\?|\[!a\]", found => found.Value switch { "**/" => "(.*/)?", "**" => ".*", "*" => "[^/]*", "?" => "[^/]", _ => "[^a/]" }, RegexOptions.None, TimeSpan.FromMinutes(1))}$", RegexOptions.NonBacktracking);
            for (var j = 0; j < 40; j++)
            {
                var name = string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => Any(random, ["a", "b", "c", "/"])));
                Assert.True(regex.IsMatch(name) == glob.Matches(name), $"{pattern} {name}");
            }
        }
    }

    private static T Any<T>(Random random, T[] from) => from[random.Next(from.Length)];
}
