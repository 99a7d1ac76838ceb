namespace Pail.Stores;

/// <summary>What a store can do beside reading and writing objects; null where it can't. Asked for in one way, whatever layers lie over the store.</summary>
/// <param name="Copy">Copies within the bucket.</param>
/// <param name="CopyBetween">Copies from other buckets.</param>
/// <param name="Presign">Signs requests for others.</param>
/// <param name="Admin">Makes and opens the bucket.</param>
internal sealed record StoreAbilities(IServerSideCopy? Copy, ICopiesBetweenBuckets? CopyBetween, IPresigner? Presign, IBucketAdmin? Admin)
{
    /// <summary>Refuses writes that rest on an old look; null where it can't, and then nothing can be collected while others push.</summary>
    public IFencedWrites? Fences { get; init; }

    /// <summary>Returns the abilities that an object implements.</summary>
    public static StoreAbilities Of(object store) => new(store as IServerSideCopy, store as ICopiesBetweenBuckets, store as IPresigner, store as IBucketAdmin) { Fences = store as IFencedWrites };
}

/// <summary>The store can copy an object without sending its bytes through the client: within the bucket, unless it says otherwise.</summary>
public interface IServerSideCopy
{
    /// <summary>Copies a whole object, at most 5 GiB on S3, with new headers. False if there is no source.</summary>
    Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default);

    /// <summary>Makes a part of an upload from a range of an object. Returns the part's ETag; null if there is no source.</summary>
    /// <param name="from">The key of the source.</param>
    /// <param name="range">Which of its bytes; a range that ends past the end is refused.</param>
    /// <param name="upload">Which upload.</param>
    /// <param name="number">1 to 10,000.</param>
    /// <param name="offset">Where the part begins in the new object, in bytes.</param>
    /// <param name="cancel">Ends the request.</param>
    Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default);
}

/// <summary>The store can copy out of other buckets, too.</summary>
public interface ICopiesBetweenBuckets
{
    /// <summary>
    /// What copies from another bucket into this one, its sources' keys being those of the other; null if the store can't do that, or
    /// the other is not known to belong to who asks: of a stranger's objects it is not known what is in them. One request, or none.
    /// </summary>
    Task<IServerSideCopy?> CopierFromAsync(IObjectStore other, CancellationToken cancel = default);
}

/// <summary>The store can sign a request that somebody without credentials may make for a while.</summary>
public interface IPresigner
{
    /// <summary>An address that answers GET with the object. Makes no request.</summary>
    Uri PresignGet(string key, TimeSpan lifetime);

    /// <summary>An address that takes a part by PUT. Makes no request.</summary>
    Uri PresignUploadPart(UploadId upload, int number, TimeSpan lifetime);
}
