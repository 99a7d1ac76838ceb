using System.CommandLine;
using System.Reflection;
using Pail.Cli.Output;

namespace Pail.Cli.Commands;

/// <summary>Writes the script that makes a shell complete <c>pail</c>. The scripts ask <see cref="CompleteCommand"/>.</summary>
internal sealed class CompletionCommand : Command, IShowsExamples
{
    public static readonly IReadOnlyList<string> Shells = ["bash", "zsh", "fish", "pwsh"];

    public CompletionCommand(Terminal terminal)
        : base("completion", "Write the script that makes a shell complete pail")
    {
        var shell = new Argument<string>("shell") { HelpName = "bash|zsh|fish|pwsh", Description = "Which shell" };
        shell.AcceptOnlyFromAmong([.. Shells]);
        Add(shell);
        SetAction(parsed => terminal.Lines.Write(Script(parsed.GetRequiredValue(shell))));
    }

    public IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("source <(pail completion bash)", "in ~/.bashrc"),
        ("source <(pail completion zsh)", "in ~/.zshrc, after compinit"),
        ("pail completion fish | source", "in ~/.config/fish/config.fish"),
        ("pail completion pwsh | Out-String | Invoke-Expression", "in $PROFILE"),
    ];

    /// <summary>The script for a shell.</summary>
    public static string Script(string shell)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"Completion/pail.{shell}") ?? throw new InvalidOperationException(shell);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
