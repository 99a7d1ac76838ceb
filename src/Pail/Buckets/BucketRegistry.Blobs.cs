using Pail.Buckets.Layouts;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

public sealed partial class BucketRegistry
{
    // Below it asking whether a blob is there costs more than it can save: new ones, as configs are, take one request, not two.
    internal const int UnaskedLimit = 64 << 10;

    /// <summary>The size of a blob in bytes; null if there is none. One HEAD.</summary>
    public async Task<long?> StatBlobAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        var info = await Engine.Retry.RunAsync(token => Store.HeadAsync(Layout.BlobKey(repository, digest), token), cancel);
        return info?.Size;
    }

    /// <summary>Stores a blob unless it is there, checking digest and size before anybody can see it.</summary>
    /// <remarks>
    /// A blob of at most 64 KiB, as configs are, is put without asking first: new ones cost one request, not two. One
    /// that is in another repository of the bucket is copied by the store: where that is, the caller says, or for large
    /// blobs the bucket's memory.
    /// </remarks>
    /// <param name="repository">Where.</param>
    /// <param name="blob">What the bytes must be.</param>
    /// <param name="open">Opens the bytes, if they are needed.</param>
    /// <param name="progress">Hears of bytes sent.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <param name="from">A repository of this bucket that should have the blob.</param>
    /// <param name="origin">Another bucket that should have it.</param>
    public async Task<BlobOutcome> PutBlobAsync(RepositoryName repository, Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel, RepositoryName? from = null, CrossBucketCopy? origin = null)
    {
        if (await LocateAsync(repository, blob, from, cancel) is { } known)
        {
            if (known.Repository == repository)
                return BlobOutcome.Existed;
            if (await CopyBlobAsync(known, repository, cancel))
                return BlobOutcome.Copied;
        }
        if (origin is not null && await origin.HasAsync(blob, cancel) && await origin.CopyAsync(repository, blob, cancel))
        {
            await RememberAsync(repository, blob, cancel);
            return BlobOutcome.Copied;
        }
        await Engine.UploadAsync(Store, Layout.BlobKey(repository, blob.Digest), Layout.LayerHeaders(blob.DiffId), blob, open, progress, cancel);
        await RememberAsync(repository, blob, cancel);
        return BlobOutcome.Sent;
    }

    /// <summary>Lets the store copy a blob from the repository it was found in. False if it can't, or the blob is gone. One COPY, or several for a very large one.</summary>
    public async Task<bool> CopyBlobAsync(KnownBlob known, RepositoryName to, CancellationToken cancel) =>
        Store is IServerSideCopy copier && await Engine.CopyAsync(
            Store, copier, [(Layout.BlobKey(known.Repository, known.Blob.Digest), known.Blob.Size)], Layout.BlobKey(to, known.Blob.Digest), Layout.LayerHeaders(known.Blob.DiffId), cancel);

    // Where a blob is that need not be sent: here, or where it can be copied from. Null if that is not known.
    private async Task<KnownBlob?> LocateAsync(RepositoryName repository, Descriptor blob, RepositoryName? from, CancellationToken cancel)
    {
        if ((blob.Size > UnaskedLimit || from is not null) && await StatBlobAsync(repository, blob.Digest, cancel) == blob.Size)
            return new(blob, repository);
        if (Layout.Kind == LayoutKind.Pool || Store is not IServerSideCopy)
            return null;
        var holder = from ?? (blob.Size > LayerLimits.Remembered ? (await ReadEntryAsync(BucketLayout.MemoryKey(blob.Digest, null), cancel))?.Repository : null);
        if (holder is not { } other || other == repository)
            return null;
        var info = await Engine.Retry.RunAsync(token => Store.HeadAsync(Layout.BlobKey(other, blob.Digest), token), cancel);
        // What it says of its tar goes with it.
        return info?.Size == blob.Size ? new(blob with { DiffId = DiffIdOf(info) }, other) : null;
    }

    /// <summary>Opens a blob, read ahead in parallel; its bytes are not checked against the digest here.</summary>
    public Stream OpenBlob(RepositoryName repository, Descriptor blob, long offset) =>
        Engine.OpenRead(Store, Layout.BlobKey(repository, blob.Digest), blob.Size, offset);
}
