using System.CommandLine;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Copy;
using Pail.Images;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

/// <summary>A verb that looks at one image, wherever it is.</summary>
internal abstract class ImageVerb : Verb
{
    private readonly Argument<string> _image = new("image") { HelpName = "IMAGE", Description = "An image at any address; see 'pail --help'" };
    private readonly Option<Platform?> _platform;
    private readonly Option<DateTimeOffset?> _at = AtOption.Create();

    protected ImageVerb(Terminal terminal, string name, string description, string platform)
        : base(terminal, name, description)
    {
        _platform = PlatformOptions.Create(platform);
        Add(_image);
        Add(_platform);
        Add(_at);
    }

    /// <summary>The platform asked for, if any.</summary>
    protected Platform? Platform(VerbRun session) => session.Get(_platform);

    /// <summary>The image's address.</summary>
    protected Address Image(VerbRun session) => Addressed.Image(session.Get(_image));

    /// <summary>Opens the image.</summary>
    protected async Task<IImageSource> OpenAsync(VerbRun session, CancellationToken cancel) =>
        await session.Places.OpenSourceAsync(await TaggedImage.AtAsync(session, Image(session), session.Get(_at), cancel), cancel: cancel);

    /// <summary>The image's manifest or index, or the manifest of the platform asked for.</summary>
    protected async Task<Manifest> ManifestAsync(VerbRun session, IImageSource source, CancellationToken cancel)
    {
        var root = await source.GetRootAsync(cancel);
        return session.Get(_platform) is { } platform ? await PlatformChoice.ChooseAsync(source, root, platform, cancel) : root;
    }
}
