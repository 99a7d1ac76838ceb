using System.Globalization;
using Pail.Oci;

namespace Pail.Images;

/// <summary>The config of an image: how it runs and what on. Source: OCI image-spec, config.md.</summary>
internal static class ImageConfig
{
    /// <summary>The largest config read, in bytes (8 MiB); they have a few KiB.</summary>
    public const int MaxSize = 8 << 20;

    /// <summary>The bytes of an image's config, verified.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: there is none, it is too large, or not what its digest and size say.</exception>
    public static Task<ReadOnlyMemory<byte>> ReadAsync(IImageSource source, Manifest manifest, CancellationToken cancel) => ReadAsync(source.Name, source.OpenBlobAsync, manifest, cancel);

    /// <summary>The same, of an image that is read by any other means.</summary>
    internal static async Task<ReadOnlyMemory<byte>> ReadAsync(string name, Func<Descriptor, long, CancellationToken, Task<Stream>> open, Manifest manifest, CancellationToken cancel)
    {
        var config = manifest.Config ?? throw new PailException(Failure.BadContent, $"{name}: {manifest.Digest} has no config.");
        if (config.Size > MaxSize)
            throw new PailException(Failure.BadContent, $"{name}: the config {config.Digest} has {config.Size} bytes, and at most {MaxSize} are read.");
        var bytes = new byte[config.Size];
        await using var stream = await open(config, 0, cancel);
        var length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel);
        if (length != bytes.Length || stream.ReadByte() >= 0 || Digest.Of(bytes, config.Digest.Algorithm) != config.Digest)
            throw new PailException(Failure.BadContent, $"{name}: the config {config.Digest} is not what its digest and size say.");
        return bytes;
    }

    /// <summary>When the image was made, as its config says; null if it does not say.</summary>
    public static DateTimeOffset? CreatedOf(ReadOnlyMemory<byte> config)
    {
        try
        {
            using var document = JsonText.Parse(config);
            return DateTimeOffset.TryParse(new ManifestReader(document.RootElement).Text("created"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var created) ? created : null;
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            return null;
        }
    }

    /// <summary>What an image runs on, as its config says; null if it does not say.</summary>
    public static Platform? PlatformOf(ReadOnlyMemory<byte> config)
    {
        try
        {
            using var document = JsonText.Parse(config);
            var reader = new ManifestReader(document.RootElement);
            return reader.Text("os") is { Length: > 0 } os && reader.Text("architecture") is { Length: > 0 } architecture
                ? new Platform(os, architecture, reader.Text("variant") is { Length: > 0 } variant ? variant : null)
                : null;
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            return null;
        }
    }

    /// <summary>The digests of the layers' tars, in order.</summary>
    /// <param name="name">Which config it is, for messages.</param>
    /// <param name="config">Its bytes.</param>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it does not say them in a form that can be read.</exception>
    public static IReadOnlyList<Digest> DiffIdsOf(string name, ReadOnlyMemory<byte> config)
    {
        try
        {
            using var document = JsonText.Parse(config);
            var root = new ManifestReader(document.RootElement).Object("rootfs") ?? throw new FormatException("it has no rootfs, which names the digests of unpacked layers");
            return [.. root.Texts("diff_ids").Select(Digest.Parse)];
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.BadContent, $"{name} can't be used: {JsonText.Why(e)}.", e);
        }
    }

    /// <summary>The digests of the tars of an image's layers, in order: one for each layer. Reads the config.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: the config is damaged, or names none or another number.</exception>
    public static async Task<IReadOnlyList<Digest>> DiffIdsOfAsync(IImageSource source, Manifest image, CancellationToken cancel) => DiffIdsOf(source, image, await ReadAsync(source, image, cancel));

    /// <summary>The same, of a config that was read.</summary>
    public static IReadOnlyList<Digest> DiffIdsOf(IImageSource source, Manifest image, ReadOnlyMemory<byte> config)
    {
        var name = $"{source.Name}: the config {image.Config?.Digest}";
        var diffIds = DiffIdsOf(name, config);
        return diffIds.Count == image.Layers.Count ? diffIds : throw new PailException(Failure.BadContent, $"{name} lists {diffIds.Count} layers, its manifest {image.Layers.Count}.");
    }
}
