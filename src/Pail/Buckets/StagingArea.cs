using System.Buffers;
using System.Globalization;
using Pail.Buckets.Layouts;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Buckets;

/// <summary>Where bytes wait that are no blob yet: objects named by <see cref="StagingKey"/>.</summary>
internal sealed class StagingArea
{
    private const string Before = "pailbefore";

    private readonly Bucket _bucket;

    internal StagingArea(Bucket bucket) => _bucket = bucket;

    private IObjectStore Store => _bucket.Store;

    // Those of a blob: so a blob made of one piece is, in a folder, a second name of the same file.
    private ObjectHeaders Headers => _bucket.Layout.BlobHeaders with { StorageClass = null };

    // The first two pieces of a session follow nothing that does.
    private ObjectHeaders HeadersOf(ulong before) => before == 0 ? Headers : Headers with { Metadata = new Dictionary<string, string> { [Before] = before.ToString("x16", CultureInfo.InvariantCulture) } };

    /// <summary>Begins to write a piece in parts. 2 requests and one for each part; none if it turns out to be small (<see cref="MultipartWriter"/>).</summary>
    /// <param name="key">Its key.</param>
    /// <param name="length">How many bytes come, if that is known.</param>
    /// <param name="before">What the piece before it follows; 0 for none. <see cref="FindAsync"/> returns it.</param>
    public MultipartWriter Write(string key, long? length, ulong before = 0) => _bucket.Engine.BeginWriter(Store, key, HeadersOf(before), length);

    /// <summary>Writes a piece that is in memory. One PUT.</summary>
    public Task PutAsync(string key, ReadOnlySequence<byte> content, ulong before = 0, CancellationToken cancel = default) => _bucket.Engine.PutAsync(Store, key, content, HeadersOf(before), cancel);

    /// <summary>The size of a piece, and what the piece before it follows; null if it is not there. One HEAD.</summary>
    public async Task<(long Size, ulong Before)?> FindAsync(string key, CancellationToken cancel = default) => await Store.HeadAsync(key, cancel) is not { } found ? null
        : (found.Size, found.Metadata.TryGetValue(Before, out var text) && ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var before) ? before : 0);

    /// <summary>Opens the bytes of pieces one after the other, read ahead in parallel. One GET for each 8 MiB. Reading throws <see cref="MissingObjectException"/> if one is gone.</summary>
    public Stream Open(IReadOnlyList<(string Key, long Size)> pieces, long offset = 0) => new PieceStream(_bucket.Engine, Store, pieces, offset);

    /// <summary>Lists what a session has staged. One LIST for each 1,000.</summary>
    public IAsyncEnumerable<ObjectEntry> ListAsync(Guid session, CancellationToken cancel = default) => Store.ListObjectsAsync(new ListQuery(StagingKey.PrefixOf(session)), cancel);

    /// <summary>Removes an object. One DELETE.</summary>
    public Task DeleteAsync(string key, CancellationToken cancel = default) => Store.DeleteAsync(key, cancel);

    /// <summary>Begins an upload whose parts somebody else sends. One request.</summary>
    public async Task<UploadId> BeginUploadAsync(string key, CancellationToken cancel = default) => new(key, await Store.CreateUploadAsync(key, Headers, cancel));

    /// <summary>Makes the object of parts that somebody else sent. One request, a HEAD more if it is refused.</summary>
    /// <returns>False if the store does not have these parts; true also if the upload was completed before.</returns>
    public async Task<bool> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default)
    {
        try
        {
            await Store.CompleteUploadAsync(upload, parts, cancel);
            return true;
        }
        catch (StoreException e) when (!e.IsTransient)
        {
            // Completed before, perhaps: then the object is there, or has become the blob already.
            return await Store.HeadAsync(upload.Key, cancel) is not null || e.Error == StoreError.NoSuchUpload;
        }
    }

    /// <summary>Drops an upload and its parts, or the object it has become. Two requests, both free on S3.</summary>
    public async Task CancelUploadAsync(UploadId upload, CancellationToken cancel = default)
    {
        await Store.AbortUploadAsync(upload, cancel);
        await Store.DeleteAsync(upload.Key, cancel);
    }

    /// <summary>
    /// Removes staged objects and unfinished uploads that are older than a time. Two LIST requests for each 1,000 of them; only what
    /// Pail wrote for certain is touched.
    /// </summary>
    /// <remarks>
    /// An unfinished upload to the key of a blob may have been begun by another program, which S3 does not tell. Such an upload is
    /// aborted only in a store that no other program can begin uploads in (<see cref="IMultipartUploads.HasOnlyOwnUploads"/>);
    /// elsewhere a lifecycle rule of the bucket has to do it (docs/server.md).
    /// </remarks>
    /// <param name="staged">What was staged before this is removed.</param>
    /// <param name="blobs">Uploads of blobs that began before this are aborted.</param>
    /// <param name="cancel">Ends it; what was removed stays removed.</param>
    /// <returns>How many objects and uploads were removed.</returns>
    public async Task<(int Objects, int Uploads)> SweepAsync(DateTimeOffset staged, DateTimeOffset blobs, CancellationToken cancel = default)
    {
        var (objects, uploads) = (0, 0);
        await foreach (var entry in Store.ListObjectsAsync(new ListQuery(StagingKey.Prefix), cancel))
            if (entry.Modified < staged && StagingKey.IsOne(entry.Key))
            {
                await Store.DeleteAsync(entry.Key, cancel);
                objects++;
            }
        foreach (var upload in await PendingAsync(staged, blobs, cancel))
        {
            await Store.AbortUploadAsync(upload, cancel);
            uploads++;
        }
        return (objects, uploads);
    }

    /// <summary>Lists the unfinished uploads that <see cref="SweepAsync"/> would abort. One LIST for each 1,000.</summary>
    internal async Task<IReadOnlyList<UploadId>> PendingAsync(DateTimeOffset staged, DateTimeOffset blobs, CancellationToken cancel)
    {
        return [.. (await Store.ListUploadsAsync(Store.HasOnlyOwnUploads ? "" : StagingKey.Prefix, cancel))
            .Where(pending => pending.Started < Limit(_bucket.Layout.Read(pending.Upload.Key).Kind))
            .Select(pending => pending.Upload)];

        DateTimeOffset Limit(KeyKind kind) => kind switch
        {
            KeyKind.Staging => staged,
            KeyKind.Blob when Store.HasOnlyOwnUploads => blobs,
            _ => DateTimeOffset.MinValue,
        };
    }
}
