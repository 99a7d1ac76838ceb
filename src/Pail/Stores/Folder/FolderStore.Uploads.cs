using System.Buffers;
using Pail.Oci;

namespace Pail.Stores.Folder;

internal sealed partial class FolderStore
{
    /// <summary>True: uploads lie below <c>.pail/</c>, where only this class writes.</summary>
    public bool HasOnlyOwnUploads => true;

    /// <inheritdoc/>
    public Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.CreateMultipartUpload, key, () =>
        {
            _ = FolderPaths.Of(key);
            return _uploads.Create(key, headers);
        }, cancel);

    /// <inheritdoc/>
    public Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.UploadPart, upload.Key, () => _uploads.AddPart(upload, number, offset, body.Length, to => FolderIO.Write(to, body, offset), cancel), cancel);

    /// <inheritdoc/>
    public Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.UploadPartCopy, upload.Key, () =>
        {
            if (_objects.Open(FolderPaths.Of(from)) is not var (source, info))
                return null;
            using (source)
            {
                var (first, last) = (range.First, range.Last ?? info.Size - 1);
                if (first < 0 || first > last || last >= info.Size)
                    throw new StoreException(StoreError.RangeNotSatisfiable, $"{Name}, {SafeText.OneLine(from)}: bytes {first}-{last} are asked for, but it has {info.Size}.");
                var length = last - first + 1;
                return _uploads.AddPart(upload, number, offset, length, to => FolderIO.Copy(source, first, to, offset, length, cancel), cancel);
            }
        }, cancel);

    /// <inheritdoc/>
    public Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.CompleteMultipartUpload, upload.Key, () =>
        {
            var (content, path, etag, suffix) = _uploads.Finish(upload, parts, cancel);
            using (content)
                if (Publish(path, FolderPaths.Of(upload.Key), suffix, PutCondition.None, cancel) is null)
                    throw _uploads.Unknown(upload);
            _uploads.Remove(upload);
            return etag;
        }, cancel);

    /// <inheritdoc/>
    public Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.AbortMultipartUpload, upload.Key, () =>
        {
            _uploads.Remove(upload);
            return true;
        }, cancel);

    /// <inheritdoc/>
    public Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.ListParts, upload.Key, () => _uploads.ListParts(upload), cancel);

    /// <inheritdoc/>
    public Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) =>
        WorkAsync(StoreOperation.ListMultipartUploads, prefix, () => new UploadPage(_uploads.List(prefix), null), cancel);
}
