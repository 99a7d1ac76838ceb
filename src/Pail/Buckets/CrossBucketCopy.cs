using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>Another bucket that an image comes from, whose large enough blobs the store may copy.</summary>
/// <param name="origin">The bucket.</param>
/// <param name="repository">The repository in it that has the blobs.</param>
/// <param name="to">Where they shall be.</param>
internal sealed class CrossBucketCopy(Bucket origin, RepositoryName repository, Bucket to)
{
    private readonly Lazy<Task<IServerSideCopy?>> _copier = new(() => to.Store.Abilities.CopyBetween is { } store
        ? store.CopierFromAsync(origin.Store, CancellationToken.None)
        : Task.FromResult<IServerSideCopy?>(null));

    // Set by the first refusal: what the store won't do it isn't asked for again.
    private volatile bool _refused;

    /// <summary>True if the store can copy a blob, and it is there in the right size. One HEAD, if the store can; none for a small blob.</summary>
    internal async Task<bool> HasAsync(Descriptor blob, CancellationToken cancel)
    {
        if (blob.Size <= RepositoryBlobs.UnaskedLimit || _refused || await _copier.Value.WaitAsync(cancel) is null)
            return false;
        try
        {
            return (await origin.Repository(repository).Blobs.FindAsync(blob.Digest, cancel))?.Size == blob.Size;
        }
        catch (StoreException e) when (e.Error == StoreError.AccessDenied)
        {
            // Without list permission S3 answers 403 for a missing object, such as a blob just compressed.
            return false;
        }
    }

    /// <summary>Lets the store copy a blob. False if it won't, or the blob is gone. One COPY, or several for a very large one.</summary>
    internal async Task<bool> CopyAsync(Repository target, Descriptor blob, CancellationToken cancel)
    {
        try
        {
            return await to.Engine.CopyAsync(
                to.Store, (await _copier.Value)!, [(origin.Layout.BlobKey(repository, blob.Digest), blob.Size)], target.Blobs.KeyOf(blob.Digest), target.Blobs.HeadersOf(blob), cancel);
        }
        catch (StoreException e) when (e.Error is StoreError.AccessDenied or StoreError.Unsupported or StoreError.Rejected)
        {
            _refused = true;
            return false;
        }
    }
}
