using Pail.Compression;
using Pail.Oci;

namespace Pail.Images;

/// <summary>
/// Finds images and layers by what they are made of, not only by what they became when they were compressed.
/// What is there needs neither compressing nor sending, whichever machine sent it.
/// </summary>
internal interface ILayerLookup
{
    /// <summary>The manifest the sink's address names now; null if there is none, or none that can be read.</summary>
    Task<Manifest?> GetNamedAsync(CancellationToken cancel);

    /// <summary>The blob that is there for a layer; null if none is known. What is found is not sent when it is put.</summary>
    /// <param name="diffId">The digest of the layer's tar.</param>
    /// <param name="kind">How it shall be compressed.</param>
    /// <param name="cancel">Ends the attempt.</param>
    Task<Descriptor?> FindLayerAsync(Digest diffId, CompressionKind kind, CancellationToken cancel);
}

/// <summary>A blob that a source has made: it can be opened.</summary>
/// <param name="Blob">The blob, with the digest of the tar it was made of where the layer is large enough to be remembered.</param>
/// <param name="IsWorthSending">True if it belongs to the image for certain and is large enough to be sent before the manifest.</param>
internal sealed record MadeBlob(Descriptor Blob, bool IsWorthSending);

/// <summary>Makes the layers of an image, and so knows what they are before they have their digests as blobs.</summary>
internal interface ILayerMaker
{
    /// <summary>How it compresses.</summary>
    LayerCompression Compression { get; }

    /// <summary>How many bytes of the image it has read so far.</summary>
    long BytesRead { get; }

    /// <summary>Returns what the image is, found without reading it: the digest of its config or manifest; null if that can't be said.</summary>
    Task<Digest?> IdentifyAsync(CancellationToken cancel);

    /// <summary>Makes the layers, and returns each as soon as it can be opened. When it ends, the source has its root manifest at hand.</summary>
    /// <param name="known">Knows layers that need not be made; null if nobody does.</param>
    /// <param name="cancel">Interrupts it.</param>
    IAsyncEnumerable<MadeBlob> MakeAsync(ILayerLookup? known, CancellationToken cancel);
}
