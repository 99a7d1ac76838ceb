using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Reflection;
using Pail.Cli.Commands;
using Pail.Cli.Output;

namespace Pail.Cli;

/// <summary>The command <c>pail</c>: its verbs, in the order people meet them.</summary>
internal sealed class PailCommand : Command
{
    public PailCommand(Terminal terminal)
        : base("pail", "Your bucket is the registry: push images into an S3 bucket, pull them with any client.")
    {
        Add(new InitCommand(terminal));
        Add(new PushCommand(terminal));
        Add(new PullCommand(terminal));
        Add(new CopyCommand(terminal));
        Add(new LsCommand(terminal));
        Add(new TagsCommand(terminal));
        Add(new InspectCommand(terminal));
        Add(new DigestCommand(terminal));
        Add(new ManifestCommand(terminal));
        Add(new ConfigCommand(terminal));
        Add(new BlobCommand(terminal));
        Add(new ExportCommand(terminal));
        Add(new DiffCommand(terminal));
        Add(new TagCommand(terminal));
        Add(new HistoryCommand(terminal));
        Add(new RollbackCommand(terminal));
        Add(new RmCommand(terminal));
        Add(new UndeleteCommand(terminal));
        Add(new GcCommand(terminal));
        Add(new RetainCommand(terminal));
        Add(new PolicyCommand(terminal));
        Add(new AccessCommand(terminal));
        Add(new RobotCommand(terminal));
        Add(new PullsCommand(terminal));
        Add(new LoginCommand(terminal));
        Add(new LogoutCommand(terminal));
        Add(new ServeCommand(terminal));
        Add(new UiCommand(terminal));
        Add(new PublishCommand(terminal));
        Add(new UnpublishCommand(terminal));
        Add(new EdgeCommand(terminal));
        Add(new IamCommand(terminal));
        Add(new DemoCommand(terminal));
        Add(new CompletionCommand(terminal));
        Add(new CompleteCommand(terminal));
        Add(new ReferenceCommand(terminal));
        Add(new VersionOption("--version") { Action = new ShowVersion(terminal) });
        Add(new HelpOption("--help", "-h") { Recursive = true, Action = new HelpWithExamples() });
        SetAction(parsed => new HelpWithExamples().Invoke(parsed));
    }

    /// <summary>The version for people. The build stamps it as "0.1.0+COMMIT".</summary>
    public static string Version() => typeof(PailCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+') switch
    {
        [var number, { Length: > 7 } commit] => $"pail {number} ({commit[..7]})",
        var parts => $"pail {parts[0]}",
    };

    private sealed class ShowVersion(Terminal terminal) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            terminal.Lines.WriteLine(Version());
            return ExitCode.Ok;
        }
    }
}
