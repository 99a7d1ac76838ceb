using Pail.Cli.Output;

namespace Pail.Cli.Commands;

internal sealed class DigestCommand : ImageVerb
{
    public DigestCommand(Terminal terminal)
        : base(terminal, "digest", "Write an image's digest", "The digest of the image for this platform of an index, such as linux/arm64 [default: of the index itself]") => AddSharedOptions(json: false, registries: true);

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail digest docker://alpine:3", "what to pin")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        await using var source = await OpenAsync(session, cancel);
        var manifest = await ManifestAsync(session, source, cancel);
        await session.Terminal.Lines.WriteLineAsync(manifest.Digest.ToString());
    }
}
