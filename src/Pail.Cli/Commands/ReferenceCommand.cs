using System.CommandLine;
using Pail.Cli.Output;
using Pail.Cli.Manual;

namespace Pail.Cli.Commands;

/// <summary>Writes the pages of documentation that come from the definitions of the commands. <c>eng/reference</c> and <c>eng/release</c> call it.</summary>
internal sealed class ReferenceCommand : Command
{
    public ReferenceCommand(Terminal terminal)
        : base("reference", "Writes a page for each command")
    {
        Hidden = true;
        var form = new Argument<string>("form") { HelpName = "markdown|man", Description = "Which form" };
        form.AcceptOnlyFromAmong("markdown", "man");
        var folder = new Argument<string>("folder") { HelpName = "DIR", Description = "Where to write the pages" };
        Add(form);
        Add(folder);
        SetAction(parsed =>
        {
            var directory = Directory.CreateDirectory(parsed.GetRequiredValue(folder)).FullName;
            foreach (var (file, text) in Pages(terminal, parsed.GetRequiredValue(form)))
                File.WriteAllText(Path.Combine(directory, file), text);
        });
    }

    /// <summary>The file names and texts of a form.</summary>
    internal static IEnumerable<(string File, string Text)> Pages(Terminal terminal, string form)
    {
        var root = CommandPage.Of(new PailCommand(terminal));
        return form == "man" ? ManPages.Of(root, PailCommand.Version()) : MarkdownPages.Of(root);
    }
}
