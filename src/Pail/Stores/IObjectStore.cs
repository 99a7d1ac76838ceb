using System.Buffers;

namespace Pail.Stores;

/// <summary>
/// A bucket: objects by key, written whole or not at all. Keys are UTF-8, at most 1,024 bytes, <c>/</c> between their parts.
/// Every call makes one request, retries none (the caller does), ends by itself a request that stands still, is safe to make
/// concurrently, and throws <see cref="StoreException"/> for all that goes wrong.
/// </summary>
public interface IObjectStore : IMultipartUploads
{
    /// <summary>The address people know it by, such as <c>s3://acme</c>; holds no credential.</summary>
    string Name { get; }

    /// <summary>What the object is without its bytes; null if there is none.</summary>
    Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel);

    /// <summary>
    /// The object, or a range of its bytes; null if there is none. The caller disposes it.
    /// A range that begins past the end throws <see cref="StoreError.RangeNotSatisfiable"/>.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="range">Which bytes; null for all.</param>
    /// <param name="cancel">Ends the request, and reading from its content.</param>
    Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel);

    /// <summary>Writes a whole object from memory. Returns its ETag; null if the condition did not hold, and then nothing was written.</summary>
    /// <exception cref="StoreException"><see cref="StoreError.ConditionUnsupported"/> if the store can't check the condition.</exception>
    Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel);

    /// <summary>One page of keys in ordinal (UTF-8) order.</summary>
    Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel);

    /// <summary>Removes an object; no error if there is none.</summary>
    Task DeleteAsync(string key, CancellationToken cancel);
}

/// <summary>Uploads in parts, sent in any order and in parallel; the object appears, whole, when completed.</summary>
public interface IMultipartUploads
{
    /// <summary>True if the store makes no object of parts that differ in size, but for the last.</summary>
    bool WantsEqualParts => false;

    /// <summary>Begins an upload and returns its id.</summary>
    Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel);

    /// <summary>Sends one part and returns its ETag.</summary>
    /// <param name="upload">Which upload.</param>
    /// <param name="number">1 to 10,000. Sent again, the later content counts.</param>
    /// <param name="offset">Where the part begins in the object, in bytes.</param>
    /// <param name="body">At least 5 MiB unless it is the last; see <see cref="WantsEqualParts"/>.</param>
    /// <param name="cancel">Ends the request.</param>
    Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel);

    /// <summary>Makes the object of the parts, in order. Returns its ETag, empty if the store did not say.</summary>
    Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel);

    /// <summary>Drops an upload and its parts; no error if there is none.</summary>
    Task AbortUploadAsync(UploadId upload, CancellationToken cancel);

    /// <summary>The parts that have arrived, by number; empty if there is no such upload.</summary>
    Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel);

    /// <summary>Uploads not yet completed or aborted whose key begins so.</summary>
    Task<IReadOnlyList<PendingUpload>> ListUploadsAsync(string prefix, CancellationToken cancel);
}

/// <summary>The store can copy an object without sending its bytes through the client: within the bucket, unless it says otherwise.</summary>
public interface IServerSideCopy
{
    /// <summary>Copies a whole object, at most 5 GiB on S3, with new headers. False if there is no source.</summary>
    Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel);

    /// <summary>Makes a part of an upload from a range of an object. Returns the part's ETag; null if there is no source.</summary>
    /// <param name="from">The key of the source.</param>
    /// <param name="range">Which of its bytes; a range that ends past the end is refused.</param>
    /// <param name="upload">Which upload.</param>
    /// <param name="number">1 to 10,000.</param>
    /// <param name="offset">Where the part begins in the new object, in bytes.</param>
    /// <param name="cancel">Ends the request.</param>
    Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel);
}

/// <summary>The store can copy out of other buckets, too.</summary>
public interface ICopiesBetweenBuckets
{
    /// <summary>
    /// What copies from another bucket into this one, its sources' keys being those of the other; null if the store can't do that, or
    /// the other is not known to belong to who asks: of a stranger's objects it is not known what is in them. One request, or none.
    /// </summary>
    Task<IServerSideCopy?> CopierFromAsync(IObjectStore other, CancellationToken cancel);
}

/// <summary>The store can sign a request that somebody without credentials may make for a while.</summary>
public interface IPresigner
{
    /// <summary>An address that answers GET with the object. Makes no request.</summary>
    Uri PresignGet(string key, TimeSpan lifetime);

    /// <summary>An address that takes a part by PUT. Makes no request.</summary>
    Uri PresignUploadPart(UploadId upload, int number, TimeSpan lifetime);
}
