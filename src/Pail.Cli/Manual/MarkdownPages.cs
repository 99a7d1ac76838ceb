using System.Text;

namespace Pail.Cli.Manual;

/// <summary>Pages of commands as Markdown, as docs/commands has them.</summary>
internal static class MarkdownPages
{
    // Pages that say more, by the name of a command.
    private static readonly Dictionary<string, string> More = new(StringComparer.Ordinal)
    {
        ["access"] = "access.md", ["copy"] = "addresses.md", ["diff"] = "diff.md", ["edge"] = "edge.md", ["gc"] = "gc.md", ["history"] = "removal.md",
        ["iam"] = "stores.md", ["init"] = "layouts.md", ["login"] = "registries.md", ["logout"] = "registries.md", ["policy"] = "retention.md",
        ["publish"] = "public-buckets.md", ["pull"] = "addresses.md", ["pulls"] = "retention.md", ["push"] = "addresses.md", ["retain"] = "retention.md",
        ["rm"] = "removal.md", ["robot"] = "access.md", ["rollback"] = "removal.md", ["serve"] = "server.md", ["undelete"] = "removal.md", ["unpublish"] = "public-buckets.md",
    };

    /// <summary>The file names and texts of all pages: one a verb, and an index.</summary>
    public static IEnumerable<(string File, string Text)> Of(CommandPage root)
    {
        var index = new StringBuilder("# Commands\n\nWritten by `eng/reference` from the definitions of the commands; `pail COMMAND --help` says the same.\n\n| command | does |\n|---|---|\n");
        foreach (var page in root.Commands)
        {
            var name = page.Name["pail ".Length..];
            index.Append($"| [`{page.Name}`]({name}.md) | {Escaped(page.Says)} |\n");
            var text = new StringBuilder();
            Write(text, page, level: 1);
            if (More.TryGetValue(name, out var more))
                text.Append($"## More\n\n- [{more}](../{more})\n");
            text.Append($"{(More.ContainsKey(name) ? "" : "## More\n\n")}- [Exit codes](../exit-codes.md)\n- [All commands](index.md)\n");
            yield return ($"{name}.md", text.ToString());
        }
        yield return ("index.md", index.ToString());
    }

    private static void Write(StringBuilder text, CommandPage page, int level)
    {
        var below = level == 1 ? "##" : "###";
        text.Append($"{(level == 1 ? "#" : "##")} {page.Name}\n\n{Escaped(page.Says)}\n\n```\n{page.Usage}\n```\n\n");
        if (page.Examples.Count > 0)
        {
            text.Append($"{below} Examples\n\n");
            foreach (var (line, says) in page.Examples)
                text.Append($"- `{line}`  \n  {Escaped(says)}\n");
            text.Append('\n');
        }
        Table(text, $"{below} Arguments", page.Arguments);
        Table(text, $"{below} Options", page.Options);
        foreach (var command in page.Commands)
            Write(text, command, level + 1);
    }

    private static void Table(StringBuilder text, string heading, IReadOnlyList<Entry> entries)
    {
        if (entries.Count == 0)
            return;
        text.Append($"{heading}\n\n| | |\n|---|---|\n");
        foreach (var (typed, says) in entries)
            text.Append($"| `{typed.Replace("|", "\\|", StringComparison.Ordinal)}` | {Escaped(says)} |\n");
        text.Append('\n');
    }

    private static string Escaped(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
            escaped.Append(c is '\\' or '|' or '<' or '*' or '_' or '`' ? $"\\{c}" : c.ToString());
        return escaped.ToString();
    }
}
