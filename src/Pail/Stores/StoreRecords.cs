
namespace Pail.Stores;

/// <summary>What goes with an object's bytes.</summary>
/// <param name="ContentType">The media type it is served with, exactly.</param>
/// <param name="CacheControl">The Cache-Control it is served with, if any.</param>
public sealed record ObjectHeaders(string ContentType, string? CacheControl = null)
{
    /// <summary>The SHA-256 of the body, where known: sent as a checksum to stores that check it.</summary>
    public Oci.Digest? Sha256 { get; init; }

    /// <summary>User metadata, names in lower case without the store's prefix.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The storage class to ask for, where the store has such; null for its default.</summary>
    public string? StorageClass { get; init; }
}

/// <summary>What a store says of an object.</summary>
/// <param name="Size">Size of the whole object in bytes.</param>
/// <param name="ETag">The version tag, without quotes.</param>
/// <param name="Modified">When it was written.</param>
/// <param name="ContentType">Its media type.</param>
public sealed record ObjectInfo(long Size, string ETag, DateTimeOffset Modified, string ContentType)
{
    /// <summary>Its Cache-Control, if any.</summary>
    public string? CacheControl { get; init; }

    /// <summary>User metadata, names in lower case.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}

/// <summary>An object being read. <see cref="ObjectInfo.Size"/> is the whole object's, whatever the range.</summary>
/// <param name="info">What the object is.</param>
/// <param name="body">The bytes asked for, and no more.</param>
/// <param name="length">How many bytes the body holds.</param>
public sealed class ObjectContent(ObjectInfo info, Stream body, long length) : IAsyncDisposable
{
    /// <summary>What the object is.</summary>
    public ObjectInfo Info => info;

    /// <summary>The bytes asked for. Ends early only by throwing.</summary>
    public Stream Body => body;

    /// <summary>How many bytes the body holds.</summary>
    public long Length => length;

    /// <summary>Ends the request.</summary>
    public ValueTask DisposeAsync() => body.DisposeAsync();
}

/// <summary>A range of bytes, the way HTTP counts: first and last are both inside. Without a last one, to the end.</summary>
/// <param name="First">The first byte, from 0.</param>
/// <param name="Last">The last byte, inclusive; null for the end of the object.</param>
public readonly record struct ByteRange(long First, long? Last = null)
{
    /// <summary>The range of <paramref name="length"/> bytes from <paramref name="offset"/>.</summary>
    public static ByteRange Of(long offset, long length) => new(offset, offset + length - 1);
}

/// <summary>When a write may happen.</summary>
/// <param name="Absent">Only if there is no such object (<c>If-None-Match: *</c>).</param>
/// <param name="ETag">Only if the object still has this ETag, without quotes (<c>If-Match</c>).</param>
public readonly record struct PutCondition(bool Absent, string? ETag)
{
    /// <summary>No condition.</summary>
    public static PutCondition None => default;

    /// <summary>Create only.</summary>
    public static PutCondition IfAbsent => new(Absent: true, ETag: null);

    /// <summary>Replace exactly this version.</summary>
    public static PutCondition IfMatch(string etag) => new(Absent: false, etag);
}

/// <summary>What to list.</summary>
/// <param name="Prefix">Keys that begin so.</param>
/// <param name="Delimiter">Fold keys that go on after it into one common prefix; null for none.</param>
/// <param name="StartAfter">Keys strictly after this one; null for all.</param>
/// <param name="Continuation">The token of the page before; null for the first.</param>
/// <param name="Limit">At most so many keys and prefixes, 1 to 1,000.</param>
public sealed record ListQuery(string Prefix, string? Delimiter = null, string? StartAfter = null, string? Continuation = null, int Limit = 1000);

/// <summary>One page of a listing.</summary>
/// <param name="Objects">The objects, in key order.</param>
/// <param name="Prefixes">The common prefixes, with their delimiter, in order.</param>
/// <param name="Continuation">What to pass for the next page; null if this is the last. Empty if the store says that there is more and not how to ask for it.</param>
public sealed record ListPage(IReadOnlyList<ObjectEntry> Objects, IReadOnlyList<string> Prefixes, string? Continuation);

/// <summary>An object in a listing.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Size">Size in bytes.</param>
/// <param name="ETag">The version tag, without quotes.</param>
/// <param name="Modified">When it was written.</param>
public sealed record ObjectEntry(string Key, long Size, string ETag, DateTimeOffset Modified);

/// <summary>Which upload: S3 wants both the key and the id.</summary>
/// <param name="Key">The key it will have.</param>
/// <param name="Id">The store's id of the upload.</param>
public readonly record struct UploadId(string Key, string Id);

/// <summary>A part that has arrived.</summary>
/// <param name="Number">1 to 10,000.</param>
/// <param name="ETag">As the store answered it.</param>
/// <param name="Size">Size in bytes.</param>
public sealed record UploadedPart(int Number, string ETag, long Size);

/// <summary>An upload not yet completed or aborted.</summary>
/// <param name="Upload">Which.</param>
/// <param name="Started">When it began.</param>
public sealed record PendingUpload(UploadId Upload, DateTimeOffset Started);

/// <summary>One page of pending uploads.</summary>
/// <param name="Uploads">The uploads, in key order.</param>
/// <param name="Next">What to pass for the next page; null if this is the last. Its key is empty if the store says that there is more and not how to ask for it.</param>
public sealed record UploadPage(IReadOnlyList<PendingUpload> Uploads, UploadId? Next);

/// <summary>Opens an object, or a range of its bytes; null if there is none. It does as <see cref="IObjectStore.GetAsync"/> does.</summary>
internal delegate Task<ObjectContent?> RangeOpener(ByteRange? range, CancellationToken cancel);
