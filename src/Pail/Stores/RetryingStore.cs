using System.Buffers;

namespace Pail.Stores;

/// <summary>
/// Makes each request again that failed for a reason that may pass, and reads a body on where its connection broke. The
/// one place where requests to a store are retried.
/// </summary>
internal sealed class RetryingStore : StoreLayer
{
    private readonly Retry _retry;

    private RetryingStore(IObjectStore once, Retry retry)
        : base(once)
    {
        _retry = retry;
        var abilities = once.Abilities;
        Abilities = abilities with
        {
            Copy = abilities.Copy is { } copier ? RetryingCopy.Over(copier, retry) : null,
            CopyBetween = abilities.CopyBetween is { } between ? new RetryingOrigin(between, retry) : null,
            Admin = abilities.Admin is { } admin ? new RetryingAdmin(admin, retry) : null,
            Fences = abilities.Fences is { } fences ? new RetryingFences(fences, retry) : null,
        };
    }

    /// <inheritdoc/>
    public override StoreAbilities Abilities { get; }

    /// <summary>The store whose requests are made once.</summary>
    internal IObjectStore Once => Inner;

    /// <summary>Returns a store that retries, and whose lists advance; the same one if it does so already.</summary>
    public static RetryingStore Over(IObjectStore store, Retry retry) => store as RetryingStore ?? new(new FoldingStore(new AdvancingStore(store)), retry);

    /// <inheritdoc/>
    public override Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default) => _retry.RunAsync(token => Inner.HeadAsync(key, token), cancel);

    /// <inheritdoc/>
    public override Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default) =>
        ResumingBody.OpenAsync((wanted, token) => Inner.GetAsync(key, wanted, token), $"{Name}: {key}", range, _retry, cancel);

    /// <inheritdoc/>
    public override Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
        _retry.RunAsync(token => Inner.PutAsync(key, body, headers, condition, token), cancel);

    /// <inheritdoc/>
    public override Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) => _retry.RunAsync(token => Inner.ListAsync(query, token), cancel);

    /// <inheritdoc/>
    public override Task DeleteAsync(string key, CancellationToken cancel = default) => _retry.RunAsync(token => Inner.DeleteAsync(key, token), cancel);

    /// <inheritdoc/>
    public override async Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default)
    {
        var begun = _retry.Time.GetTimestamp();
        var tries = 0;
        var id = await _retry.RunAsync(
            token =>
            {
                tries++;
                return Inner.CreateUploadAsync(key, headers, token);
            },
            cancel);
        if (tries > 1)
            await RemoveLostAsync(new(key, id), _retry.Time.GetElapsedTime(begun), cancel);
        return id;
    }

    /// <inheritdoc/>
    public override Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default) =>
        _retry.RunAsync(token => Inner.UploadPartAsync(upload, number, offset, body, token), cancel);

    /// <inheritdoc/>
    public override Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default)
    {
        var unsure = false;
        return _retry.RunAsync(
            async token =>
            {
                try
                {
                    return await Inner.CompleteUploadAsync(upload, parts, token);
                }
                catch (StoreException error) when (unsure && !error.IsTransient)
                {
                    // The try before may have worked though its answer was lost: then the upload is gone and the object is there.
                    if (await Inner.HeadAsync(upload.Key, token) is { } there && there.Size == parts.Sum(part => part.Size))
                        return there.ETag;
                    throw;
                }
                finally
                {
                    unsure = true;
                }
            },
            cancel);
    }

    /// <inheritdoc/>
    public override Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) => _retry.RunAsync(token => Inner.AbortUploadAsync(upload, token), cancel);

    /// <inheritdoc/>
    public override Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) =>
        _retry.RunAsync(token => Inner.ListPartsAsync(upload, token), cancel);

    /// <inheritdoc/>
    public override Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) =>
        _retry.RunAsync(token => Inner.ListUploadsAsync(prefix, after, token), cancel);

    // A failed creation may have worked though its answer was lost. Such an upload is one of this key that began while
    // we tried, by the store's clock. Should it be somebody else's, they begin again (see BlobUpload); it has no parts
    // worth more than that, and leaving it costs nothing until it is swept. So whatever fails here is no failure.
    private async Task RemoveLostAsync(UploadId ours, TimeSpan tried, CancellationToken cancel)
    {
        try
        {
            var pending = await Inner.ListUploadsAsync(ours.Key, null, cancel);
            if (pending.Uploads.FirstOrDefault(upload => upload.Upload == ours) is not { } known)
                return;
            foreach (var other in pending.Uploads)
                if (other.Upload.Key == ours.Key && other.Upload != ours && other.Started <= known.Started && known.Started - other.Started <= tried + TimeSpan.FromSeconds(1))
                    await Inner.AbortUploadAsync(other.Upload, cancel);
        }
        catch (Exception error) when (error is StoreException or OperationCanceledException)
        {
        }
    }
}

/// <summary>Makes copies again that failed for a reason that may pass.</summary>
internal sealed class RetryingCopy : IServerSideCopy
{
    private readonly IServerSideCopy _inner;
    private readonly Retry _retry;

    private RetryingCopy(IServerSideCopy inner, Retry retry) => (_inner, _retry) = (inner, retry);

    public static IServerSideCopy Over(IServerSideCopy copier, Retry retry) => copier as RetryingCopy ?? new RetryingCopy(copier, retry);

    public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default) =>
        _retry.RunAsync(token => _inner.CopyAsync(from, to, headers, token), cancel);

    public Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default) =>
        _retry.RunAsync(token => _inner.CopyPartAsync(from, range, upload, number, offset, token), cancel);
}

internal sealed class RetryingOrigin(ICopiesBetweenBuckets inner, Retry retry) : ICopiesBetweenBuckets
{
    public async Task<IServerSideCopy?> CopierFromAsync(IObjectStore other, CancellationToken cancel = default) =>
        await retry.RunAsync(token => inner.CopierFromAsync(other, token), cancel) is { } copier ? RetryingCopy.Over(copier, retry) : null;
}

internal sealed class RetryingAdmin(IBucketAdmin inner, Retry retry) : IBucketAdmin
{
    public Task<bool> CreateBucketAsync(CancellationToken cancel = default) => retry.RunAsync(inner.CreateBucketAsync, cancel);

    public Task<string> AllowAnonymousReadAsync(string prefix, CancellationToken cancel = default) => retry.RunAsync(token => inner.AllowAnonymousReadAsync(prefix, token), cancel);
}
