using System.CommandLine;
using System.CommandLine.Parsing;
using Pail.Oci;

namespace Pail.Cli;

/// <summary>Says on one line what a command line lacks or has too much, and where to read on.</summary>
internal static class UsageError
{
    public static string Describe(ParseResult parsed, IReadOnlyList<string> args)
    {
        var command = parsed.CommandResult;
        var name = string.Join(' ', Path(command));
        if (command.Parent is null && args.Count > 0 && parsed.UnmatchedTokens.Contains(args[0]) && !args[0].StartsWith('-'))
            return $"'{SafeText.OneLine(args[0])}' is not a command. {DidYouMean(args[0], command.Command)}'pail --help' lists them.";
        return $"{Message(parsed.Errors[0])}. See '{name} --help'.";
    }

    private static string Message(ParseError error) => error.SymbolResult switch
    {
        ArgumentResult { Tokens.Count: 0, Argument: { HelpName: { } name, Arity.MinimumNumberOfValues: > 0 }, Parent: CommandResult } => $"{name} is missing",
        // The parser lists what is allowed on lines of their own.
        _ => SafeText.OneLine(string.Join(' ', error.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)), 400).TrimEnd('.'),
    };

    private static IEnumerable<string> Path(SymbolResult? result) => result is CommandResult command ? Path(command.Parent).Append(command.Command.Name) : [];

    private static string DidYouMean(string word, Command root) =>
        root.Subcommands.Where(verb => !verb.Hidden).Select(verb => (verb.Name, Distance: Distance(word, verb.Name))).Where(pair => pair.Distance <= 2).OrderBy(pair => pair.Distance).FirstOrDefault()
            is { Name: { } near } ? $"Did you mean '{near}'? " : "";

    // Levenshtein's distance, one row at a time.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)));
        }
        return row[^1];
    }
}
