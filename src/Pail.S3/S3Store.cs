using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Xml;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;
using ByteRange = Pail.Stores.ByteRange;

namespace Pail.S3;

/// <summary>A bucket of S3 or of a store that speaks its language: AWS, Cloudflare R2, Ceph RGW, OpenStack Swift, MinIO.</summary>
/// <remarks>
/// Bytes go through <see cref="S3Wire"/>, everything else through the SDK, over one pool of connections.
/// Nothing is retried here: <see cref="StoreException.IsTransient"/> tells the caller what is worth another try.
/// </remarks>
internal sealed partial class S3Store : IObjectStore, IServerSideCopy, ICopiesBetweenBuckets, IPresigner, IBucketAdmin, IPublicRead, IDisposable
{
    private readonly S3Options _options;
    private readonly S3Connection _connection;
    private readonly S3Errors _errors;
    private readonly S3Wire _wire;
    private readonly Patience _patience = new();
    private readonly RequestMeter _meter;
    private readonly string _bucket;
    private readonly string _prefix;
    private readonly StoreEncryption? _encryption;

    // Set by the first answer that only an existing bucket gives.
    private volatile bool _bucketSeen;

    // Set by the first 501: what a store can't do it isn't asked for again.
    private volatile bool _noIfAbsent;
    private volatile bool _noIfMatch;
    private volatile bool _noBatches;

    private S3Store(S3Options options, S3Connection connection, RequestMeter meter)
    {
        Name = options.Root.ToString();
        _options = options;
        _connection = connection;
        _meter = meter;
        _errors = new S3Errors(Name, connection.Bucket, connection.Credentials is AnonymousAWSCredentials);
        _wire = new S3Wire(connection, options, _errors, meter, _patience);
        _bucket = options.Root.Bucket;
        _prefix = options.Root.Prefix;
        _encryption = options.ChosenEncryption;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public bool WantsEqualParts => S3Configuration.IsR2(_connection.Bucket);

    /// <summary>Finds credentials, region and endpoint; sends the bucket no request yet.</summary>
    /// <exception cref="PailException">Credentials or region are missing, or the configuration makes no sense.</exception>
    public static S3Store Open(S3Options options, RequestMeter meter) => new(options, S3Connection.Open(options), meter);

    /// <inheritdoc/>
    public async Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default)
    {
        using var guard = new StallGuard(cancel);
        using var response = await _wire.SendAsync(StoreOperation.HeadObject, _prefix + key, new WireRequest(HttpMethod.Head), guard, cancel);
        if (Succeeded(response))
            return WireHeaders.Info(response, response.Content.Headers.ContentLength ?? await SizeAsync(key, cancel));
        var refusal = await RefusalAsync(response, guard);
        if (await IsMissingAsync(key, refusal, cancel))
            return null;
        if (refusal.Status != 404)
            throw _errors.Refused(StoreOperation.HeadObject, key, refusal);
        // The answer has no body to tell a missing bucket from a missing object; before anything else did, that is worth a request.
        if (!_bucketSeen && !await IsThereAsync(cancel, answered: true))
            throw _errors.Refused(StoreOperation.HeadObject, key, refusal with { Code = "NoSuchBucket" });
        return null;
    }

    /// <inheritdoc/>
    public async Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default)
    {
        var request = new WireRequest(HttpMethod.Get);
        if (range is { } wanted)
            request.Unsigned["Range"] = string.Create(CultureInfo.InvariantCulture, $"bytes={wanted.First}-{wanted.Last}");
        var guard = new StallGuard(cancel);
        HttpResponseMessage? response = null;
        try
        {
            response = await _wire.SendAsync(StoreOperation.GetObject, _prefix + key, request, guard, cancel);
            if (Succeeded(response))
                return await ContentAsync(key, range, response, request.Open, guard, cancel);
            var refusal = await RefusalAsync(response, guard);
            if (refusal is not { Status: 404, Code: not "NoSuchBucket" } && !await IsMissingAsync(key, refusal, cancel))
                throw _errors.Refused(StoreOperation.GetObject, key, refusal);
            _bucketSeen |= refusal.Code == "NoSuchKey";
        }
        catch
        {
            response?.Dispose();
            request.Open?.Dispose();
            guard.Dispose();
            throw;
        }
        response.Dispose();
        guard.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
        PutAsync(key, body, headers, condition, null, cancel);

    private async Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, WireFence? fence, CancellationToken cancel)
    {
        if (condition.Absent ? _noIfAbsent : condition.ETag is not null && _noIfMatch)
            throw Unconditional(key, condition, "can't make a write depend on what is there");
        // Every store checks the hash that the signature covers; AWS alone is known to check and keep x-amz-checksum-sha256.
        var hash = headers.Sha256 is { Algorithm: DigestAlgorithm.Sha256 } digest ? digest.Hex : Sha256(body);
        var request = new WireRequest(HttpMethod.Put) { Body = body, BodyHash = hash, Fence = fence };
        WireHeaders.Describe(request, headers, StorageClass(headers), _encryption);
        if (_connection.IsAws)
            request.Signed["x-amz-checksum-sha256"] = Convert.ToBase64String(Convert.FromHexString(hash));
        if (condition.Absent)
            request.Unsigned["If-None-Match"] = "*";
        else if (condition.ETag is { } version)
            request.Unsigned["If-Match"] = _wire.IfMatch(version);

        // A signature in the address covers no bytes: the store compares this sum instead.
        if (fence is not null)
            request.Unsigned["Content-MD5"] = Md5(body);
        var (etag, refusal) = await SendBodyAsync(StoreOperation.PutObject, key, request, cancel);
        // Ceph 16 refuses every such write in a bucket that keeps versions. Once might be somebody who wrote the same again.
        for (var again = false; refusal is { Status: 412 } && condition.ETag is { } replaced && await IsStillAsync(key, replaced, cancel); again = true)
        {
            if (again)
                throw Unconditional(key, condition, "refuses a write that depends on what is there, though that is there");
            (etag, refusal) = await SendBodyAsync(StoreOperation.PutObject, key, request, cancel);
        }
        if (etag is not null)
            return etag;
        return refusal switch
        {
            { Status: 412 } => null,
            // What was to be replaced is gone.
            { Status: 404, Code: "NoSuchKey" } when condition.ETag is not null => null,
            { Status: 501 } when condition != PutCondition.None => throw Unconditional(key, condition, "can't make a write depend on what is there (PutObject: 501)"),
            { IsLate: true } => throw Late(key),
            _ => throw _errors.Refused(StoreOperation.PutObject, key, refusal),
        };
    }

    /// <inheritdoc/>
    public async Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default)
    {
        var request = new ListObjectsV2Request
        {
            BucketName = _bucket,
            Prefix = _prefix + query.Prefix,
            Delimiter = query.Delimiter,
            StartAfter = query.StartAfter is null || query.Continuation is not null ? null : _prefix + query.StartAfter,
            ContinuationToken = query.Continuation,
            MaxKeys = query.Limit,
            // XML has no way to write some of the characters that keys may hold.
            Encoding = EncodingType.Url,
        };
        var page = await ControlAsync(StoreOperation.ListObjects, query.Prefix, token => _connection.Client.ListObjectsV2Async(request, token), cancel);
        return new ListPage(
            [.. (page.S3Objects ?? []).Select(entry => new ObjectEntry(Relative(entry.Key), entry.Size ?? 0, WireHeaders.Unquote(entry.ETag), Utc(entry.LastModified)))],
            [.. (page.CommonPrefixes ?? []).Select(Relative)],
            page.IsTruncated == true ? page.NextContinuationToken ?? "" : null);
    }

    /// <inheritdoc/>
    public async Task DeleteAsync(string key, CancellationToken cancel = default)
    {
        var request = new DeleteObjectRequest { BucketName = _bucket, Key = _prefix + key };
        await UnlessMissingAsync(ControlAsync(StoreOperation.DeleteObject, key, token => _connection.Client.DeleteObjectAsync(request, token), cancel));
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _connection.Dispose();

    private async Task<ObjectContent> ContentAsync(string key, ByteRange? range, HttpResponseMessage response, S3Call? call, StallGuard guard, CancellationToken cancel)
    {
        if (WireHeaders.Extent(response) is not var (offset, length, size))
        {
            using var read = call;
            return range is null && (int)response.StatusCode == 200
                ? await UnmeasuredAsync(key, response, guard, cancel)
                : throw _errors.Broken(StoreOperation.GetObject, key, "the store did not say how long the object is");
        }
        var last = Math.Min(range?.Last ?? long.MaxValue, size - 1);
        if (offset != (range?.First ?? 0) || length != last - offset + 1)
            throw _errors.Broken(StoreOperation.GetObject, key, $"the store sent bytes {offset} to {offset + length - 1} of {size}, which is not the range asked for");
        var body = await response.Content.ReadAsStreamAsync(guard.Token);
        return new ObjectContent(
            WireHeaders.Info(response, size),
            new ResponseBody(response, call, body, length, guard, _options.StallTimeout, (what, e) => _errors.Broken(StoreOperation.GetObject, key, what, e)),
            length);
    }

    private async Task<bool> IsStillAsync(string key, string etag, CancellationToken cancel) => (await HeadAsync(key, cancel))?.ETag == etag;

    private StoreException Unconditional(string key, PutCondition condition, string what)
    {
        _ = condition.Absent ? _noIfAbsent = true : _noIfMatch = true;
        return new(StoreError.ConditionUnsupported, $"{Name} {SafeText.OneLine(key)}: this store {what}");
    }

    private bool Succeeded(HttpResponseMessage response) => response.IsSuccessStatusCode && (_bucketSeen = true);

    private async Task<Refusal> RefusalAsync(HttpResponseMessage response, StallGuard guard)
    {
        guard.Allow(_options.AnswerTimeout);
        return await S3Refusals.ReadAsync(response, guard.Token);
    }

    private async Task<T> ControlAsync<T>(StoreOperation operation, string key, Func<CancellationToken, Task<T>> request, CancellationToken cancel)
        where T : AmazonWebServiceResponse
    {
        var assembles = operation is StoreOperation.CompleteMultipartUpload or StoreOperation.CopyObject or StoreOperation.UploadPartCopy;
        await _errors.CredentialsAsync(_connection.Credentials);
        using var guard = new StallGuard(cancel);
        var level = _patience.LevelOf(operation);
        guard.Allow(_options.ConnectTimeout + Patience.Stretch(assembles ? _options.AssemblyTimeout : _options.AnswerTimeout, level));
        using var call = S3Call.Begin(_meter, _connection, _bucket, operation, key.Length > 0 && operation != StoreOperation.ListObjects && operation != StoreOperation.ListMultipartUploads ? _prefix + key : "");
        try
        {
            var answer = await request(guard.Token);
            call.Answered((int)answer.HttpStatusCode, answer.ResponseMetadata?.RequestId);
            _patience.Answered(operation, level);
            _bucketSeen |= operation != StoreOperation.ListBuckets;
            return answer;
        }
        catch (AmazonServiceException e)
        {
            if (e.StatusCode == default)
                call.Failed("broken");
            else
                call.Answered((int)e.StatusCode, e.RequestId);
            throw _errors.From(operation, key, e);
        }
        catch (Exception e) when (e is AmazonClientException or HttpRequestException or IOException or XmlException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            if (guard.Expired)
                _patience.Expired(operation, level);
            call.Failed(guard.Expired ? "timeout" : "broken");
            throw _errors.Broken(operation, key, e, guard.Expired);
        }
    }

    private static async Task<bool> UnlessMissingAsync(Task request)
    {
        try
        {
            await request;
            return true;
        }
        catch (StoreException e) when (Code(e) == "NoSuchKey")
        {
            return false;
        }
    }

    // Other stores refuse the storage classes of AWS.
    private string? StorageClass(ObjectHeaders headers) => _connection.IsAws ? headers.StorageClass : null;

    private string Relative(string encoded) => System.Net.WebUtility.UrlDecode(encoded)[_prefix.Length..];

    private static DateTimeOffset Utc(DateTime? time) => time is { } known ? new DateTimeOffset(known.ToUniversalTime()) : default;

    private static string Sha256(ReadOnlySequence<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in body)
            hash.AppendData(segment.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
