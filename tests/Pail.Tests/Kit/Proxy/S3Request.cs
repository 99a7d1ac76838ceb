using Pail.Stores;

namespace Pail.Tests.Kit.Proxy;

/// <summary>A request an S3 client made, addressed in path style.</summary>
internal sealed class S3Request
{
    public S3Request(HttpHead head)
    {
        var words = head.FirstLine.Split(' ');
        Method = words[0];
        var parts = words[1].Split('?', 2);
        var path = parts[0].TrimStart('/').Split('/', 2);
        Bucket = path[0];
        Key = path.Length == 2 ? Uri.UnescapeDataString(path[1]) : "";
        Query = parts.Length == 2 ? parts[1] : "";
        Range = head["Range"];
        Operation = OperationOf(head["x-amz-copy-source"] is not null);
    }

    public string Method { get; }

    public string Bucket { get; }

    /// <summary>The object's key; empty for a request on the bucket.</summary>
    public string Key { get; }

    public string Query { get; }

    /// <summary>The bytes asked for, as <c>bytes=0-99</c>; null for all.</summary>
    public string? Range { get; }

    /// <summary>What S3 calls it. HeadBucket, DeleteBucket and what else Pail never bills itself for are null.</summary>
    public StoreOperation? Operation { get; }

    /// <summary>PUT, COPY, POST and LIST.</summary>
    public bool IsClassA => !IsClassB && Method != "DELETE";

    /// <summary>GET and HEAD, but for lists.</summary>
    public bool IsClassB => Method == "HEAD" || Operation == StoreOperation.GetObject;

    /// <summary>The status answered; null if none was.</summary>
    public int? Status { get; set; }

    public override string ToString() => $"{Method} /{Bucket}/{Key}{(Query.Length > 0 ? "?" : "")}{Query} {Status?.ToString() ?? "-"}";

    private StoreOperation? OperationOf(bool copies) => Method switch
    {
        "HEAD" when Key.Length > 0 => StoreOperation.HeadObject,
        "GET" when Has("uploadId") => StoreOperation.ListParts,
        "GET" when Has("uploads") => StoreOperation.ListMultipartUploads,
        "GET" => Key.Length > 0 ? StoreOperation.GetObject : Bucket.Length > 0 ? StoreOperation.ListObjects : StoreOperation.ListBuckets,
        "PUT" when Has("partNumber") => copies ? StoreOperation.UploadPartCopy : StoreOperation.UploadPart,
        "PUT" when Has("policy") => StoreOperation.PutBucketPolicy,
        "PUT" when Key.Length > 0 => copies ? StoreOperation.CopyObject : StoreOperation.PutObject,
        "PUT" => StoreOperation.CreateBucket,
        "POST" when Has("uploads") => StoreOperation.CreateMultipartUpload,
        "POST" when Has("uploadId") => StoreOperation.CompleteMultipartUpload,
        "DELETE" when Has("uploadId") => StoreOperation.AbortMultipartUpload,
        "DELETE" when Key.Length > 0 => StoreOperation.DeleteObject,
        _ => null,
    };

    private bool Has(string parameter) => Query.Split('&').Any(pair => pair.Split('=')[0] == parameter);
}
