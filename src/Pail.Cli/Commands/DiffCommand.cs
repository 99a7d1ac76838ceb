using System.CommandLine;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Compare;
using Pail.Copy;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

internal sealed class DiffCommand : Verb
{
    private readonly Argument<string> _old = new("a") { HelpName = "A", Description = "An image at any address; see 'pail --help'" };
    private readonly Argument<string> _new = new("b") { HelpName = "B", Description = "Another one, at any address" };
    private readonly Option<Platform?> _platform = PlatformOptions.Create($"Which images of indexes, such as linux/arm64 [default: that of the other image, if one is alone, else {PlatformChoice.Host}]");
    private readonly Option<bool> _all = new("--all", "-a") { Description = "List what is in folders that only one image has, too; --json always does" };

    public DiffCommand(Terminal terminal)
        : base(terminal, "diff", "Show what differs between two images: config, layers, packages, files")
    {
        Add(_old);
        Add(_new);
        Add(_platform);
        Add(_all);
        AddSharedOptions(quiet: true, moves: true, registries: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail diff s3://acme/app:1.0 s3://acme/app:1.1", "ends with 0 if they are the same, with 8 if not"),
        ("pail diff app:dev docker://registry.example.com/app:1.1", "what is built here, beside what is in a registry"),
        ("pail diff --json s3://acme/app:1.0 s3://acme/app:1.1 | jq .packages", "for programs"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var (a, b) = (Addressed.Image(session.Get(_old)), Addressed.Image(session.Get(_new)));
        await using var old = await session.Places.OpenSourceAsync(a, cancel: cancel);
        await using var @new = await session.Places.OpenSourceAsync(b, cancel: cancel);
        var diff = await ImageComparison.RunAsync(old, @new, session.Get(_platform), cancel);
        session.Result(DiffResult.Of(a.ToString(), b.ToString(), diff, session.Cost), ResultsJson.Plain.DiffResult, lines => new DiffReport(lines, session.Terminal.ResultInk, session.Get(_all)).Write(diff));
        if (diff.IsSame)
            session.Say(diff.OldDigest == diff.NewDigest ? $"They are the same image, {diff.OldDigest}." : "Configs and files are the same; the digests of the images are not.");
        else
            session.Outcome = ExitCode.Different;
    }
}
