using System.CommandLine;
using Pail.Cli.Output;
using Pail.Copy;
using Pail.Export;

namespace Pail.Cli.Commands;

internal sealed class ExportCommand : ImageVerb
{
    private readonly Option<string?> _output = new("--output", "-o") { HelpName = "FILE", Description = "Where to; the file must not be there yet [default: stdout]" };

    public ExportCommand(Terminal terminal)
        : base(terminal, "export", "Write the file system of an image as one tar, its layers one over the other", $"Which image of an index, such as linux/arm64 [default: {PlatformChoice.Host}]")
    {
        Add(_output);
        AddSharedOptions(json: false, moves: true, registries: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail export s3://acme/app:1.0 | tar -t", "what is in it"),
        ("pail export -o app.tar app:1.0", "of the local Docker Engine"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        var path = session.Get(_output);
        if (path is null && session.Terminal.ResultsOnTerminal)
            throw new PailException(Failure.BadInput, "a tar is nothing to show on a terminal: name a file with --output, or redirect stdout.");
        await using var source = await OpenAsync(session, cancel);
        var image = await PlatformChoice.ChooseAsync(source, await source.GetRootAsync(cancel), Platform(session) ?? PlatformChoice.Host, cancel);
        if (path is null)
        {
            await ImageExport.WriteAsync(source, image, session.Terminal.Out, cancel);
            await session.Terminal.Out.FlushAsync(cancel);
        }
        else
        {
            await ImageExport.WriteFileAsync(source, image, path, cancel);
        }
    }
}
