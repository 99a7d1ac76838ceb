using Pail.Images;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Registry;

public sealed partial class BucketRegistry
{
    // Below it asking whether a blob is there costs more than it can save: new ones, as configs are, take one request, not two.
    private const int UnaskedLimit = 64 << 10;

    /// <summary>The size of a blob in bytes; null if there is none. One HEAD.</summary>
    public async Task<long?> StatBlobAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        var info = await Engine.Retry.RunAsync(token => Store.HeadAsync(Layout.BlobKey(repository, digest), token), cancel);
        return info?.Size;
    }

    /// <summary>Stores a blob unless it is there, checking digest and size before anybody can see it.</summary>
    /// <remarks>A blob of at most 64 KiB, as configs are, is put without asking first: new ones cost one request, not two.</remarks>
    public async Task<BlobOutcome> PutBlobAsync(RepositoryName repository, Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (blob.Size > UnaskedLimit && await StatBlobAsync(repository, blob.Digest, cancel) == blob.Size)
            return BlobOutcome.Existed;
        await Engine.UploadAsync(Store, Layout.BlobKey(repository, blob.Digest), Layout.BlobHeaders, blob, open, progress, cancel);
        return BlobOutcome.Sent;
    }

    /// <summary>
    /// Stores a blob of another repository of this bucket, unless it is there: the store copies it, and its bytes are
    /// sent only where it can't.
    /// </summary>
    /// <remarks>Where it is to be it is looked for first, whatever its size: a HEAD for itself costs less than a HEAD and a COPY.</remarks>
    public async Task<BlobOutcome> PutBlobAsync(RepositoryName repository, Descriptor blob, RepositoryName from, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (await StatBlobAsync(repository, blob.Digest, cancel) == blob.Size)
            return BlobOutcome.Existed;
        if (await StatBlobAsync(from, blob.Digest, cancel) == blob.Size && await CopyBlobAsync(from, repository, blob, cancel))
            return BlobOutcome.Copied;
        await Engine.UploadAsync(Store, Layout.BlobKey(repository, blob.Digest), Layout.BlobHeaders, blob, open, progress, cancel);
        return BlobOutcome.Sent;
    }

    /// <summary>Opens a blob, read ahead in parallel; its bytes are not checked against the digest here.</summary>
    public Stream OpenBlob(RepositoryName repository, Descriptor blob, long offset) =>
        Engine.OpenRead(Store, Layout.BlobKey(repository, blob.Digest), blob.Size, offset);

    private async Task<bool> CopyBlobAsync(RepositoryName from, RepositoryName to, Descriptor blob, CancellationToken cancel) =>
        Store is IServerSideCopy copier
        && await Engine.CopyAsync(Store, copier, [(Layout.BlobKey(from, blob.Digest), blob.Size)], Layout.BlobKey(to, blob.Digest), Layout.BlobHeaders, cancel);
}
