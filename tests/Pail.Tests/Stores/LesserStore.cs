using System.Buffers;
using System.Text;
using Pail.Stores;

namespace Pail.Tests.Stores;

/// <summary>What a store lacks of what AWS has.</summary>
[Flags]
internal enum Lack
{
    None = 0,
    OtherDelimiters = 1,
    DelimitersThatAdvance = 2,
    Copies = 4,
    PartCopies = 8,
    Conditions = 16,
    ConditionsAtAll = 32,
    ETags = 64,
    LastingETags = 128,
    KeysThatEndInASlash = 256,
    Listing = 512,
    UnequalParts = 1024,
    EqualETags = 2048,
}

/// <summary>
/// A store over another one that does without what it lacks, as the documentation of the store it stands for says:
/// conditions are ignored, or refused; delimiters refused, or answered with a list that does not advance.
/// </summary>
internal sealed class LesserStore(IObjectStore inner, Lack lack) : IObjectStore, IServerSideCopy
{
    private readonly IServerSideCopy _copier = (IServerSideCopy)inner;

    /// <summary>MinIO on a file system. Sources: minio/minio#8618; docs.min.io, "S3 API Compatibility".</summary>
    public const Lack MinIO = Lack.DelimitersThatAdvance | Lack.KeysThatEndInASlash;

    /// <summary>Cloudflare R2. Source: developers.cloudflare.com/r2/api/s3/api, "Implemented object-level operations"; /r2/objects/multipart-objects.</summary>
    public const Lack R2 = Lack.UnequalParts;

    /// <summary>Backblaze B2, whose documentation names no condition. Source: backblaze.com/docs/cloud-storage-call-the-s3-compatible-api.</summary>
    public const Lack B2 = Lack.Conditions;

    /// <summary>A store that takes objects and gives them back. Sources: docs.lakefs.io, "S3 Supported API" (one delimiter, no conditions); the rest is the least that issues of such stores report.</summary>
    public const Lack BareMinimum = Lack.OtherDelimiters | Lack.Copies | Lack.PartCopies | Lack.Conditions | Lack.ETags | Lack.KeysThatEndInASlash;

    public string Name => inner.Name;

    public bool WantsEqualParts => Lacks(Lack.UnequalParts);

    /// <summary>How often it was asked for what it lacks.</summary>
    public int Refused { get; private set; }

    public async Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default) => await inner.HeadAsync(key, cancel) is { } info ? Tell(key, info) : null;

    public async Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default) =>
        await inner.GetAsync(key, range, cancel) is { } content ? new(Tell(key, content.Info), content.Body, content.Length) : null;

    public async Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default)
    {
        if (Lacks(Lack.KeysThatEndInASlash) && key.EndsWith('/'))
            throw Refuse(StoreError.Rejected, "XMinioInvalidObjectName");
        if (Lacks(Lack.ConditionsAtAll) && condition != PutCondition.None)
            throw Refuse(StoreError.ConditionUnsupported, "NotImplemented");
        if (Lacks(Lack.EqualETags) && condition.ETag is { } stated)
            condition = PutCondition.IfMatch(stated.Replace(Own(key), "", StringComparison.Ordinal));
        var etag = await inner.PutAsync(key, body, headers, Lacks(Lack.Conditions) ? PutCondition.None : condition, cancel);
        return etag is null ? null : Tell(key, etag);
    }

    public async Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default)
    {
        if (Lacks(Lack.Listing))
            throw Refuse(StoreError.AccessDenied, "AccessDenied");
        if (query.Delimiter is null or "/")
            return await inner.ListAsync(query, cancel);
        if (Lacks(Lack.OtherDelimiters))
            throw Refuse(StoreError.Unsupported, "NotImplemented");
        if (!Lacks(Lack.DelimitersThatAdvance))
            return await inner.ListAsync(query, cancel);
        var page = await inner.ListAsync(query with { Continuation = null }, cancel);
        return page.Continuation is null ? page : page with { Continuation = "always the same" };
    }

    public Task DeleteAsync(string key, CancellationToken cancel = default) => inner.DeleteAsync(key, cancel);

    public Task<string> CreateUploadAsync(string key, ObjectHeaders headers, CancellationToken cancel = default) => inner.CreateUploadAsync(key, headers, cancel);

    public Task<string> UploadPartAsync(UploadId upload, int number, long offset, ReadOnlySequence<byte> body, CancellationToken cancel = default) => inner.UploadPartAsync(upload, number, offset, body, cancel);

    public Task<string> CompleteUploadAsync(UploadId upload, IReadOnlyList<UploadedPart> parts, CancellationToken cancel = default) =>
        WantsEqualParts && parts.SkipLast(1).Any(part => part.Size != parts[0].Size)
            ? throw Refuse(StoreError.Rejected, "InvalidPart")
            : inner.CompleteUploadAsync(upload, parts, cancel);

    public Task AbortUploadAsync(UploadId upload, CancellationToken cancel = default) => inner.AbortUploadAsync(upload, cancel);

    public Task<IReadOnlyList<UploadedPart>> ListPartsAsync(UploadId upload, CancellationToken cancel = default) => inner.ListPartsAsync(upload, cancel);

    public Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) => inner.ListUploadsAsync(prefix, after, cancel);

    public Task<bool> CopyAsync(string from, string to, ObjectHeaders headers, CancellationToken cancel = default) =>
        Lacks(Lack.Copies) ? throw Refuse(StoreError.Unsupported, "NotImplemented") : _copier.CopyAsync(from, to, headers, cancel);

    public Task<string?> CopyPartAsync(string from, ByteRange range, UploadId upload, int number, long offset, CancellationToken cancel = default) =>
        Lacks(Lack.PartCopies) ? throw Refuse(StoreError.Unsupported, "NotImplemented") : _copier.CopyPartAsync(from, range, upload, number, offset, cancel);

    private bool Lacks(Lack what) => lack.HasFlag(what);

    private ObjectInfo Tell(string key, ObjectInfo info) => info with { ETag = Tell(key, info.ETag) };

    // One that changes on the way never matches again. With SSE-KMS, SSE-C and stores that encrypt by themselves, equal content has another ETag under each key.
    private string Tell(string key, string etag) => Lacks(Lack.ETags) ? "" : Lacks(Lack.LastingETags) ? etag + "-transformed" : Lacks(Lack.EqualETags) ? etag + Own(key) : etag;

    private static string Own(string key) => $"-{Convert.ToHexStringLower(Encoding.UTF8.GetBytes(key))}";

    private StoreException Refuse(StoreError error, string code)
    {
        Refused++;
        return new(error, $"{Name}: refused ({code})");
    }
}
