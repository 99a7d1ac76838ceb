using System.CommandLine;
using Pail.Cli.Output;
using Pail.Images;
using Pail.Oci;

namespace Pail.Cli.Commands;

internal sealed class InspectCommand : ImageVerb
{
    private readonly Option<bool> _raw = new("--raw") { Description = "Write the manifest or index itself, byte for byte" };

    public InspectCommand(Terminal terminal)
        : base(terminal, "inspect", "Show what an image is made of", "Look at the image for this platform of an index, such as linux/arm64 [default: the index itself]")
    {
        Add(_raw);
        AddSharedOptions(registries: true);
    }

    public override IReadOnlyList<(string Line, string Says)> Examples =>
    [
        ("pail inspect s3://acme/app:1.0", "digest, platform, layers, how it runs"),
        ("pail inspect --json app:1.0 | jq .totalSize", "the same for programs"),
    ];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        if (session.Json && session.Get(_raw))
            throw new PailException(Failure.BadInput, "--raw and --json exclude each other: the manifest is JSON of its own.");
        await using var source = await OpenAsync(session, cancel);
        var manifest = await ManifestAsync(session, source, cancel);
        if (session.Get(_raw))
        {
            await session.Terminal.WriteBytesAsync(manifest.Bytes, cancel);
            return;
        }
        var inspection = InspectionReport.Of(Image(session).ToString(), manifest);
        if (manifest.Config is { MediaType: MediaTypes.OciConfig or MediaTypes.DockerConfig })
            inspection = InspectionReport.WithConfig(inspection, await ImageConfig.ReadAsync(source, manifest, cancel));
        inspection = inspection with { Requests = session.Cost };
        session.Result(inspection, ResultsJson.Plain.Inspection, lines => InspectionReport.Write(inspection, lines, session.Terminal.ResultWidth));
    }
}
