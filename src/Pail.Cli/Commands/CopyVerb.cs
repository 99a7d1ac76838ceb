using System.CommandLine;
using System.CommandLine.Parsing;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Compression;
using Pail.Copy;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

/// <summary>A verb that copies an image from one address to another.</summary>
internal abstract class CopyVerb(Terminal terminal, string name, string description) : Verb(terminal, name, description)
{
    private readonly Option<IReadOnlyList<Platform>?> _platforms = PlatformOptions.CreateList("Only the image for this platform of an index, such as linux/arm64; for several, an index of just those, with a digest of its own [default: the whole index, or this machine's where only one image fits]");
    private readonly Option<bool> _all = new("--all") { Description = "The whole index, or an error if the destination can't hold one" };

    private readonly Option<bool> _referrers = new("--referrers") { Description = "Also what refers to the image: signatures, SBOMs, attestations, and what refers to those" };

    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Write nothing; say what would be sent, and what that would cost in a bucket" };

    private readonly Option<LayerCompression?> _compression = new("--compression")
    {
        HelpName = "zstd|gzip[:LEVEL]|none",
        Description = "Compress layers so, also those compressed otherwise [default: gzip for layers that are not compressed; the rest stays as it is]",
        CustomParser = Parse,
    };

    /// <summary>Adds the options of copies.</summary>
    protected void AddCopyOptions()
    {
        Add(_platforms);
        Add(_all);
        Add(_referrers);
        Add(_compression);
        Add(_dryRun);
        AddSharedOptions(quiet: true, moves: true, writes: true, registries: true);
    }

    /// <summary>Copies an image.</summary>
    protected Task CopyAsync(VerbRun session, Address from, Address to, CancellationToken cancel) => CopyRun.RunAsync(session, from, to, OptionsOf(session), session.Get(_dryRun), cancel);

    /// <summary>Copies several.</summary>
    protected Task CopyAsync(VerbRun session, IReadOnlyList<CopyItem> images, CancellationToken cancel) => CopyRun.RunAsync(session, images, OptionsOf(session), session.Get(_dryRun), cancel);

    private CopyOptions OptionsOf(VerbRun session)
    {
        if (session.Get(_all) && session.Get(_platforms) is not null)
            throw new PailException(Failure.BadInput, "--all and --platform exclude each other.");
        if (session.Get(_referrers) && session.Get(_compression) is not null)
            throw new PailException(Failure.BadInput, "--referrers and --compression exclude each other: what refers to an image names its digest, which would be another.");
        return new CopyOptions(session.Get(_platforms), session.Get(_all), session.Get(_referrers), session.Get(_compression));
    }

    private static LayerCompression? Parse(ArgumentResult result)
    {
        try
        {
            return LayerCompression.Parse(result.Tokens[0].Value);
        }
        catch (FormatException e)
        {
            result.AddError(e.Message);
            return null;
        }
    }
}
