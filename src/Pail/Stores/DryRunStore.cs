using System.Buffers;
using System.Collections.Concurrent;

namespace Pail.Stores;

/// <summary>
/// Counts writes instead of making them, and remembers them: later reads find what would have been written, and are counted
/// too. All other reads are made. What runs over it is what would run without it.
/// </summary>
/// <remarks>Conditions are taken to hold unless what was remembered says otherwise. Of blobs only the size is kept (<see cref="KeepsBytes"/>).</remarks>
/// <param name="inner">The store that is read.</param>
/// <param name="meter">Counts the writes.</param>
internal sealed class DryRunStore(IObjectStore inner, RequestMeter meter) : StoreLayer(inner), IServerSideCopy, ICopiesBetweenBuckets
{
    // Null for what was deleted.
    private readonly ConcurrentDictionary<string, Written?> _written = new();
    private readonly ConcurrentDictionary<UploadId, ObjectHeaders> _uploads = new();
    private readonly ConcurrentDictionary<string, string> _pageEnds = new();
    private int _names;

    /// <inheritdoc/>
    public override bool KeepsBytes => false;

    /// <inheritdoc/>
    public override StoreAbilities Abilities => Inner.Abilities with
    {
        Copy = Inner.Abilities.Copy is null ? null : this,
        CopyBetween = Inner.Abilities.CopyBetween is null ? null : this,
        Admin = null,
        Fences = Inner.Abilities.Fences is { } fences ? new OpenFences(this, fences) : null,
    };

    /// <inheritdoc/>
    public override async Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default)
    {
        if (!_written.TryGetValue(key, out var written))
            return await Inner.HeadAsync(key, cancel);
        // A source is asked, and counted, by its own store.
        if (written?.Source is null)
            Count(StoreOperation.HeadObject);
        if (written is not { Source: var (store, source) })
            return written?.Info;
        return await store.HeadAsync(source, cancel) is { } info ? written.Info with { Size = info.Size } : null;
    }

    /// <inheritdoc/>
    public override async Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default)
    {
        if (!_written.TryGetValue(key, out var written))
            return await Inner.GetAsync(key, range, cancel);
        if (written?.Source is var (store, source))
            return await store.GetAsync(source, range, cancel);
        Count(StoreOperation.GetObject);
        if (written is null)
            return null;
        if (written.Bytes is not { } bytes)
            throw new StoreException(StoreError.Rejected, $"{Name}: {key} would be written by this dry run, which does not keep its bytes.");
        var first = (int)(range?.First ?? 0);
        var length = (int)Math.Min(range?.Last + 1 ?? bytes.Length, bytes.Length) - first;
        return new(written.Info, new MemoryStream(bytes, first, length, writable: false), length);
    }

    /// <inheritdoc/>
    public override Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default)
    {
        Count(StoreOperation.PutObject);
        if (_written.TryGetValue(key, out var there) && ((condition.Absent && there is not null) || (condition.ETag is { } etag && etag != there?.Info.ETag)))
            return Task.FromResult<string?>(null);
        return Task.FromResult<string?>(Remember(key, body.Length, headers, Blank.IsOne(body) ? null : body.ToArray()).ETag);
    }

    /// <inheritdoc/>
    public override async Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default)
    {
        var page = await Inner.ListAsync(query, cancel);
        // What was remembered for this page: after where it begins, up to where it ends.
        var from = query.Continuation is { } token ? _pageEnds.GetValueOrDefault(token) : query.StartAfter;
        var last = page.Continuation is null ? null : page.Objects.Select(item => item.Key).Concat(page.Prefixes).Max(KeyOrder.Comparer);
        if (page.Continuation is { } next)
            _pageEnds[next] = last ?? from ?? "";
        bool IsHere(string key) => key.StartsWith(query.Prefix, StringComparison.Ordinal)
            && (from is null || KeyOrder.Comparer.Compare(key, from) > 0) && (last is null || KeyOrder.Comparer.Compare(key, last) <= 0);
        var objects = page.Objects.Where(item => !_written.ContainsKey(item.Key)).ToList();
        var prefixes = page.Prefixes.ToHashSet();
        foreach (var (key, written) in _written.Where(pair => pair.Value is not null && IsHere(pair.Key)))
            if (query.Delimiter is { Length: > 0 } delimiter && key.IndexOf(delimiter, query.Prefix.Length, StringComparison.Ordinal) is var at and >= 0)
                prefixes.Add(key[..(at + delimiter.Length)]);
            else
                objects.Add(new(key, written!.Info.Size, written.Info.ETag, written.Info.Modified));
        return new([.. objects.OrderBy(item => item.Key, KeyOrder.Comparer)], [.. prefixes.Order(KeyOrder.Comparer)], page.Continuation);
    }

    /// <inheritdoc/>
    public override Task DeleteAsync(string key, CancellationToken cancel = default)
    {
        Count(StoreOperation.DeleteObject);
        _written[key] = null;
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default)
    {
        Count(StoreOperation.CreateMultipartUpload);
        var id = NewName();
        _uploads[new(key, id)] = headers;
        return Task.FromResult(id);
    }

    /// <inheritdoc/>
    public override Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default)
    {
        Count(StoreOperation.UploadPart);
        return Task.FromResult(NewName());
    }

    /// <inheritdoc/>
    public override Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default)
    {
        Count(StoreOperation.CompleteMultipartUpload);
        return _uploads.TryRemove(upload, out var headers)
            ? Task.FromResult(Remember(upload.Key, parts.Sum(part => part.Size), headers, null).ETag)
            : throw new StoreException(StoreError.NoSuchUpload, $"{Name}: {upload.Key} is not being uploaded.");
    }

    /// <inheritdoc/>
    public override Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default)
    {
        Count(StoreOperation.AbortMultipartUpload);
        _uploads.TryRemove(upload, out _);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) => Task.FromResult<IReadOnlyList<UploadedPart>>([]);

    /// <inheritdoc/>
    public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default)
    {
        Count(StoreOperation.CopyObject);
        if (_written.TryGetValue(from, out var source) && source is null)
            return Task.FromResult(false);
        Remember(to, 0, headers, null, (this, from));
        return Task.FromResult(true);
    }

    /// <inheritdoc/>
    public Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default)
    {
        Count(StoreOperation.UploadPartCopy);
        return Task.FromResult<string?>(_written.TryGetValue(from, out var source) && source is null ? null : NewName());
    }

    /// <inheritdoc/>
    public async Task<IServerSideCopy?> CopierFromAsync(IObjectStore other, CancellationToken cancel = default) =>
        await Inner.Abilities.CopyBetween!.CopierFromAsync(other, cancel) is null ? null : new FromOther(this, other);

    private ObjectInfo Remember(string key, long size, ObjectHeaders headers, byte[]? bytes, (IObjectStore Store, string Key)? source = null)
    {
        var info = new ObjectInfo(size, NewName(), TimeProvider.System.GetUtcNow(), headers.ContentType) { CacheControl = headers.CacheControl, Metadata = headers.Metadata };
        _written[key] = new(info, bytes, source);
        return info;
    }

    private void Count(StoreOperation operation) => meter.Count(operation);

    private string NewName() => $"dry-run-{Interlocked.Increment(ref _names)}";

    private sealed record Written(ObjectInfo Info, byte[]? Bytes, (IObjectStore Store, string Key)? Source);

    // The caller has asked whether the source is there, and in what size.
    private sealed class FromOther(DryRunStore store, IObjectStore other) : IServerSideCopy
    {
        public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default)
        {
            store.Count(StoreOperation.CopyObject);
            store.Remember(to, 0, headers, null, (other, from));
            return Task.FromResult(true);
        }

        public Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default)
        {
            store.Count(StoreOperation.UploadPartCopy);
            return Task.FromResult<string?>(store.NewName());
        }
    }
}
