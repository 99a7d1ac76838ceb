using Amazon.S3;
using Amazon.S3.Model;
using Pail.Stores;
using ByteRange = Pail.Stores.ByteRange;

namespace Pail.S3;

// Copies inside the store, and addresses for others to use.
public sealed partial class S3Store
{
    /// <inheritdoc/>
    public async Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel)
    {
        var request = new CopyObjectRequest
        {
            SourceBucket = _bucket,
            SourceKey = _prefix + from,
            DestinationBucket = _bucket,
            DestinationKey = _prefix + to,
            MetadataDirective = S3MetadataDirective.REPLACE,
            ContentType = headers.ContentType,
        };
        Describe(headers, request.Headers, request.Metadata);
        if (StorageClass(headers) is { } storageClass)
            request.StorageClass = storageClass;
        return await UnlessMissingAsync(ControlAsync(StoreOperation.CopyObject, to, token => _connection.Client.CopyObjectAsync(request, token), cancel));
    }

    /// <inheritdoc/>
    public async Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel)
    {
        var request = new CopyPartRequest
        {
            SourceBucket = _bucket,
            SourceKey = _prefix + from,
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
}
