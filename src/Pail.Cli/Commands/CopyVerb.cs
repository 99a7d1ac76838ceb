using System.CommandLine;
using Pail.Addresses;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Images;
using Pail.Oci;

namespace Pail.Cli.Commands;

/// <summary>A verb that copies an image from one address to another.</summary>
internal abstract class CopyVerb(Terminal terminal, string name, string description) : Verb(terminal, name, description)
{
    private readonly Option<Platform?> _platform = PlatformOptions.Create("Only the image for this platform of an index, such as linux/arm64 [default: the whole index, or this machine's where only one image fits]");
    private readonly Option<bool> _all = new("--all") { Description = "The whole index, or an error if the destination can't hold one" };

    private readonly Option<bool> _referrers = new("--referrers") { Description = "Also what refers to the image: signatures, SBOMs, attestations, and what refers to those" };

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Write nothing; say what would be sent to a bucket or registry, and what it would cost" };

    /// <summary>Adds the options of copies.</summary>
    protected void AddCopyOptions()
    {
        Add(_platform);
        Add(_all);
        Add(_referrers);
        Add(_dryRun);
        AddSharedOptions(quiet: true, moves: true, registries: true);
    }

    /// <summary>Copies an image.</summary>
    protected Task CopyAsync(Session session, Address from, Address to, CancellationToken cancel) => CopyRun.RunAsync(session, from, to, OptionsOf(session), session.Get(_dryRun), cancel);

    /// <summary>Copies several.</summary>
    protected Task CopyAsync(Session session, IReadOnlyList<(Address From, Address To)> images, CancellationToken cancel) => CopyRun.RunAsync(session, images, OptionsOf(session), session.Get(_dryRun), cancel);

    private CopyOptions OptionsOf(Session session) => session.Get(_all) && session.Get(_platform) is not null
        ? throw new PailException(Failure.BadInput, "--all and --platform exclude each other.")
        : new CopyOptions(session.Get(_platform), session.Get(_all), session.Get(_referrers));
}
