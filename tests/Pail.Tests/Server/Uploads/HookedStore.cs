using System.Buffers;
using Pail.Stores;

namespace Pail.Tests.Server.Uploads;

/// <summary>A request to a <see cref="HookedStore"/>.</summary>
internal sealed record HookedCall(StoreOperation Operation, string Key);

/// <summary>A store that passes all on to another, and lets a test look or fail before and after each request.</summary>
internal sealed class HookedStore(IObjectStore inner) : IObjectStore, IServerSideCopy
{
    private readonly IServerSideCopy _copier = (IServerSideCopy)inner;

    /// <summary>Runs before a request is made; what it throws is the answer.</summary>
    public Func<HookedCall, Task> Before { get; set; } = _ => Task.CompletedTask;

    /// <summary>Runs after a request took effect; what it throws is the answer.</summary>
    public Func<HookedCall, Task> After { get; set; } = _ => Task.CompletedTask;

    /// <summary>As Cloudflare R2 does; what is not so is refused.</summary>
    public bool WantsEqualParts { get; init; }

    public string Name => inner.Name;

    public Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.HeadObject, key, () => inner.HeadAsync(key, cancel));

    public Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.GetObject, key, () => inner.GetAsync(key, range, cancel));

    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.PutObject, key, () => inner.PutAsync(key, body, headers, condition, cancel));

    public Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.ListObjects, query.Prefix, () => inner.ListAsync(query, cancel));

    public Task DeleteAsync(string key, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.DeleteObject, key, () => Done(inner.DeleteAsync(key, cancel)));

    public Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.CreateMultipartUpload, key, () => inner.CreateUploadAsync(key, headers, cancel));

    public Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.UploadPart, upload.Key, () => inner.UploadPartAsync(upload, number, offset, body, cancel));

    public Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default) =>
        WantsEqualParts && parts.SkipLast(1).Any(part => part.Size != parts[0].Size)
            ? throw new StoreException(StoreError.Rejected, "All non-trailing parts must have the same length.")
            : RunAsync(StoreOperation.CompleteMultipartUpload, upload.Key, () => inner.CompleteUploadAsync(upload, parts, cancel));

    public Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.AbortMultipartUpload, upload.Key, () => Done(inner.AbortUploadAsync(upload, cancel)));

    public Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.ListParts, upload.Key, () => inner.ListPartsAsync(upload, cancel));

    public Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.ListMultipartUploads, prefix, () => inner.ListUploadsAsync(prefix, after, cancel));

    public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.CopyObject, to, () => _copier.CopyAsync(from, to, headers, cancel));

    public Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default) =>
        RunAsync(StoreOperation.UploadPartCopy, upload.Key, () => _copier.CopyPartAsync(from, range, upload, number, offset, cancel));

    private async Task<T> RunAsync<T>(StoreOperation operation, string key, Func<Task<T>> request)
    {
        var call = new HookedCall(operation, key);
        await Before(call);
        var result = await request();
        await After(call);
        return result;
    }

    private static async Task<bool> Done(Task task)
    {
        await task;
        return true;
    }
}
