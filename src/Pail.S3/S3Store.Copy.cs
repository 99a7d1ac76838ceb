using Amazon.S3;
using Amazon.S3.Model;
using Pail.Stores;
using ByteRange = Pail.Stores.ByteRange;

namespace Pail.S3;

// Copies by the store, and addresses for others to use.
internal sealed partial class S3Store
{
    /// <inheritdoc/>
    public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default) => CopyAsync(this, from, to, headers, cancel);

    /// <inheritdoc/>
    public Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default) =>
        CopyPartAsync(this, from, range, upload, number, cancel);

    /// <inheritdoc/>
    public async Task<IServerSideCopy?> CopierFromAsync(IObjectStore other, CancellationToken cancel = default) =>
        other.Innermost is S3Store source && await _connection.IsSameAsync(source._connection) && (source._bucket == _bucket || await OwnsAsync(source._bucket, cancel))
            ? new FromOther(this, source)
            : null;

    // The list of buckets is that of the caller's own. Who may not see it is not told what is whose.
    private async Task<bool> OwnsAsync(string bucket, CancellationToken cancel)
    {
        try
        {
            var list = await ControlAsync(StoreOperation.ListBuckets, "", token => _connection.Client.ListBucketsAsync(new ListBucketsRequest(), token), cancel);
            return list.Buckets?.Exists(own => own.BucketName == bucket) == true;
        }
        catch (StoreException e) when (e.Error is StoreError.AccessDenied or StoreError.Unsupported or StoreError.Rejected)
        {
            return false;
        }
    }

    private async Task<bool> CopyAsync(S3Store source, string from, string to, ObjectHeaders headers, CancellationToken cancel)
    {
        var request = new CopyObjectRequest
        {
            SourceBucket = source._bucket,
            SourceKey = source._prefix + from,
            DestinationBucket = _bucket,
            DestinationKey = _prefix + to,
            MetadataDirective = S3MetadataDirective.REPLACE,
            ContentType = headers.ContentType,
        };
        Describe(headers, request.Headers, request.Metadata);
        if (StorageClass(headers) is { } storageClass)
            request.StorageClass = storageClass;
        if (_encryption is { } encryption)
            (request.ServerSideEncryptionMethod, request.ServerSideEncryptionKeyManagementServiceKeyId) = (new(encryption.Method), encryption.Key);
        return await UnlessMissingAsync(ControlAsync(StoreOperation.CopyObject, to, token => _connection.Client.CopyObjectAsync(request, token), cancel));
    }

    private async Task<string?> CopyPartAsync(S3Store source, string from, ByteRange range, UploadId upload, int number, CancellationToken cancel)
    {
        var request = new CopyPartRequest
        {
            SourceBucket = source._bucket,
            SourceKey = source._prefix + from,
            FirstByte = range.First,
            LastByte = range.Last ?? throw new ArgumentException("S3 wants to know where a copied range ends.", nameof(range)),
            DestinationBucket = _bucket,
            DestinationKey = _prefix + upload.Key,
            UploadId = upload.Id,
            PartNumber = number,
        };
        var copy = ControlAsync(StoreOperation.UploadPartCopy, upload.Key, token => _connection.Client.CopyPartAsync(request, token), cancel);
        return await UnlessMissingAsync(copy) ? WireHeaders.Unquote((await copy).ETag) : null;
    }

    /// <inheritdoc/>
    public Uri PresignGet(string key, TimeSpan lifetime) => _wire.Presign(HttpMethod.Get, _prefix + key, "", lifetime);

    /// <inheritdoc/>
    public Uri PresignUploadPart(UploadId upload, int number, TimeSpan lifetime) =>
        _wire.Presign(HttpMethod.Put, _prefix + upload.Key, PartQuery(upload, number), lifetime);

    private sealed class FromOther(S3Store store, S3Store source) : IServerSideCopy
    {
        public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default) => store.CopyAsync(source, from, to, headers, cancel);

        public Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default) =>
            store.CopyPartAsync(source, from, range, upload, number, cancel);
    }
}
