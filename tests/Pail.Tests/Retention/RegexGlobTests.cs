using System.Text.RegularExpressions;
using Pail.Policies;
using Pail.Retention.Import;

namespace Pail.Tests.Retention;

public sealed class RegexGlobTests
{
    private static readonly string[] Tags =
        ["latest", "v1", "v2.0", "v2.0-prod", "v21", "prod", "x-prod", "prod-x", "1", "1.0", "10", "a", "ab", "abc", "main-1", "main", "_", "A", "rc", "1.0-rc1", "release", "releases"];

    [Theory]
    [InlineData(".*")]
    [InlineData("^v2.*")]
    [InlineData("v2.*")]
    [InlineData(".*-prod")]
    [InlineData("^.*-prod$")]
    [InlineData("^latest$")]
    [InlineData("latest|prod")]
    [InlineData("^(main|prod).*$")]
    [InlineData("^main-(\\d|x)$")]
    [InlineData("^v?1$")]
    [InlineData("^[0-9]\\.[0-9]$")]
    [InlineData("^[^a-z]$")]
    [InlineData("^a.?$")]
    [InlineData("^a.+$")]
    [InlineData("\\.")]
    [InlineData("^\\w$")]
    [InlineData("^releases?$")]
    [InlineData("^$")]
    [InlineData("^(?:rc|a)$")]
    public void Translate_MatchesTheSameTags(string expression)
    {
        var globs = RegexGlob.Translate(expression)!.ConvertAll(text => Glob.OfTags(text));
        Assert.All(Tags, tag => Assert.Equal(Regex.IsMatch(tag, expression, RegexOptions.NonBacktracking), globs.Exists(glob => glob.Matches(tag))));
    }

    [Theory]
    [InlineData("^v\\d+$")]
    [InlineData("^a{2}$")]
    [InlineData("(?i)latest")]
    [InlineData("^(a|b)*$")]
    [InlineData("a\\b")]
    [InlineData("[[:alpha:]]")]
    [InlineData("((a|b)c)")]
    [InlineData("a/b")]
    public void Translate_WhatHasNoPattern_IsNull(string expression) => Assert.Null(RegexGlob.Translate(expression));
}
