using System.Buffers;
using Pail.Stores;

namespace Pail.Tests.Care;

/// <summary>A bucket in memory that keeps conditions, and can be copied: whole objects, no uploads in parts.</summary>
internal sealed class CareStore : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, (byte[] Bytes, ObjectInfo Info)> _objects = new(StringComparer.Ordinal);
    private int _names;

    public string Name => "memory:";

    public CareStore Copy()
    {
        var copy = new CareStore { _names = _names };
        lock (_lock)
            foreach (var (key, value) in _objects)
                copy._objects[key] = value;
        return copy;
    }

    public Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default)
    {
        lock (_lock)
            return Task.FromResult(_objects.TryGetValue(key, out var found) ? found.Info : null);
    }

    public Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default)
    {
        lock (_lock)
            return Task.FromResult(_objects.TryGetValue(key, out var found) ? new ObjectContent(found.Info, new MemoryStream(found.Bytes), found.Bytes.Length) : null);
    }

    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default)
    {
        lock (_lock)
        {
            var there = _objects.TryGetValue(key, out var found) ? found.Info.ETag : null;
            if ((condition.Absent && there is not null) || (condition.ETag is { } wanted && wanted != there))
                return Task.FromResult<string?>(null);
            var info = new ObjectInfo(body.Length, $"etag-{++_names}", TimeProvider.System.GetUtcNow(), headers.ContentType) { CacheControl = headers.CacheControl, Metadata = headers.Metadata };
            _objects[key] = (body.ToArray(), info);
            return Task.FromResult<string?>(info.ETag);
        }
    }

    public Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default)
    {
        var (objects, prefixes) = (new List<ObjectEntry>(), new SortedSet<string>(StringComparer.Ordinal));
        lock (_lock)
            foreach (var (key, (_, info)) in _objects.Where(pair => pair.Key.StartsWith(query.Prefix, StringComparison.Ordinal) && string.CompareOrdinal(pair.Key, query.StartAfter) > 0))
                if (query.Delimiter is { } delimiter && key.IndexOf(delimiter, query.Prefix.Length, StringComparison.Ordinal) is var at and >= 0)
                    prefixes.Add(key[..(at + delimiter.Length)]);
                else
                    objects.Add(new(key, info.Size, info.ETag, info.Modified));
        return Task.FromResult(new ListPage(objects, [.. prefixes], null));
    }

    public Task DeleteAsync(string key, CancellationToken cancel = default)
    {
        lock (_lock)
            _objects.Remove(key);
        return Task.CompletedTask;
    }

    public Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) => throw new NotSupportedException();
}
