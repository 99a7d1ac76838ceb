using Pail.Compression;
using Pail.Oci;

namespace Pail.Images;

/// <summary>
/// A sink that knows images and layers by what they are made of, not only by what they became when they were compressed.
/// So what is there needs neither compressing nor sending, whichever machine sent it.
/// </summary>
public interface ILayerLookup
{
    /// <summary>The manifest the sink's address names now; null if there is none, or none that can be read.</summary>
    Task<Manifest?> GetNamedAsync(CancellationToken cancel);

    /// <summary>The blob that is there for a layer; null if none is known. What is found is not sent when it is put.</summary>
    /// <param name="diffId">The digest of the layer's tar.</param>
    /// <param name="kind">How it shall be compressed.</param>
    /// <param name="cancel">Ends the attempt.</param>
    Task<Descriptor?> FindLayerAsync(Digest diffId, CompressionKind kind, CancellationToken cancel);
}

/// <summary>A source that has seen the tars of layers it gives as blobs.</summary>
public interface IDiffIdSource
{
    /// <summary>The digest of the tar that a blob was made of, as seen here, not as some config says; null if it was not made here, or is too small to be remembered.</summary>
    Digest? DiffIdOf(Digest blob);
}

/// <summary>A source that compresses layers itself, and so knows what they are before they have their digests as blobs.</summary>
public interface ILayerMaker : IDiffIdSource
{
    /// <summary>How it compresses.</summary>
    LayerCompression Compression { get; }

    /// <summary>What the image is, found without reading it: the digest of its config or manifest; null if that can't be said.</summary>
    Task<Digest?> IdentifyAsync(CancellationToken cancel);

    /// <summary>Whom it asks before it compresses a layer; set before the first manifest is asked for.</summary>
    ILayerLookup? Memory { set; }
}
