using System.Text;

namespace Pail.Cli.Manual;

/// <summary>Pages of commands for <c>man</c>: <c>pail(1)</c>, and one for each verb. They hold no date, so that a version always has the same ones.</summary>
internal static class ManPages
{
    /// <summary>The file names and texts of all pages.</summary>
    /// <param name="root">The command <c>pail</c>.</param>
    /// <param name="version">The version they are of.</param>
    public static IEnumerable<(string File, string Text)> Of(CommandPage root, string version) =>
        root.Commands.Prepend(root).Select(page => ($"{page.Slug}.1", Page(page, root, version)));

    private static string Page(CommandPage page, CommandPage root, string version)
    {
        var text = new StringBuilder($".TH \"{Escaped(page.Slug.ToUpperInvariant())}\" 1 \"\" \"{Escaped(version)}\" \"Pail\"\n");
        text.Append($".SH NAME\n{Escaped(page.Slug)} \\- {Escaped(page.Says.TrimEnd('.'))}\n.SH SYNOPSIS\n");
        foreach (var usage in page == root || page.Commands.Count == 0 ? [page.Usage] : page.Commands.Select(command => command.Usage))
            text.Append($".nf\n{Line(usage)}\n.fi\n");
        if (page == root)
        {
            List(text, ".SH COMMANDS", [.. page.Commands.Select(command => new Entry($"{command.Slug}(1)", command.Says))]);
            List(text, ".SH OPTIONS", page.Options);
        }
        else
        {
            Body(text, page, ".SH");
            foreach (var command in page.Commands)
            {
                text.Append($".SH \"{Escaped(command.Name.ToUpperInvariant())}\"\n{Line(command.Says)}\n");
                Body(text, command, ".SS");
            }
        }
        text.Append("""
            .SH EXIT STATUS
            0 means success. What the others mean is the same for all commands: docs/exit\-codes.md lists them.
            .SH ENVIRONMENT
            Credentials, region and address of the S3 service come from the variables and files that all AWS tools read, among them
            AWS_PROFILE, AWS_REGION and AWS_ENDPOINT_URL_S3. DOCKER_HOST says where the Docker Engine is.

            """);
        text.Append($".SH SEE ALSO\n{(page == root ? "" : ".BR pail (1),\n")}.BR docker (1),\n.BR skopeo (1)\n");
        return text.ToString();
    }

    private static void Body(StringBuilder text, CommandPage page, string heading)
    {
        List(text, $"{heading} {(heading == ".SH" ? "ARGUMENTS" : "Arguments")}", page.Arguments);
        List(text, $"{heading} {(heading == ".SH" ? "OPTIONS" : "Options")}", page.Options);
        List(text, $"{heading} {(heading == ".SH" ? "EXAMPLES" : "Examples")}", page.Examples);
    }

    private static void List(StringBuilder text, string heading, IReadOnlyList<Entry> entries)
    {
        if (entries.Count == 0)
            return;
        text.Append($"{heading}\n");
        foreach (var (typed, says) in entries)
            text.Append($".TP\n\\fB{Escaped(typed)}\\fR\n{Line(says)}\n");
    }

    // A line that begins with '.' or ' is a request to troff.
    private static string Line(string text) => text.StartsWith('.') || text.StartsWith('\'') ? $"\\&{Escaped(text)}" : Escaped(text);

    private static string Escaped(string text) =>
        text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal).Replace("\"", "\\(dq", StringComparison.Ordinal);
}
