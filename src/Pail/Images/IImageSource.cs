using Pail.Oci;

namespace Pail.Images;

/// <summary>An image, index or artifact that can be read: its manifests whole, its blobs as streams.</summary>
/// <remarks>A source need not verify blobs: who stores them does. Manifests it returns are verified (<see cref="Manifest"/>).</remarks>
public interface IImageSource : IAsyncDisposable
{
    /// <summary>The address, for messages.</summary>
    string Name { get; }

    /// <summary>The manifest the address names.</summary>
    /// <exception cref="PailException">There is none (<see cref="Failure.NotFound"/>), or its bytes are not what they should be.</exception>
    Task<Manifest> GetRootAsync(CancellationToken cancel);

    /// <summary>A manifest that an index lists. Its bytes have the digest and size of the descriptor.</summary>
    Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel);

    /// <summary>Opens a blob from a byte offset on; called again to go on after a failure, or where an earlier run ended.</summary>
    /// <exception cref="PailException">The source has no such blob.</exception>
    Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel);
}

/// <summary>What has to read the whole image before it can name its root.</summary>
public interface IReadsAhead
{
    /// <summary>How many bytes it has read so far.</summary>
    long BytesRead { get; }
}

/// <summary>A source that makes blobs, and has some whole before it can name its root: they may be sent while it makes the others.</summary>
public interface IMakesBlobs
{
    /// <summary>Hears of each blob worth it that is whole, can be opened, and belongs to the image for certain. Set before the first manifest is asked for.</summary>
    Action<Descriptor>? Made { set; }
}

/// <summary>
/// A place an image can be written to. Called children first: blobs (several at once), then the manifests that name
/// them, then the root. Nothing under a digest or a tag is visible before it is whole and verified.
/// </summary>
public interface IImageSink : IAsyncDisposable
{
    /// <summary>The address, for messages.</summary>
    string Name { get; }

    /// <summary>False if it can hold one image only, no index: then a copy of an index picks a platform.</summary>
    bool HoldsIndexes { get; }

    /// <summary>True if the address names exactly this manifest already: then nothing is left to do.</summary>
    Task<bool> HasRootAsync(Manifest root, CancellationToken cancel);

    /// <summary>True if this manifest is stored under its digest, and with it (parts come first) all it names. A sink that can't be sure says false.</summary>
    Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel);

    /// <summary>Stores a blob unless it is there, checking size and digest.</summary>
    /// <exception cref="PailException">The bytes differ from the descriptor (<see cref="Failure.BadContent"/>); nothing is visible then.</exception>
    Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel);

    /// <summary>Stores a manifest under its digest, for an index to name. Its parts are there.</summary>
    Task PutManifestAsync(Manifest manifest, CancellationToken cancel);

    /// <summary>Makes the address name the root manifest, and stores that first unless <paramref name="isStored"/>.</summary>
    Task PutRootAsync(Manifest root, bool isStored, CancellationToken cancel);
}

/// <summary>A sink that takes blobs, in any order, before it is told which manifest names them.</summary>
public interface ITakesBlobsAhead
{
    /// <summary>False if it may refuse the image once it sees its digest: then nothing shall be sent before.</summary>
    bool TakesBlobsAhead { get; }
}

/// <summary>Opens the bytes of a blob from an offset on. The caller disposes the stream.</summary>
public delegate Task<Stream> BlobOpener(long offset, CancellationToken cancel);

/// <summary>How a blob came to be in a sink.</summary>
public enum BlobOutcome
{
    /// <summary>Its bytes were sent.</summary>
    Sent,

    /// <summary>It was there.</summary>
    Existed,

    /// <summary>The store copied it from another repository; no bytes were sent.</summary>
    Copied,
}

/// <summary>Hears how a copy goes. Called from several threads at once.</summary>
public interface ICopyProgress
{
    /// <summary>What there is to copy shows only when all of it is read: from now on, this says how far that is. Null: it is known.</summary>
    void Reading(IReadsAhead? reader);

    /// <summary>These blobs, not announced before, will begin later: what there is to do grows by them.</summary>
    void Expect(IReadOnlyCollection<Descriptor> blobs);

    /// <summary>A blob begins.</summary>
    IBlobProgress Begin(Descriptor blob);
}

/// <summary>Hears how one blob goes.</summary>
public interface IBlobProgress
{
    /// <summary>So many more bytes are safe at the sink. May be negative when a part is sent again.</summary>
    void Advance(long bytes);

    /// <summary>It is there now.</summary>
    void Done(BlobOutcome outcome);
}

/// <summary>Nobody listens.</summary>
public sealed class NoProgress : ICopyProgress, IBlobProgress
{
    /// <summary>The only one.</summary>
    public static readonly NoProgress Instance = new();

    /// <inheritdoc/>
    public void Reading(IReadsAhead? reader)
    {
    }

    /// <inheritdoc/>
    public void Expect(IReadOnlyCollection<Descriptor> blobs)
    {
    }

    /// <inheritdoc/>
    public IBlobProgress Begin(Descriptor blob) => this;

    /// <inheritdoc/>
    public void Advance(long bytes)
    {
    }

    /// <inheritdoc/>
    public void Done(BlobOutcome outcome)
    {
    }
}
