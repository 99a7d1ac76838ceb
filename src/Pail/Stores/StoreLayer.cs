using System.Buffers;

namespace Pail.Stores;

/// <summary>A store over another one. Passes everything on; a layer overrides what it changes.</summary>
/// <param name="inner">The store under it.</param>
public abstract class StoreLayer(IObjectStore inner) : IObjectStore
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
    public virtual Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel) => inner.HeadAsync(key, cancel);

    /// <inheritdoc/>
    public virtual Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel) => inner.GetAsync(key, range, cancel);

    /// <inheritdoc/>
    public virtual Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel) =>
        inner.PutAsync(key, body, headers, condition, cancel);

    /// <inheritdoc/>
    public virtual Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel) => inner.ListAsync(query, cancel);

    /// <inheritdoc/>
    public virtual Task DeleteAsync(string key, CancellationToken cancel) => inner.DeleteAsync(key, cancel);

    /// <inheritdoc/>
    public virtual Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel) => inner.CreateUploadAsync(key, headers, cancel);

    /// <inheritdoc/>
    public virtual Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel) =>
        inner.UploadPartAsync(upload, number, offset, body, cancel);

    /// <inheritdoc/>
    public virtual Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel) => inner.CompleteUploadAsync(upload, parts, cancel);

    /// <inheritdoc/>
    public virtual Task AbortUploadAsync(UploadId upload, CancellationToken cancel) => inner.AbortUploadAsync(upload, cancel);

    /// <inheritdoc/>
    public virtual Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel) => inner.ListPartsAsync(upload, cancel);

    /// <inheritdoc/>
    public virtual Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel) => inner.ListUploadsAsync(prefix, after, cancel);
}
