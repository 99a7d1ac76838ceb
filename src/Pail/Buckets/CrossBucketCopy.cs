using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>Another bucket that an image comes from, whose large enough blobs the store may copy.</summary>
/// <param name="origin">The bucket.</param>
/// <param name="repository">The repository in it that has the blobs.</param>
/// <param name="to">Where they shall be.</param>
public sealed class CrossBucketCopy(BucketRegistry origin, RepositoryName repository, BucketRegistry to)
{
    private readonly Lazy<Task<IServerSideCopy?>> _copier = new(() => to.Store is ICopiesBetweenBuckets store
        ? to.Engine.Retry.RunAsync(token => store.CopierFromAsync(origin.Store, token), CancellationToken.None)
        : Task.FromResult<IServerSideCopy?>(null));

    // Set by the first refusal: what the store won't do it isn't asked for again.
    private volatile bool _refused;

    /// <summary>True if the store can copy a blob, and it is there in the right size. One HEAD, if the store can; none for a small blob.</summary>
    internal async Task<bool> HasAsync(Descriptor blob, CancellationToken cancel)
    {
        if (blob.Size <= BucketRegistry.UnaskedLimit || _refused || await _copier.Value.WaitAsync(cancel) is null)
            return false;
        try
        {
            return await origin.StatBlobAsync(repository, blob.Digest, cancel) == blob.Size;
        }
        catch (StoreException e) when (e.Error == StoreError.AccessDenied)
        {
            // Who may not list is not told that a blob, such as one just compressed, is not there.
            return false;
        }
    }

    /// <summary>Lets the store copy a blob. False if it won't, or the blob is gone. One COPY, or several for a very large one.</summary>
    internal async Task<bool> CopyAsync(RepositoryName target, Descriptor blob, CancellationToken cancel)
    {
        try
        {
            return await to.Engine.CopyAsync(
                to.Store, (await _copier.Value)!, [(origin.Layout.BlobKey(repository, blob.Digest), blob.Size)], to.Layout.BlobKey(target, blob.Digest), to.Layout.LayerHeaders(blob.DiffId), cancel);
        }
        catch (StoreException e) when (e.Error is StoreError.AccessDenied or StoreError.Unsupported or StoreError.Rejected)
        {
            _refused = true;
            return false;
        }
    }
}
