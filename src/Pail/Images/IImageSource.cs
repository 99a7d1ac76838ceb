using Pail.Io;
using Pail.Oci;

namespace Pail.Images;

/// <summary>An image, index or artifact that can be read: its manifests whole, its blobs as streams.</summary>
/// <remarks>A source need not verify blobs: the sink does. Manifests it returns are verified (<see cref="Manifest"/>).</remarks>
internal interface IImageSource : IAsyncDisposable
{
    /// <summary>The address, for messages.</summary>
    string Name { get; }

    /// <summary>What else it can do.</summary>
    SourceAbilities Abilities => SourceAbilities.None;

    /// <summary>The manifest the address names.</summary>
    /// <exception cref="PailException">There is none (<see cref="Failure.NotFound"/>), or its bytes are not what they should be.</exception>
    Task<Manifest> GetRootAsync(CancellationToken cancel);

    /// <summary>A manifest that an index lists. Its bytes have the digest and size of the descriptor.</summary>
    Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel);

    /// <summary>Opens a blob from a byte offset on; called again to go on after a failure, or where an earlier run ended.</summary>
    /// <exception cref="PailException">The source has no such blob.</exception>
    Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel);
}

/// <summary>
/// A place an image can be written to. Called children first: blobs (several at once), then the manifests that name
/// them, then the root. Nothing under a digest or a tag is visible before it is whole and verified.
/// </summary>
internal interface IImageSink : IAsyncDisposable
{
    /// <summary>The address, for messages.</summary>
    string Name { get; }

    /// <summary>What else it can do.</summary>
    SinkAbilities Abilities => SinkAbilities.None;

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
    Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel);
}
