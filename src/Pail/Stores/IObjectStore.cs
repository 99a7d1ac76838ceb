using System.Buffers;

namespace Pail.Stores;

/// <summary>
/// A bucket: objects by key, written whole or not at all. Keys are UTF-8, at most 1,024 bytes, <c>/</c> between their parts.
/// Every call makes one request, retries none (<see cref="RetryingStore"/> does), ends by itself a request that stands still, is safe to make
/// concurrently, and throws <see cref="StoreException"/> for all that goes wrong.
/// </summary>
public interface IObjectStore : IMultipartUploads
{
    /// <summary>The address people know it by, such as <c>s3://acme</c>; holds no credential.</summary>
    string Name { get; }

    /// <summary>What else the store can do. A layer answers for the store under it.</summary>
    internal StoreAbilities Abilities => StoreAbilities.Of(this);

    /// <summary>The store under all layers, for a store to recognise its own kind.</summary>
    internal IObjectStore Innermost => this;

    /// <summary>What the object is without its bytes; null if there is none.</summary>
    Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default);

    /// <summary>
    /// The object, or a range of its bytes; null if there is none. The caller disposes it.
    /// A range that begins past the end throws <see cref="StoreError.RangeNotSatisfiable"/>.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="range">Which bytes; null for all.</param>
    /// <param name="cancel">Ends the request, and reading from its content.</param>
    Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default);

    /// <summary>Writes a whole object from memory. Returns its ETag; null if the condition did not hold, and then nothing was written.</summary>
    /// <exception cref="StoreException"><see cref="StoreError.ConditionUnsupported"/> if the store can't check the condition.</exception>
    Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default);

    /// <summary>One page of keys in ordinal (UTF-8) order.</summary>
    Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default);

    /// <summary>Removes an object; no error if there is none.</summary>
    Task DeleteAsync(string key, CancellationToken cancel = default);
}

/// <summary>Uploads in parts, sent in any order and in parallel; the object appears, whole, when completed.</summary>
public interface IMultipartUploads
{
    /// <summary>True if the store makes no object of parts that differ in size, but for the last.</summary>
    bool WantsEqualParts => false;

    /// <summary>True if nothing but Pail can begin an upload here, so that each one left unfinished is Pail's own.</summary>
    bool HasOnlyOwnUploads => false;

    /// <summary>False if bytes that are sent are dropped: then nothing has to be read to send them.</summary>
    internal bool KeepsBytes => true;

    /// <summary>Begins an upload and returns its id.</summary>
    Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default);

    /// <summary>Sends one part and returns its ETag.</summary>
    /// <param name="upload">Which upload.</param>
    /// <param name="number">1 to 10,000. Sent again, the later content counts.</param>
    /// <param name="offset">Where the part begins in the object, in bytes.</param>
    /// <param name="body">At least 5 MiB unless it is the last; see <see cref="WantsEqualParts"/>.</param>
    /// <param name="cancel">Ends the request.</param>
    Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default);

    /// <summary>Makes the object of the parts, in order. Returns its ETag, empty if the store did not say.</summary>
    Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default);

    /// <summary>Drops an upload and its parts; no error if there is none.</summary>
    Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default);

    /// <summary>The parts that have arrived, by number; empty if there is no such upload.</summary>
    Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default);

    /// <summary>One page of the uploads not yet completed or aborted.</summary>
    /// <param name="prefix">What their keys begin with.</param>
    /// <param name="after">The <see cref="UploadPage.Next"/> of the page before; null for the first.</param>
    /// <param name="cancel">Ends the request.</param>
    Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default);
}
