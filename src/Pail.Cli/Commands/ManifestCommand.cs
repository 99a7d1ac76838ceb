using Pail.Cli.Output;

namespace Pail.Cli.Commands;

internal sealed class ManifestCommand : ImageVerb
{
    public ManifestCommand(Terminal terminal)
        : base(terminal, "manifest", "Write a manifest or index to stdout, byte for byte", "The manifest for this platform of an index, such as linux/arm64 [default: the index itself]") => AddSharedOptions(json: false, registries: true);

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail manifest s3://acme/app:1.0 | sha256sum", "the image's digest")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        await using var source = await OpenAsync(session, cancel);
        var manifest = await ManifestAsync(session, source, cancel);
        await session.Terminal.WriteBytesAsync(manifest.Bytes, cancel);
    }
}
