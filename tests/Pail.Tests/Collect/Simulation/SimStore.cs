using System.Buffers;
using Pail.Stores;

namespace Pail.Tests.Collect.Simulation;

/// <summary>The bucket as one process sees it: each request waits until the scheduler lets it take effect.</summary>
internal sealed class SimStore(Scheduler scheduler, SimBucket bucket, string actor, bool conditions) : IObjectStore, IFencedWrites
{
    // So small that lists are read while they change.
    private const int Page = 4;

    public string Name => "sim:";

    public DateTimeOffset? Now => bucket.Time.GetUtcNow();

    public bool CanStayOpen => true;

    public Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default) => AskAsync("HEAD", key, () => bucket.Objects.GetValueOrDefault(key)?.Info);

    public Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default) => AskAsync("GET", key, () =>
        bucket.Objects.GetValueOrDefault(key) is { } found ? new ObjectContent(found.Info, new MemoryStream(found.Bytes), found.Bytes.Length) : null);

    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) => PutAsync(key, body, headers, condition, null);

    public Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) => AskAsync("LIST", query.Prefix, () =>
    {
        var after = query.Continuation ?? query.StartAfter ?? "";
        List<ObjectEntry> entries = [];
        List<string> prefixes = [];
        string? last = null;
        foreach (var (key, value) in bucket.Objects)
        {
            if (!key.StartsWith(query.Prefix, StringComparison.Ordinal) || string.CompareOrdinal(key, after) <= 0)
                continue;
            var cut = query.Delimiter is { } delimiter ? key.IndexOf(delimiter, query.Prefix.Length, StringComparison.Ordinal) : -1;
            var prefix = cut >= 0 ? key[..(cut + query.Delimiter!.Length)] : null;
            if (prefix is not null && (after.StartsWith(prefix, StringComparison.Ordinal) || prefixes.Contains(prefix)))
                continue;
            if (entries.Count + prefixes.Count == Page)
                return new ListPage(entries, prefixes, last);
            if (prefix is null)
                entries.Add(new(key, value.Bytes.Length, value.ETag, value.Modified));
            else
                prefixes.Add(prefix);
            last = prefix is null ? key : prefix + '\uffff';
        }
        return new ListPage(entries, prefixes, null);
    });

    public Task DeleteAsync(string key, CancellationToken cancel = default) => DeleteAsync([key], null);

    public Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) => throw new NotSupportedException();

    public Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) => Task.FromResult(new UploadPage([], null));

    public Task<IWriteFence> OpenFenceAsync(TimeSpan life, CancellationToken cancel = default) => Task.FromResult<IWriteFence>(new Fence(this, bucket.Time.Elapsed + life));

    public Task SettleAsync(TimeSpan time, CancellationToken cancel = default) => Task.Delay(time, bucket.Time, cancel);

    private Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, TimeSpan? until)
    {
        var bytes = body.ToArray();
        return scheduler.AskAsync(actor, "PUT", key, until, () => bucket.Put(key, bytes, headers, condition, conditions));
    }

    private async Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, TimeSpan? until)
    {
        // One after the other: of a batch, each takes effect at a time of its own.
        foreach (var key in keys)
            await scheduler.AskAsync(actor, "DELETE", key, until, () => bucket.Objects.Remove(key));
        return [];
    }

    private Task<T> AskAsync<T>(string operation, string key, Func<T> answer) => scheduler.AskAsync(actor, operation, key, null, answer);

    private sealed class Fence(SimStore store, TimeSpan until) : IWriteFence
    {
        public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) => store.PutAsync(key, body, headers, condition, until);

        public Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancel = default) => store.DeleteAsync(keys, until);

        public void Dispose()
        {
        }
    }
}
