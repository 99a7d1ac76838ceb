using System.Buffers;
using Pail.Places;
using Pail.Stores;

namespace ToyStore;

/// <summary>The objects of a shelf, or of a part of it. Requests are counted as S3 would bill them.</summary>
internal sealed class ToyObjects(BucketRoot.Url root, ToyShelf shelf, RequestMeter meter) : IObjectStore
{
    public string Name { get; } = root.ToString();

    public Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default) => RunAsync(StoreOperation.HeadObject, () => Find(key)?.Info, cancel);

    public Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default) => RunAsync(StoreOperation.GetObject, () =>
    {
        if (Find(key) is not { } found)
            return null;
        var (first, size) = (range?.First ?? 0, found.Bytes.Length);
        if (range is not null && first >= size)
            throw new StoreException(StoreError.RangeNotSatisfiable, $"{Name}: {key}: the range begins at {first}, behind its {size} bytes");
        var length = Math.Min(range?.Last + 1 ?? size, size) - first;
        return new ObjectContent(found.Info, new MemoryStream(found.Bytes, (int)first, (int)length, writable: false), length);
    }, cancel);

    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) => RunAsync(StoreOperation.PutObject, () =>
    {
        var present = Find(key);
        return (condition.Absent && present is not null) || (condition.ETag is { } etag && etag != present?.ETag) ? null : Put(key, body.ToArray(), headers);
    }, cancel);

    public Task DeleteAsync(string key, CancellationToken cancel = default) => RunAsync(StoreOperation.DeleteObject, () => shelf.Objects.Remove(root.Prefix + key), cancel);

    // Each page goes through all keys: a toy.
    public Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) => RunAsync(StoreOperation.ListObjects, () =>
    {
        var (objects, prefixes) = (new List<ObjectEntry>(), new List<string>());
        var last = query.Continuation ?? query.StartAfter;
        foreach (var (path, found) in shelf.Objects)
        {
            if (!path.StartsWith(root.Prefix + query.Prefix, StringComparison.Ordinal))
                continue;
            var key = path[root.Prefix.Length..];
            var end = query.Delimiter is { } delimiter ? key.IndexOf(delimiter, query.Prefix.Length, StringComparison.Ordinal) : -1;
            var name = end < 0 ? key : key[..(end + query.Delimiter!.Length)];
            if ((last is not null && string.CompareOrdinal(name, last) <= 0) || (end >= 0 && prefixes.LastOrDefault() == name))
                continue;
            if (objects.Count + prefixes.Count == query.Limit)
                return new ListPage(objects, prefixes, last);
            last = name;
            if (end < 0)
                objects.Add(new ObjectEntry(key, found.Bytes.Length, found.ETag, found.Modified));
            else
                prefixes.Add(name);
        }
        return new ListPage(objects, prefixes, null);
    }, cancel);

    public Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default) => RunAsync(StoreOperation.CreateMultipartUpload, () =>
    {
        var id = Guid.NewGuid().ToString("N");
        shelf.Uploads[id] = new ToyUpload(root.Prefix + key, headers, TimeProvider.System.GetUtcNow());
        return id;
    }, cancel);

    public Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default) => RunAsync(StoreOperation.UploadPart, () =>
    {
        var etag = Guid.NewGuid().ToString("N");
        Pending(upload).Parts[number] = (etag, body.ToArray());
        return etag;
    }, cancel);

    public Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default) => RunAsync(StoreOperation.CompleteMultipartUpload, () =>
    {
        var pending = Pending(upload);
        if (parts.FirstOrDefault(part => pending.Parts.GetValueOrDefault(part.Number).ETag != part.ETag) is { } unknown)
            throw new StoreException(StoreError.Rejected, $"{Name}: {upload.Key}: part {unknown.Number} never arrived");
        shelf.Uploads.Remove(upload.Id);
        return Put(upload.Key, [.. parts.SelectMany(part => pending.Parts[part.Number].Bytes)], pending.Headers);
    }, cancel);

    public Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) => RunAsync(StoreOperation.AbortMultipartUpload, () => shelf.Uploads.Remove(upload.Id), cancel);

    public Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) => RunAsync<IReadOnlyList<UploadedPart>>(StoreOperation.ListParts, () =>
        shelf.Uploads.TryGetValue(upload.Id, out var pending) ? [.. pending.Parts.Select(part => new UploadedPart(part.Key, part.Value.ETag, part.Value.Bytes.Length))] : [], cancel);

    // All are one page.
    public Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) => RunAsync(StoreOperation.ListMultipartUploads, () => new UploadPage(
        [.. shelf.Uploads.Where(upload => upload.Value.Key.StartsWith(root.Prefix + prefix, StringComparison.Ordinal)).OrderBy(upload => upload.Value.Key, StringComparer.Ordinal)
            .Select(upload => new PendingUpload(new UploadId(upload.Value.Key[root.Prefix.Length..], upload.Key), upload.Value.Started))],
        Next: null), cancel);

    private ToyObject? Find(string key) => shelf.Objects.GetValueOrDefault(root.Prefix + key);

    private string Put(string key, byte[] bytes, ObjectHeaders headers) =>
        (shelf.Objects[root.Prefix + key] = new ToyObject(bytes, headers, TimeProvider.System.GetUtcNow())).ETag;

    private ToyUpload Pending(UploadId upload) => shelf.Uploads.GetValueOrDefault(upload.Id)
        ?? throw new StoreException(StoreError.NoSuchUpload, $"{Name}: {upload.Key}: there is no such upload");

    // Off the caller's thread, as a request would be.
    private Task<T> RunAsync<T>(StoreOperation operation, Func<T> work, CancellationToken cancel)
    {
        meter.Count(operation);
        return Task.Run(() =>
        {
            lock (shelf.Lock)
                return work();
        }, cancel);
    }
}
