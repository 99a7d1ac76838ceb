using System.Buffers;
using System.Globalization;
using Amazon.S3;
using Amazon.S3.Model;
using Pail.Oci;
using Pail.Stores;

namespace Pail.S3;

// Uploads in parts.
internal sealed partial class S3Store
{
    /// <inheritdoc/>
    public async Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default)
    {
        var request = new InitiateMultipartUploadRequest { BucketName = _bucket, Key = _prefix + key, ContentType = headers.ContentType };
        Describe(headers, request.Headers, request.Metadata);
        if (StorageClass(headers) is { } storageClass)
            request.StorageClass = storageClass;
        if (_encryption is { } encryption)
            (request.ServerSideEncryptionMethod, request.ServerSideEncryptionKeyManagementServiceKeyId) = (new(encryption.Method), encryption.Key);
        var response = await ControlAsync(StoreOperation.CreateMultipartUpload, key, token => _connection.Client.InitiateMultipartUploadAsync(request, token), cancel);
        return response.UploadId;
    }

    /// <inheritdoc/>
    public async Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default)
    {
        var request = new WireRequest(HttpMethod.Put, PartQuery(upload, number)) { Body = body };
        var (etag, refusal) = await SendBodyAsync(StoreOperation.UploadPart, upload.Key, request, cancel);
        return etag ?? throw _errors.Refused(StoreOperation.UploadPart, upload.Key, refusal);
    }

    /// <inheritdoc/>
    /// <remarks>Tried again after an answer that got lost, the upload is gone because its object is there: that is success.</remarks>
    public async Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default)
    {
        var request = new CompleteMultipartUploadRequest
        {
            BucketName = _bucket,
            Key = _prefix + upload.Key,
            UploadId = upload.Id,
            PartETags = [.. parts.Select(part => new PartETag(part.Number, part.ETag))],
        };
        try
        {
            var response = await ControlAsync(StoreOperation.CompleteMultipartUpload, upload.Key, token => _connection.Client.CompleteMultipartUploadAsync(request, token), cancel);
            return WireHeaders.Unquote(response.ETag);
        }
        catch (StoreException e) when (e.Error == StoreError.NoSuchUpload || Code(e) == "InternalError")
        {
            if (await HeadAsync(upload.Key, cancel) is { } there && IsMadeOf(there, parts))
                return there.ETag;
            // RGW 16 says of an upload that is gone what it says of one being completed: 500. Only its list of parts tells.
            if (e.Error != StoreError.NoSuchUpload && await PartsAsync(upload, cancel) is null)
                throw _errors.Refused(StoreOperation.CompleteMultipartUpload, upload.Key, new Refusal(404, "NoSuchUpload"), e);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default)
    {
        var request = new AbortMultipartUploadRequest { BucketName = _bucket, Key = _prefix + upload.Key, UploadId = upload.Id };
        try
        {
            await ControlAsync(StoreOperation.AbortMultipartUpload, upload.Key, token => _connection.Client.AbortMultipartUploadAsync(request, token), cancel);
        }
        catch (StoreException e) when (e.Error == StoreError.NoSuchUpload)
        {
            // It is gone, as was wanted.
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) => await PartsAsync(upload, cancel) ?? [];

    /// <inheritdoc/>
    public async Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default)
    {
        var request = new ListMultipartUploadsRequest { BucketName = _bucket, Prefix = _prefix + prefix, Encoding = EncodingType.Url };
        if (after is { } last)
            (request.KeyMarker, request.UploadIdMarker) = (_prefix + last.Key, last.Id);
        var page = await ControlAsync(StoreOperation.ListMultipartUploads, prefix, token => _connection.Client.ListMultipartUploadsAsync(request, token), cancel);
        return new(
            [.. (page.MultipartUploads ?? []).Select(upload => new PendingUpload(new UploadId(Relative(upload.Key), upload.UploadId), Utc(upload.Initiated)))],
            page.IsTruncated != true ? null : string.IsNullOrEmpty(page.NextKeyMarker) ? new UploadId("", "") : new UploadId(Relative(page.NextKeyMarker), page.NextUploadIdMarker ?? ""));
    }

    // Null if there is no such upload.
    private async Task<List<UploadedPart>?> PartsAsync(UploadId upload, CancellationToken cancel)
    {
        var parts = new List<UploadedPart>();
        var request = new ListPartsRequest { BucketName = _bucket, Key = _prefix + upload.Key, UploadId = upload.Id };
        ListPartsResponse page;
        do
        {
            try
            {
                page = await ControlAsync(StoreOperation.ListParts, upload.Key, token => _connection.Client.ListPartsAsync(request, token), cancel);
            }
            // NoSuchKey is RGW 16's word for it.
            catch (StoreException e) when (e.Error == StoreError.NoSuchUpload || Code(e) == "NoSuchKey")
            {
                return null;
            }
            parts.AddRange((page.Parts ?? []).Select(part => new UploadedPart(part.PartNumber ?? 0, WireHeaders.Unquote(part.ETag), part.Size ?? 0)));
            var marker = page.NextPartNumberMarker?.ToString(CultureInfo.InvariantCulture);
            if (page.IsTruncated == true && (marker is null || marker == request.PartNumberMarker))
                throw new StoreException(StoreError.Rejected, $"{Name}: the store says that the list of parts of {SafeText.OneLine(upload.Key)} goes on, and not how to ask for the rest of it.");
            request.PartNumberMarker = marker;
        }
        while (page.IsTruncated == true);
        return parts;
    }

    // The ETag of an object that came in parts ends in their number.
    private static bool IsMadeOf(ObjectInfo there, IReadOnlyList<UploadedPart> parts) =>
        there.Size == parts.Sum(part => part.Size) && there.ETag.EndsWith(string.Create(CultureInfo.InvariantCulture, $"-{parts.Count}"), StringComparison.Ordinal);

    private static string PartQuery(UploadId upload, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"?partNumber={number}&uploadId={Uri.EscapeDataString(upload.Id)}");

    private static void Describe(ObjectHeaders headers, HeadersCollection to, MetadataCollection metadata)
    {
        if (headers.CacheControl is { } cacheControl)
            to.CacheControl = cacheControl;
        foreach (var (name, value) in headers.Metadata)
            metadata[name] = value;
    }
}
