using Pail.Cli.Output;
using Pail.Copy;
using Pail.Images;

namespace Pail.Cli.Commands;

internal sealed class ConfigCommand : ImageVerb
{
    public ConfigCommand(Terminal terminal)
        : base(terminal, "config", "Write an image's config to stdout, byte for byte", $"Which image of an index, such as linux/arm64 [default: {PlatformChoice.Host}]") => AddSharedOptions(json: false, registries: true);

    public override IReadOnlyList<(string Line, string Says)> Examples => [("pail config s3://acme/app:1.0 | jq .config.Env", "the environment its containers start with")];

    protected override async Task RunAsync(VerbRun session, CancellationToken cancel)
    {
        await using var source = await OpenAsync(session, cancel);
        var image = await PlatformChoice.ChooseAsync(source, await source.GetRootAsync(cancel), Platform(session) ?? PlatformChoice.Host, cancel);
        await session.Terminal.WriteBytesAsync(await ImageConfig.ReadAsync(source, image, cancel), cancel);
    }
}
