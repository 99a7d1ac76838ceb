using System.CommandLine;
using Pail.Addresses;
using Pail.Cli.Options;
using Pail.Cli.Output;
using Pail.Images;
using Pail.Oci;

namespace Pail.Cli.Commands;

/// <summary>A verb that looks at one image, wherever it is.</summary>
internal abstract class ImageVerb : Verb
{
    // Configs are a few KiB; nobody's is this large.
    private const long MaxConfig = 8 << 20;

    private readonly Argument<string> _image = new("image") { HelpName = "IMAGE", Description = "An image at any address; see 'pail --help'" };
    private readonly Option<Platform?> _platform;

    protected ImageVerb(Terminal terminal, string name, string description, string platform)
        : base(terminal, name, description)
    {
        _platform = PlatformOptions.Create(platform);
        Add(_image);
        Add(_platform);
    }

    /// <summary>The platform asked for, if any.</summary>
    protected Platform? Platform(Session session) => session.Get(_platform);

    /// <summary>The image's address.</summary>
    protected Address Image(Session session) => Addressed.Image(session.Get(_image));

    /// <summary>Opens the image.</summary>
    protected Task<IImageSource> OpenAsync(Session session, CancellationToken cancel) => session.Wiring.OpenSourceAsync(Image(session), cancel);

    /// <summary>The config of an image manifest, verified.</summary>
    protected static async Task<ReadOnlyMemory<byte>> ReadConfigAsync(IImageSource source, Manifest manifest, CancellationToken cancel)
    {
        var config = manifest.Config ?? throw new PailException(Failure.BadContent, $"{source.Name}: {manifest.Digest} has no config.");
        if (config.Size > MaxConfig)
            throw new PailException(Failure.BadContent, $"{source.Name}: the config {config.Digest} has {ByteSize.Format(config.Size)}; at most {ByteSize.Format(MaxConfig)} are shown.");
        var bytes = new byte[config.Size];
        await using var stream = await source.OpenBlobAsync(config, 0, cancel);
        var length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel);
        if (length != bytes.Length || stream.ReadByte() >= 0 || Digest.Of(bytes, config.Digest.Algorithm) != config.Digest)
            throw new PailException(Failure.BadContent, $"{source.Name}: the config {config.Digest} is not what its digest and size say.");
        return bytes;
    }
}
