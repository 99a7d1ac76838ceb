using System.IO.Compression;
using System.Security.Cryptography;
using Pail.Compression;
using Pail.Io;
using Pail.Oci;
using Pail.Tar;
using Pail.Transfer;

namespace Pail.Images;

/// <summary>The tar of a layer: decompressed, compared with what digest and config say, and bounded.</summary>
internal static class LayerTar
{
    /// <summary>What any layer may unpack to, in bytes (1 GiB).</summary>
    public const long MaxOfAny = 1L << 30;

    /// <summary>A layer may unpack to so many times its size, if that is more: as much as gzip can make of zeros, such as those of a huge lastlog. Zstd can make far more.</summary>
    public const int MaxRatio = 1040;

    // Nobody can foresee it, so no layer holds it.
    private static readonly byte[] GzipMark = RandomNumberGenerator.GetBytes(32);

    /// <summary>Refuses layers whose type says that they are something else.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>.</exception>
    public static void ThrowIfOther(string name, Descriptor layer)
    {
        if (layer.MediaType.Length > 0 && LayerCompression.KindOf(layer.MediaType) is null && !MediaTypes.IsForeignLayer(layer.MediaType))
            throw new PailException(Failure.BadInput, $"{name}: the layer {layer.Digest} of type {SafeText.OneLine(layer.MediaType)} is no tar that Pail can read.");
    }

    /// <summary>Reads a layer and writes its tar, compressed as asked for.</summary>
    /// <param name="source">The image.</param>
    /// <param name="layer">Which layer.</param>
    /// <param name="diffId">The digest of its tar, as the config says.</param>
    /// <param name="compression">How the tar is compressed anew.</param>
    /// <param name="destination">Where it goes; stays open.</param>
    /// <param name="read">Hears how many bytes of the layer were read.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: the layer is not what its digest or the config says, can't be decompressed, or has no end.</exception>
    public static async Task<CompressionResult> WriteAsync(IImageSource source, Descriptor layer, Digest diffId, LayerCompression compression, Stream destination, Action<int> read, CancellationToken cancel)
    {
        CompressionResult made;
        try
        {
            await using var bytes = await source.OpenBlobAsync(layer, 0, cancel);
            await using var verified = new VerifyingStream(new CountingStream(bytes, read), layer);
            // The bytes say how they are compressed; builders have typed plain tars as gzip, and the reverse. Engines look at the bytes too.
            var head = new byte[TarBlock.Size];
            head = head[..await verified.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancel)];
            await using var tar = LayerCompression.Decompress(new JoinedStream(head, verified), KindOf(head));
            var left = Limit(layer);
            await using var bounded = new CountingStream(tar, length => left = left >= length ? left - length : throw Bomb(source.Name, layer));
            made = await compression.CompressAsync(bounded, destination, cancel);
        }
        catch (InvalidDataException e)
        {
            throw Damaged(source.Name, layer, e);
        }
        return made.Uncompressed == diffId
            ? made
            : throw new PailException(Failure.BadContent, $"{source.Name}: the layer {layer.Digest} unpacks to {made.Uncompressed}; its config says {diffId}.");
    }

    /// <summary>Returns the digest of the tar in a layer that stays as it is.</summary>
    /// <param name="name">The address, for messages.</param>
    /// <param name="layer">Which layer.</param>
    /// <param name="kind">How it is compressed.</param>
    /// <param name="bytes">Its bytes; disposed here.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it can't be decompressed, or more follows, at which clients refuse the whole.</exception>
    public static async Task<Digest> DiffIdAsync(string name, Descriptor layer, CompressionKind kind, Stream bytes, CancellationToken cancel)
    {
        try
        {
            var left = Limit(layer);
            // .NET takes a gzip without its end, or with anything behind it, for a good one; Go and others don't. Something known is put
            // behind the layer: it comes out as it went in only if the layer ends where it should.
            var mark = kind == CompressionKind.Gzip ? GzipMark : [];
            await using var tar = LayerCompression.Decompress(mark.Length > 0 ? new JoinedStream(bytes, new MemoryStream(Gzip(mark))) : bytes, kind);
            await using var bounded = new CountingStream(tar, length => left = left >= length ? left - length : throw Bomb(name, layer));
            using var hash = Digest.CreateHash(DigestAlgorithm.Sha256);
            var buffer = new byte[128 << 10];
            var held = 0;
            for (int read; (read = await bounded.ReadAsync(buffer.AsMemory(held), cancel)) > 0;)
            {
                var hashed = Math.Max(0, held + read - mark.Length);
                hash.AppendData(buffer, 0, hashed);
                held = held + read - hashed;
                buffer.AsSpan(hashed, held).CopyTo(buffer);
            }
            return buffer.AsSpan(0, held).SequenceEqual(mark)
                ? Digest.FromHash(DigestAlgorithm.Sha256, hash.GetHashAndReset())
                : throw new InvalidDataException("it ends early, or other bytes follow it");
        }
        catch (InvalidDataException e)
        {
            throw Damaged(name, layer, e);
        }
    }

    // A name in a tar may begin as gzip and zstd do; the checksum of its header tells.
    /// <summary>How a layer is compressed that begins so, whatever its type says.</summary>
    public static CompressionKind KindOf(byte[] head) => head.Length == TarBlock.Size && new TarBlock(head).IsValid() ? CompressionKind.None : LayerCompression.KindOf(head.AsSpan());

    // What fits on the disk is no bomb: the tar, or what is made of it, goes there, and a full disk ends it.
    private static long Limit(Descriptor layer) => Limit(layer.Size, Spool.Free);

    /// <summary>Returns how many bytes a layer may unpack to.</summary>
    /// <param name="size">The size of the layer in bytes.</param>
    /// <param name="free">How many bytes are free where temporary files are.</param>
    public static long Limit(long size, long free) => Math.Max(Math.Max(MaxOfAny, free), size > long.MaxValue / MaxRatio ? long.MaxValue : size * MaxRatio);

    private static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return output.ToArray();
    }

    private static PailException Damaged(string name, Descriptor layer, InvalidDataException e) =>
        new(Failure.BadContent, $"{name}: the layer {layer.Digest} can't be decompressed: {SafeText.OneLine(e.Message)}", e);

    private static PailException Bomb(string name, Descriptor layer) => new(
        Failure.BadContent,
        $"{name}: the layer {layer.Digest} has {layer.Size} bytes and unpacks to more than {Limit(layer)}: {MaxRatio} times its size, or what is free for temporary files, if that is more. Let TMPDIR name a folder with more room.");
}
