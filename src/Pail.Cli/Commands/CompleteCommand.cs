using System.CommandLine;
using System.CommandLine.Completions;
using Pail.Cli.Output;

namespace Pail.Cli.Commands;

/// <summary>
/// Answers the scripts of <see cref="CompletionCommand"/>: the words so far, the last one unfinished; out come the words it
/// can become, one a line, each with a tab and what it means. Where a path may stand, the shell completes that itself.
/// </summary>
internal sealed class CompleteCommand : Command
{
    private static readonly string[] Schemes = ["s3://", "file:", "oci:", "oci-archive:", "dir:", "docker-archive:", "docker-daemon:", "docker://"];

    public CompleteCommand(Terminal terminal)
        : base("complete", "Answers completion scripts")
    {
        Hidden = true;
        var words = new Argument<string[]>("word") { Arity = ArgumentArity.ZeroOrMore };
        Add(words);
        TreatUnmatchedTokensAsErrors = false;
        SetAction(parsed =>
        {
            foreach (var (word, says) in Complete(terminal, parsed.GetValue(words) ?? []))
                terminal.Lines.WriteLine(says.Length == 0 ? word : $"{word}\t{says}");
        });
    }

    /// <summary>What the last word can become.</summary>
    internal static IEnumerable<(string Word, string Says)> Complete(Terminal terminal, IReadOnlyList<string> words)
    {
        var root = new PailCommand(terminal);
        var last = words.Count == 0 ? "" : words[^1];
        var before = words.SkipLast(1).ToList();
        // An empty last word stands for the word to come, which the parser sees as the end of the line.
        var parsed = root.Parse(last.Length == 0 ? before : [.. before, last], new ParserConfiguration { ResponseFileTokenReplacer = null });
        var command = parsed.CommandResult.Command;
        var option = command.Options.Concat(root.Options).FirstOrDefault(option => before.Count > 0 && (option.Name == before[^1] || option.Aliases.Contains(before[^1])));
        if (option is not null && option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool))
            return option.GetCompletions(CompletionContext.Empty).Select(item => (item.Label, "")).Where(item => item.Label.StartsWith(last, StringComparison.Ordinal));

        return Candidates(root, command, options: last.StartsWith('-')).Where(item => item.Word.StartsWith(last, StringComparison.Ordinal) && item.Word != last);
    }

    private static IEnumerable<(string Word, string Says)> Candidates(Command root, Command command, bool options)
    {
        if (options)
            return command.Options.Concat(root.Options.Where(option => option.Recursive)).Distinct().Where(option => !option.Hidden).Select(option => (option.Name, First(option.Description)));
        if (command is Verb && !command.Arguments.Any(argument => argument.GetCompletions(CompletionContext.Empty).Any()))
            return Schemes.Select(scheme => (scheme, ""));
        return command.Subcommands.Where(verb => !verb.Hidden).Select(verb => (verb.Name, First(verb.Description)))
            .Concat(command.Arguments.SelectMany(argument => argument.GetCompletions(CompletionContext.Empty)).Select(item => (item.Label, "")));
    }

    private static string First(string? text) => (text ?? "").Split('\n')[0].Split(" [default")[0];
}
