using Pail.Cli.Commands;
using Pail.Cli.Output;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Cli;

public sealed class ReferenceTests
{
    private static readonly string Folder = Path.Combine(TestEnvironment.Sources, "docs", "commands");

    [Fact]
    public void Markdown_InDocs_IsCurrent()
    {
        var pages = Pages("markdown").ToDictionary(page => page.File, page => page.Text);
        Assert.Equal(pages.Keys.Order(), Directory.EnumerateFiles(Folder).Select(Path.GetFileName).Order()!);
        Assert.All(pages, page => Assert.True(File.ReadAllText(Path.Combine(Folder, page.Key)) == page.Value, $"docs/commands/{page.Key} is old: eng/reference writes it."));
    }

    [Fact]
    public void Man_EachVerb_HasAPage() => Assert.Equal(
        new Pail.Cli.PailCommand(Nowhere()).Subcommands.Where(verb => !verb.Hidden).Select(verb => $"pail-{verb.Name}.1").Prepend("pail.1"),
        Pages("man").Select(page => page.File));

    [Fact]
    [NeedsServers]
    public async Task Man_Formatted_HasNoWarningAndEveryOption()
    {
        using var folder = new TestFolder();
        foreach (var (file, text) in Pages("man"))
        {
            await File.WriteAllTextAsync(folder[file], text, TestContext.Current.CancellationToken);
            var shown = (await Child.RunAsync("groff", ["-man", "-Tutf8", "-ww", "-P-c", "-P-b", "-P-u", folder[file]])).Succeeded();
            Assert.True(shown.Error.Length == 0, $"{file}: {shown.Error}");
            Assert.Contains("NAME", shown.Output, StringComparison.Ordinal);
        }
        var serve = (await Child.RunAsync("groff", ["-man", "-Tascii", "-P-c", "-P-b", "-P-u", folder["pail-serve.1"]])).Succeeded().Output;
        Assert.All(new ServeCommand(Nowhere()).Options, option => Assert.Contains(option.Name, serve, StringComparison.Ordinal));
    }

    private static IEnumerable<(string File, string Text)> Pages(string form) => ReferenceCommand.Pages(Nowhere(), form);

    private static Terminal Nowhere() => new(Stream.Null, TextWriter.Null);
}
