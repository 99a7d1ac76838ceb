using Pail.Compression;
using Pail.Io;
using Pail.Oci;
using Pail.Transfer;

namespace Pail.Images;

/// <summary>The tar of a layer: decompressed, compared with what digest and config say, and bounded.</summary>
internal static class LayerTar
{
    /// <summary>What any layer may unpack to, in bytes (1 GiB).</summary>
    public const long MaxOfAny = 1L << 30;

    /// <summary>A layer may unpack to so many times its size, if that is more. Real ones stay far below; gzip can make a thousand, zstd far more.</summary>
    public const int MaxRatio = 200;

    /// <summary>Reads a layer and writes its tar, compressed as asked for.</summary>
    /// <param name="source">The image.</param>
    /// <param name="layer">Which layer.</param>
    /// <param name="kind">How it is compressed.</param>
    /// <param name="diffId">The digest of its tar, as the config says.</param>
    /// <param name="compression">How the tar is compressed anew.</param>
    /// <param name="destination">Where it goes; stays open.</param>
    /// <param name="read">Hears how many bytes of the layer were read.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: the layer is not what its digest or the config says, can't be decompressed, or has no end.</exception>
    public static async Task<CompressionResult> WriteAsync(IImageSource source, Descriptor layer, CompressionKind kind, Digest diffId, LayerCompression compression, Stream destination, Action<int> read, CancellationToken cancel)
    {
        CompressionResult made;
        try
        {
            await using var bytes = await source.OpenBlobAsync(layer, 0, cancel);
            await using var tar = LayerCompression.Decompress(new VerifyingStream(new CountingStream(bytes, read), layer), kind);
            var left = Math.Max(MaxOfAny, layer.Size * MaxRatio);
            await using var bounded = new CountingStream(tar, length => left = left >= length ? left - length : throw Bomb(source, layer));
            made = await compression.CompressAsync(bounded, destination, cancel);
        }
        catch (InvalidDataException e)
        {
            throw new PailException(Failure.BadContent, $"{source.Name}: the layer {layer.Digest} can't be decompressed: {SafeText.OneLine(e.Message)}", e);
        }
        return made.Uncompressed == diffId
            ? made
            : throw new PailException(Failure.BadContent, $"{source.Name}: the layer {layer.Digest} unpacks to {made.Uncompressed}; its config says {diffId}.");
    }

    private static PailException Bomb(IImageSource source, Descriptor layer) => new(
        Failure.BadContent,
        $"{source.Name}: the layer {layer.Digest} has {layer.Size} bytes and unpacks to more than {Math.Max(MaxOfAny, layer.Size * MaxRatio)}, the most that is taken of one: {MaxRatio} times its size, or {MaxOfAny}.");
}
