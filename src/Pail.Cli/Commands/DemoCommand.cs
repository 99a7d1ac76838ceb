using System.CommandLine;
using Pail.Cli.Demo;
using Pail.Cli.Output;

namespace Pail.Cli.Commands;

internal sealed class DemoCommand : Verb
{
    private readonly Option<bool> _keep = new("--keep") { Description = "Keep the bucket's folder, to look around in it" };

    public DemoCommand(Terminal terminal)
        : base(terminal, "demo", "Show the whole of it in a few seconds, on this machine alone")
    {
        Add(_keep);
        AddSharedOptions(store: false);
    }

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("pail-demo-").FullName;
        var keep = session.Get(_keep);
        try
        {
            // As JSON the story is told at its end; to people, while it happens.
            var terminal = session.Terminal;
            var story = session.Json ? new DemoStory(TextWriter.Null, default, 0) : new DemoStory(terminal.Lines, terminal.ResultInk, terminal.ResultWidth);
            var result = await story.TellAsync(session.Places, folder, keep, cancel);
            if (session.Json)
                session.Result(result, ResultsJson.Plain.DemoResult, _ => { });
        }
        finally
        {
            if (!keep)
                Directory.Delete(folder, recursive: true);
        }
    }
}
