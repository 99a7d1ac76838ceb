using System.Text;
using Pail.Tests.Kit;

namespace Pail.Tests.Documents;

/// <summary>Commands of a page that are typed one after the other.</summary>
/// <param name="Line">Where they begin.</param>
/// <param name="Commands">The commands, as written.</param>
/// <param name="NotRun">Why they are not run here; null where they are.</param>
internal sealed record CommandBlock(int Line, IReadOnlyList<string> Commands, string? NotRun);

/// <summary>A page of documentation: its blocks of commands, and the steps of workflows.</summary>
internal static class DocumentPage
{
    private const string Excuse = "<!-- not run: ";

    /// <summary>The pages whose commands are run.</summary>
    public static IReadOnlyList<string> WithCommands { get; } =
    [
        "README.md", "docs/install.md", "docs/operations.md",
        .. Directory.EnumerateFiles(Path.Combine(TestEnvironment.Sources, "docs/quickstart")).Select(file => $"docs/quickstart/{Path.GetFileName(file)}").Order(StringComparer.Ordinal),
    ];

    /// <summary>Reads the blocks of a page.</summary>
    /// <param name="page">Its path in the sources.</param>
    public static IReadOnlyList<CommandBlock> Read(string page)
    {
        var blocks = new List<CommandBlock>();
        var lines = File.ReadAllLines(Path.Combine(TestEnvironment.Sources, page));
        string? excuse = null;
        for (var at = 0; at < lines.Length; at++)
        {
            if (lines[at].StartsWith(Excuse, StringComparison.Ordinal))
            {
                excuse = lines[at][Excuse.Length..^" -->".Length];
            }
            else if (lines[at] is "```console" or "```yaml")
            {
                var (begin, isShell) = (at + 1, lines[at] == "```console");
                while (lines[++at] != "```")
                {
                }
                List<string> commands = [.. isShell ? Typed(lines[begin..at]) : Steps(lines[begin..at])];
                if (commands.Count > 0)
                    blocks.Add(new(begin, commands, excuse));
                excuse = null;
            }
        }
        return blocks;
    }

    // What follows a prompt; a line that ends with '\' goes on. All else is what is printed.
    private static IEnumerable<string> Typed(string[] lines)
    {
        StringBuilder? command = null;
        foreach (var line in lines)
        {
            if (command is null && !line.StartsWith("$ ", StringComparison.Ordinal))
                continue;
            command = command is null ? new StringBuilder(line[2..]) : command.Append('\n').Append(line);
            if (line.EndsWith('\\'))
                continue;
            yield return command.ToString();
            command = null;
        }
    }

    private static IEnumerable<string> Steps(string[] lines) =>
        lines.Select(line => line.Trim()).Where(line => line.StartsWith("- run: ", StringComparison.Ordinal)).Select(line => line["- run: ".Length..]);
}
