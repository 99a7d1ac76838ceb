using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tar;

namespace Pail.Docker;

/// <summary>A file of a saved image, as it is kept: what was a tar is compressed, or left out where the sink has it.</summary>
/// <param name="Digest">The digest of the file as it was saved.</param>
/// <param name="Size">The size of the file as it was saved.</param>
/// <param name="Blob">What is kept, as a layer.</param>
/// <param name="Open">Opens what is kept; null if the sink has it.</param>
internal sealed record SavedFile(Digest Digest, long Size, Descriptor Blob, BlobOpener? Open)
{
    /// <summary>True if it was a tar: then its digest is the layer's diffID.</summary>
    public bool IsLayer { get; init; }

    /// <summary>What is kept, with what a sink remembers it by if it is large enough for that.</summary>
    public Descriptor Layer => Blob with { DiffId = IsLayer && Size > LayerLimits.Remembered ? Digest : null };

    /// <summary>True for a layer that is large enough to be sent before its manifest.</summary>
    public bool IsWorthSending => IsLayer && Open is not null && Size > LayerLimits.SentAhead;

    /// <summary>Opens what is kept.</summary>
    /// <exception cref="PailException"><see cref="Failure.Conflict"/>: nothing is, for the sink had it, and now it has not.</exception>
    public Task<Stream> OpenAsync(string name, long offset, CancellationToken cancel) => Open is not null
        ? Open(offset, cancel)
        : throw new PailException(Failure.Conflict, $"{name}: the layer {Blob.Digest} was there a moment ago, and was removed meanwhile. Run the same command again.");

    /// <summary>Returns the digest of the tar that this holds; that of the file itself where it is not compressed.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it can't be decompressed, or clients would refuse to.</exception>
    public async Task<Digest> UnpackAsync(string name, CancellationToken cancel)
    {
        var kind = LayerCompression.KindOf(Blob.MediaType);
        return IsLayer || kind is null or CompressionKind.None ? Digest : await LayerTar.DiffIdAsync(name, Blob, kind.Value, await OpenAsync(name, 0, cancel), cancel);
    }

    /// <summary>Compresses a tar into a temporary file.</summary>
    public static async Task<SavedFile> CompressAsync(Stream tar, LayerCompression compression, Spool spool, CancellationToken cancel)
    {
        var start = spool.Length;
        var made = await compression.CompressAsync(tar, spool.Writer, cancel);
        return new(made.Uncompressed, made.UncompressedSize, new(compression.MediaType, made.Compressed, made.CompressedSize), spool.OpenerOf(start, made.CompressedSize)) { IsLayer = true };
    }

    /// <summary>A layer that need not be compressed.</summary>
    public static SavedFile AlreadyStored(Digest diffId, long size, Descriptor blob) => new(diffId, size, blob, null) { IsLayer = true };

    /// <summary>True if a file that begins so is a tar: a header whose checksum is right, or the zeros that are an empty layer.</summary>
    public static bool IsTar(byte[] head) => head.Length == TarBlock.Size && new TarBlock(head) is var block && (block.IsEnd || block.IsValid());

    /// <summary>The type of a layer that begins so, and is no tar.</summary>
    public static string TypeOf(byte[] head) => LayerCompression.MediaTypeOf(LayerCompression.KindOf(head));
}

/// <summary>The files of a saved image.</summary>
internal interface ISavedFiles : ILayoutFiles
{
    /// <summary>A layer as it is kept, compressed now if it was not before; null if it is not there.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="diffId">What the config says is the digest of its tar.</param>
    /// <param name="cancel">Interrupts it.</param>
    Task<SavedFile?> LayerAsync(string path, Digest diffId, CancellationToken cancel);
}
