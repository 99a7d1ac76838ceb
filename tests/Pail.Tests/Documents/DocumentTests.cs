using System.Text.RegularExpressions;
using Pail.Tests.Kit;

namespace Pail.Tests.Documents;

/// <summary>What can be said of the documents without running anything.</summary>
public sealed partial class DocumentTests
{
    private static readonly string Docs = Path.Combine(TestEnvironment.Sources, "docs");

    private static IEnumerable<string> Pages => Directory.EnumerateFiles(Docs, "*.md", SearchOption.AllDirectories).Append(Path.Combine(TestEnvironment.Sources, "README.md"));

    [Fact]
    public void Links_ToFilesAndHeadings_LeadSomewhere()
    {
        var lost = new List<string>();
        foreach (var page in Pages)
            foreach (var match in Link().Matches(Fences().Replace(File.ReadAllText(page), "")).Cast<Match>().Where(match => !match.Groups[1].Value.Contains("://", StringComparison.Ordinal)))
            {
                var (path, heading) = match.Groups[1].Value.Split('#') is [var file, var name] ? (file, name) : (match.Groups[1].Value, null);
                var target = path.Length == 0 ? page : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, path));
                if (!Path.Exists(target) || (heading is not null && !Headings(target).Contains(heading)))
                    lost.Add($"{Path.GetRelativePath(TestEnvironment.Sources, page)}: {match.Value}");
            }
        Assert.Empty(lost);
    }

    [Fact]
    public void Index_NamesEveryPage()
    {
        var index = File.ReadAllText(Path.Combine(Docs, "index.md"));
        Assert.All(
            Directory.EnumerateFiles(Docs, "*.md").Concat(Directory.EnumerateFiles(Path.Combine(Docs, "quickstart"))).Select(file => Path.GetRelativePath(Docs, file)).Where(file => file != "index.md"),
            file => Assert.Contains($"({file})", index, StringComparison.Ordinal));
    }

    // Each heading of the third level is what the program says: a page about words it no longer says helps nobody.
    [Fact]
    public void Troubleshooting_Headings_AreWordsOfTheProgram()
    {
        var source = string.Join('\n', Directory.EnumerateFiles(Path.Combine(TestEnvironment.Sources, "src"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        var headings = File.ReadAllLines(Path.Combine(Docs, "troubleshooting.md")).Where(line => line.StartsWith("### ", StringComparison.Ordinal)).Select(line => line[4..]).ToList();
        string[] ofOthers = ["http: server gave HTTP response to HTTPS client", "A push through a proxy ends with 413, or hangs and ends with 502", "403 Forbidden where an image is missing"];
        Assert.Superset(ofOthers.ToHashSet(), headings.ToHashSet());
        Assert.All(headings.Except(ofOthers), heading => Assert.Contains(heading, source, StringComparison.Ordinal));
    }

    private static HashSet<string> Headings(string page) =>
        [.. File.ReadAllLines(page).Where(line => line.StartsWith('#')).Select(line => NoAnchor().Replace(line.TrimStart('#').Trim().ToLowerInvariant(), "").Replace(' ', '-'))];

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.NonBacktracking)]
    private static partial Regex Link();

    [GeneratedRegex("^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Fences();

    [GeneratedRegex("[^a-z0-9 _-]", RegexOptions.NonBacktracking)]
    private static partial Regex NoAnchor();
}
