using System.Buffers;

namespace Pail.Stores;

/// <summary>A store over another one. Passes everything on; a layer overrides what it changes.</summary>
/// <param name="inner">The store under it.</param>
internal abstract class StoreLayer(IObjectStore inner) : IObjectStore
{
    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public IObjectStore Innermost => inner.Innermost;

    /// <inheritdoc/>
    public bool WantsEqualParts => inner.WantsEqualParts;

    /// <inheritdoc/>
    public bool HasOnlyOwnUploads => inner.HasOnlyOwnUploads;

    /// <inheritdoc/>
    public virtual bool KeepsBytes => inner.KeepsBytes;

    /// <inheritdoc/>
    public virtual StoreAbilities Abilities => inner.Abilities;

    /// <summary>The store under it.</summary>
    protected IObjectStore Inner => inner;

    /// <inheritdoc/>
    public virtual Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default) => inner.HeadAsync(key, cancel);

    /// <inheritdoc/>
    public virtual Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default) => inner.GetAsync(key, range, cancel);

    /// <inheritdoc/>
    public virtual Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
        inner.PutAsync(key, body, headers, condition, cancel);

    /// <inheritdoc/>
    public virtual Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) => inner.ListAsync(query, cancel);

    /// <inheritdoc/>
    public virtual Task DeleteAsync(string key, CancellationToken cancel = default) => inner.DeleteAsync(key, cancel);

    /// <inheritdoc/>
    public virtual Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default) => inner.CreateUploadAsync(key, headers, cancel);

    /// <inheritdoc/>
    public virtual Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default) =>
        inner.UploadPartAsync(upload, number, offset, body, cancel);

    /// <inheritdoc/>
    public virtual Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default) => inner.CompleteUploadAsync(upload, parts, cancel);

    /// <inheritdoc/>
    public virtual Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) => inner.AbortUploadAsync(upload, cancel);

    /// <inheritdoc/>
    public virtual Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) => inner.ListPartsAsync(upload, cancel);

    /// <inheritdoc/>
    public virtual Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) => inner.ListUploadsAsync(prefix, after, cancel);
}
