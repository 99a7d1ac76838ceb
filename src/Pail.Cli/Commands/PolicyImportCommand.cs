using System.CommandLine;
using Pail.Cli.Output;
using Pail.Retention;
using Pail.Retention.Import;

namespace Pail.Cli.Commands;

internal sealed class PolicyImportCommand : Verb
{
    private readonly Argument<string> _source = new("registry") { HelpName = "ecr|gar|harbor|zot", Description = "Whose policy it is: of Amazon ECR, Google Artifact Registry, Harbor or zot" };
    private readonly Argument<string> _file = new("file") { HelpName = "FILE", Description = "Its JSON; - for stdin" };
    private readonly Option<string?> _within = new("--for") { HelpName = "REPOSITORIES", Description = "Which repositories of the bucket it is for: the one, or a pattern, for a policy of ECR; what stands before the names, such as the project, for GAR and Harbor; '**' for the whole bucket [default: for ECR the repositoryName in the file, for zot the whole bucket]" };

    public PolicyImportCommand(Terminal terminal)
        : base(terminal, "import", "Make a retention policy of another registry's, write it to stdout, and say on stderr what differs")
    {
        _source.AcceptOnlyFromAmong("ecr", "gar", "harbor", "zot");
        Add(_source);
        Add(_file);
        Add(_within);
        AddSharedOptions(quiet: true, store: false);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("aws ecr get-lifecycle-policy --repository-name app | pail policy import ecr - > retention.yaml", "what can't be said the same is left out, so that nothing more is dropped"),
        ("pail policy import harbor --for team retention.json", "the project's repositories are below team/ in the bucket"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var source = session.Get(_source) switch { "ecr" => PolicySource.Ecr, "gar" => PolicySource.Gar, "harbor" => PolicySource.Harbor, _ => PolicySource.Zot };
        var imported = PolicyImport.Read(source, await WrittenFile.ReadAsync(session.Terminal, session.Get(_file), "a policy", RetentionPolicy.MaxSize, cancel), session.Get(_within));
        foreach (var difference in imported.Differences)
            session.Say($"{session.Terminal.Ink.Yellow("Differs:")} {difference}");
        session.Result(new ImportReport(imported.Text, imported.Differences), ResultsJson.Plain.ImportReport, lines => lines.Write(imported.Text));
    }
}
