using System.CommandLine;
using System.CommandLine.Completions;
using Pail.Cli.Commands;

namespace Pail.Cli.Manual;

/// <summary>A line of a page: what is typed, and what it means.</summary>
internal sealed record Entry(string Typed, string Says);

/// <summary>What the pages of documentation say of a command. Everything comes from its definition.</summary>
/// <param name="Name">As typed: <c>pail policy set</c>.</param>
/// <param name="Says">What it does.</param>
/// <param name="Usage">The command line, arguments in the order they are given.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Options">Its options, its own first.</param>
/// <param name="Examples">Command lines, each with what it does.</param>
/// <param name="Commands">The commands below it that are not hidden.</param>
internal sealed record CommandPage(
    string Name, string Says, string Usage, IReadOnlyList<Entry> Arguments, IReadOnlyList<Entry> Options, IReadOnlyList<Entry> Examples, IReadOnlyList<CommandPage> Commands)
{
    /// <summary>The name with dashes, as files of pages have it: <c>pail-policy-set</c>.</summary>
    public string Slug => Name.Replace(' ', '-');

    /// <summary>Reads the definition of a command and of those below it.</summary>
    /// <param name="command">The command.</param>
    /// <param name="parent">What is typed before its name; null for nothing.</param>
    public static CommandPage Of(Command command, string? parent = null)
    {
        var name = parent is null ? command.Name : $"{parent} {command.Name}";
        List<CommandPage> below = [.. command.Subcommands.Where(verb => !verb.Hidden).Select(verb => Of(verb, name))];
        List<Option> options = [.. command.Options.Where(option => !option.Hidden)];
        string?[] usage = [name, below.Count > 0 ? "COMMAND" : null, .. command.Arguments.Select(Word), options.Count > 0 ? "[OPTION...]" : null];
        return new(
            name,
            Sentence(command.Description),
            string.Join(' ', usage.OfType<string>()),
            [.. command.Arguments.Select(argument => new Entry(argument.HelpName ?? argument.Name, Sentence(argument.Description) + Default(argument.HasDefaultValue, argument.GetDefaultValue)))],
            [.. options.Select(option => new Entry(Typed(option), Sentence(option.Description) + Default(option.HasDefaultValue, option.GetDefaultValue) + (option.Arity.MaximumNumberOfValues > 1 && !(option.Description ?? "").Contains("may be ", StringComparison.Ordinal) ? " May be repeated." : "")))],
            command is IShowsExamples { Examples: var examples } ? [.. examples.Select(example => new Entry(example.Line, example.Says))] : [],
            below);
    }

    private static string Word(Argument argument)
    {
        var name = argument.HelpName ?? argument.Name;
        var word = argument.Arity.MaximumNumberOfValues > 1 ? $"{name}..." : name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{word}]" : word;
    }

    private static string Typed(Option option)
    {
        var names = string.Join(", ", option.Aliases.Where(alias => alias.Length == 2).Append(option.Name));
        return Value(option) is { } value ? $"{names} {value}" : names;
    }

    private static string? Value(Option option) => option switch
    {
        { Arity.MaximumNumberOfValues: 0 } => null,
        { HelpName: { } name } => name,
        _ when option.ValueType == typeof(bool) => null,
        _ => string.Join('|', option.GetCompletions(CompletionContext.Empty).Select(item => item.Label)) is { Length: > 0 } values ? values : option.Name.TrimStart('-').ToUpperInvariant(),
    };

    private static string Default(bool has, Func<object?> value) => has && value() is { } one and not false ? $" [default: {one}]" : "";

    // Descriptions end without a full stop, since defaults may follow them.
    private static string Sentence(string? text)
    {
        text = (text ?? "").ReplaceLineEndings(" ").Trim();
        var (says, rest) = text.IndexOf(" [default", StringComparison.Ordinal) is > 0 and var at ? (text[..at], text[at..]) : (text, "");
        return says.Length == 0 || says[^1] is '.' or '!' or '?' ? says + rest : $"{says}.{rest}";
    }
}
