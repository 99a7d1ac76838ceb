using System.Collections.Concurrent;

namespace Pail.Stores;

/// <summary>The S3 requests that are billed, or counted though free.</summary>
public enum StoreOperation
{
    /// <summary>Class A.</summary>
    PutObject,

    /// <summary>Class A.</summary>
    CopyObject,

    /// <summary>Class A.</summary>
    CreateMultipartUpload,

    /// <summary>Class A.</summary>
    UploadPart,

    /// <summary>Class A.</summary>
    UploadPartCopy,

    /// <summary>Class A.</summary>
    CompleteMultipartUpload,

    /// <summary>Class A.</summary>
    ListObjects,

    /// <summary>Class A.</summary>
    ListParts,

    /// <summary>Class A.</summary>
    ListMultipartUploads,

    /// <summary>Class A.</summary>
    ListBuckets,

    /// <summary>Class A.</summary>
    CreateBucket,

    /// <summary>Class A.</summary>
    PutBucketPolicy,

    /// <summary>Class B.</summary>
    GetObject,

    /// <summary>Class B.</summary>
    HeadObject,

    /// <summary>Class B.</summary>
    HeadBucket,

    /// <summary>Class B.</summary>
    GetBucketPolicy,

    /// <summary>Free.</summary>
    DeleteObject,

    /// <summary>Free, as each DELETE.</summary>
    DeleteObjects,

    /// <summary>Free.</summary>
    AbortMultipartUpload,
}

/// <summary>How a provider bills a request.</summary>
public enum RequestClass
{
    /// <summary>PUT, COPY, POST and LIST.</summary>
    A,

    /// <summary>GET and HEAD.</summary>
    B,

    /// <summary>DELETE, and the abort of an upload.</summary>
    Free,
}

/// <summary>
/// Counts the requests made to a store, tries included: one for each that a provider would bill.
/// The local folder counts what the same work would cost on S3.
/// </summary>
public sealed class RequestMeter
{
    private readonly ConcurrentDictionary<StoreOperation, long> _counts = new();
    private readonly AsyncLocal<RequestMeter?> _scope = new();
    private RequestMeter? _outer;

    /// <summary>What requests cost.</summary>
    internal RequestPrices Prices { get; init; } = RequestPrices.OfAws;

    /// <summary>Counts one request, here and in the scope this work runs in, if any.</summary>
    public void Count(StoreOperation operation)
    {
        _counts.AddOrUpdate(operation, 1, static (_, count) => count + 1);
        _scope.Value?.Count(operation);
        _outer?.Count(operation);
    }

    /// <summary>From here on, what this asynchronous flow asks for is counted in the returned meter as well, and still in that of a scope around this one.</summary>
    internal RequestMeter BeginScope() => _scope.Value = new RequestMeter { Prices = Prices, _outer = _scope.Value };

    /// <summary>How often each operation was requested.</summary>
    public IReadOnlyDictionary<StoreOperation, long> Counts => _counts;

    /// <summary>PUT, COPY, POST and LIST requests: $0.005 a 1,000 on S3 standard.</summary>
    public long ClassA => Total(RequestClass.A);

    /// <summary>GET and HEAD requests: $0.0004 a 1,000 on S3 standard.</summary>
    public long ClassB => Total(RequestClass.B);

    /// <summary>The price in US dollars of the requests counted, at the list price of S3 standard in us-east-1.</summary>
    public decimal Price => _counts.Sum(pair => pair.Value * Prices.Of(pair.Key));

    /// <summary>How a request is billed.</summary>
    public static RequestClass ClassOf(StoreOperation operation) => operation switch
    {
        < StoreOperation.GetObject => RequestClass.A,
        < StoreOperation.DeleteObject => RequestClass.B,
        _ => RequestClass.Free,
    };

    /// <summary>The list price of one request in US dollars.</summary>
    public static decimal PriceOf(StoreOperation operation) => RequestPrices.OfAws.Of(operation);

    private long Total(RequestClass requests) => _counts.Where(pair => ClassOf(pair.Key) == requests).Sum(pair => pair.Value);
}
