using System.Buffers;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Tests.Transfer;

/// <summary>A request to a <see cref="MemoryStore"/>, for faults to choose by.</summary>
/// <param name="Operation">Which.</param>
/// <param name="Key">The key.</param>
/// <param name="Number">How many of this operation there were, this one included.</param>
/// <param name="Part">The part's number, if it is one.</param>
/// <param name="Range">The range asked for, if any.</param>
internal sealed record StoreCall(StoreOperation Operation, string Key, int Number, int Part = 0, ByteRange? Range = null);

/// <summary>A bucket in memory that fails when told to.</summary>
internal sealed class MemoryStore : IObjectStore, IServerSideCopy
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (byte[] Bytes, ObjectHeaders Headers, string ETag)> _objects = [];
    private readonly Dictionary<UploadId, Upload> _uploads = [];
    private readonly Dictionary<StoreOperation, int> _calls = [];
    private int _atOnce;
    private int _names;

    /// <summary>Called before a request takes effect; what it throws is the answer.</summary>
    public Func<StoreCall, CancellationToken, Task> Before { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Called after a request took effect; what it throws is the answer.</summary>
    public Func<StoreCall, CancellationToken, Task> After { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Replaces the body of a GET.</summary>
    public Func<StoreCall, Stream, Stream> Body { get; set; } = (_, body) => body;

    public TimeProvider Time { get; set; } = TimeProvider.System;

    public string Name => "memory:";

    /// <summary>The most part requests that ran at the same time.</summary>
    public int MostAtOnce { get; private set; }

    public List<StoreCall> Log { get; } = [];

    public int PendingUploads
    {
        get
        {
            lock (_lock)
                return _uploads.Count;
        }
    }

    public int Count(StoreOperation operation)
    {
        lock (_lock)
            return _calls.GetValueOrDefault(operation);
    }

    public byte[]? Find(string key)
    {
        lock (_lock)
            return _objects.TryGetValue(key, out var found) ? found.Bytes : null;
    }

    public ObjectHeaders HeadersOf(string key)
    {
        lock (_lock)
            return _objects[key].Headers;
    }

    public void Set(string key, byte[] bytes)
    {
        lock (_lock)
            _objects[key] = (bytes, new ObjectHeaders(MediaTypes.OctetStream), $"etag-{++_names}");
    }

    public void DropUploads()
    {
        lock (_lock)
            _uploads.Clear();
    }

    public Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default) => RunAsync(Call(StoreOperation.HeadObject, key), () => InfoOf(key), cancel);

    public Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default)
    {
        var call = Call(StoreOperation.GetObject, key, range: range);
        return RunAsync(call, () =>
        {
            if (InfoOf(key) is not { } info)
                return null;
            var first = range?.First ?? 0;
            if (range is not null && first >= info.Size)
                throw new StoreException(StoreError.RangeNotSatisfiable, "416");
            var length = Math.Min(range?.Last + 1 ?? info.Size, info.Size) - first;
            var body = new MemoryStream(_objects[key].Bytes, (int)first, (int)length, writable: false);
            return new ObjectContent(info, Body(call, body), length);
        }, cancel);
    }

    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
        RunAsync(Call(StoreOperation.PutObject, key), () =>
        {
            var etag = $"etag-{++_names}";
            _objects[key] = (body.ToArray(), headers, etag);
            return (string?)etag;
        }, cancel);

    public Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task DeleteAsync(string key, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default) =>
        RunAsync(Call(StoreOperation.CreateMultipartUpload, key), () =>
        {
            var id = $"upload-{++_names}";
            _uploads[new(key, id)] = new(headers, Time.GetUtcNow(), []);
            return id;
        }, cancel);

    public async Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default)
    {
        lock (_lock)
            MostAtOnce = Math.Max(MostAtOnce, ++_atOnce);
        try
        {
            return await RunAsync(Call(StoreOperation.UploadPart, upload.Key, number), () =>
            {
                var etag = $"part-{++_names}";
                Of(upload).Parts[number] = (etag, offset, body.ToArray());
                return etag;
            }, cancel);
        }
        finally
        {
            lock (_lock)
                _atOnce--;
        }
    }

    public Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default) =>
        RunAsync(Call(StoreOperation.CompleteMultipartUpload, upload.Key), () =>
        {
            var pending = Of(upload);
            using var whole = new MemoryStream();
            var offset = 0L;
            foreach (var part in parts)
            {
                var there = pending.Parts[part.Number];
                Assert.Equal((there.ETag, there.Bytes.LongLength, there.Offset), (part.ETag, part.Size, offset));
                whole.Write(there.Bytes);
                offset += part.Size;
            }
            Assert.Equal(Enumerable.Range(1, parts.Count), parts.Select(part => part.Number));
            var etag = $"etag-{++_names}-{parts.Count}";
            _objects[upload.Key] = (whole.ToArray(), pending.Headers, etag);
            _uploads.Remove(upload);
            return etag;
        }, cancel);

    public Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) =>
        RunAsync(Call(StoreOperation.AbortMultipartUpload, upload.Key), () => _uploads.Remove(upload), cancel);

    public Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) =>
        RunAsync(Call(StoreOperation.ListParts, upload.Key), () => (IReadOnlyList<UploadedPart>)(_uploads.TryGetValue(upload, out var there)
            ? [.. there.Parts.Select(part => new UploadedPart(part.Key, part.Value.ETag, part.Value.Bytes.Length))]
            : []), cancel);

    public Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) =>
        RunAsync(Call(StoreOperation.ListMultipartUploads, prefix), () => new UploadPage(
            [.. _uploads.Where(upload => upload.Key.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(upload => new PendingUpload(upload.Key, upload.Value.Started))], null), cancel);

    public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default) =>
        RunAsync(Call(StoreOperation.CopyObject, to), () =>
        {
            if (_objects.TryGetValue(from, out var source))
                _objects[to] = (source.Bytes, headers, source.ETag);
            return source.Bytes is not null;
        }, cancel);

    public Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default) =>
        RunAsync(Call(StoreOperation.UploadPartCopy, upload.Key, number, range), () =>
        {
            if (!_objects.TryGetValue(from, out var source))
                return null;
            var etag = $"part-{++_names}";
            Of(upload).Parts[number] = (etag, offset, source.Bytes[(int)range.First..(int)(range.Last!.Value + 1)]);
            return (string?)etag;
        }, cancel);

    /// <summary>Lets a part arrive as if its request had been under way all the time.</summary>
    public void PutLatePart(string key)
    {
        lock (_lock)
            _uploads[new(key, "upload-1")] = new(new ObjectHeaders(MediaTypes.OctetStream), Time.GetUtcNow(), new() { [1] = ("late", 0, [1]) });
    }

    private StoreCall Call(StoreOperation operation, string key, int part = 0, ByteRange? range = null)
    {
        lock (_lock)
        {
            var call = new StoreCall(operation, key, _calls[operation] = _calls.GetValueOrDefault(operation) + 1, part, range);
            Log.Add(call);
            return call;
        }
    }

    private async Task<T> RunAsync<T>(StoreCall call, Func<T> effect, CancellationToken cancel)
    {
        await Task.Yield();
        cancel.ThrowIfCancellationRequested();
        await Before(call, cancel);
        T result;
        lock (_lock)
            result = effect();
        await After(call, cancel);
        return result;
    }

    private ObjectInfo? InfoOf(string key) => _objects.TryGetValue(key, out var found)
        ? new ObjectInfo(found.Bytes.Length, found.ETag, DateTimeOffset.UnixEpoch, found.Headers.ContentType)
        : null;

    private Upload Of(UploadId upload) => _uploads.TryGetValue(upload, out var found)
        ? found
        : throw new StoreException(StoreError.NoSuchUpload, $"{upload.Key}: no such upload.");

    private sealed record Upload(ObjectHeaders Headers, DateTimeOffset Started, SortedDictionary<int, (string ETag, long Offset, byte[] Bytes)> Parts);
}
