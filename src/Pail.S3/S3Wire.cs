using System.Buffers;
using System.Diagnostics;
using System.Text.RegularExpressions;
using Amazon.Runtime;
using Amazon.Runtime.Signing;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.S3;

/// <summary>
/// Sends the requests that carry bytes. The SDK would hash every part once more to sign it and copy it on the way;
/// here the signature says <c>UNSIGNED-PAYLOAD</c>, or the digest that is known anyway and that the store then checks.
/// </summary>
internal sealed partial class S3Wire(S3Connection connection, S3Options options, S3Errors errors, RequestMeter meter, Patience patience)
{
    private const string ContentHash = "x-amz-content-sha256";

    // One that is refused (throttled, denied) is answered before its body is sent.
    private const long ExpectContinueFrom = 1024 * 1024;

    private bool _ceph;
    private volatile bool _expectsNothing;

    /// <summary>The store's clock.</summary>
    public StoreClock Clock { get; } = new();

    /// <summary>
    /// <c>If-Match</c> as this store reads it. RFC 9110 wants quotes; Ceph RGW 16 compares them with the bare ETag and never matches.
    /// It is told by its request ids, and whoever has an ETag of a store has had an answer from it.
    /// </summary>
    public string IfMatch(string etag) => _ceph ? etag : $"\"{etag}\"";

    /// <summary>Sends a request and returns any answer the store gives; the caller disposes it.</summary>
    /// <param name="operation">What it counts as.</param>
    /// <param name="key">The whole key, prefix included.</param>
    /// <param name="request">Its method, query and headers; its address is set here.</param>
    /// <param name="guard">Ends it when nothing moves.</param>
    /// <param name="cancel">The caller's.</param>
    public async Task<HttpResponseMessage> SendAsync(StoreOperation operation, string key, WireRequest request, StallGuard guard, CancellationToken cancel)
    {
        var credentials = await errors.CredentialsAsync(connection.Credentials);
        var level = patience.LevelOf(operation);
        using var message = await SignedAsync(key, request, credentials, guard, level);
        S3Call? call = S3Call.Begin(meter, connection, options.Root.Bucket, operation, key);
        try
        {
            guard.Allow(options.ConnectTimeout + Patience.Stretch(options.AnswerTimeout, level));
            var response = await connection.Http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, guard.Token);
            guard.Pause();
            call.Answered((int)response.StatusCode, RequestId(response));
            Clock.Read(response);
            patience.Answered(operation, level);
            if (!_ceph && RequestId(response) is { } id && CephRequestId().IsMatch(id))
                _ceph = true;
            if ((int)response.StatusCode != 417 || message.Headers.ExpectContinue != true)
            {
                if (operation == StoreOperation.GetObject && response.IsSuccessStatusCode)
                    (request.Open, call) = (call, null);
                return response;
            }
            // Some stores, and proxies before them, know no "Expect: 100-continue". Source: RFC 9110, 15.5.18.
            _expectsNothing = true;
            response.Dispose();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            if (guard.Expired)
                patience.Expired(operation, level);
            call?.Failed(guard.Expired ? "timeout" : "broken");
            throw errors.Broken(operation, key, e, guard.Expired);
        }
        finally
        {
            call?.Dispose();
        }
        return await SendAsync(operation, key, request, guard, cancel);
    }

    private static string? RequestId(HttpResponseMessage response) => response.Headers.NonValidated.TryGetValues("x-amz-request-id", out var id) ? id.ToString() : null;

    private async Task<HttpRequestMessage> SignedAsync(string key, WireRequest request, AWSCredentials credentials, StallGuard guard, int level)
    {
        var sign = new AWSSigningRequest { HttpMethod = request.Method, RequestUri = AddressOf(connection.Bucket, key, request.Query) };
        foreach (var (name, value) in request.Signed)
            sign.Headers[name] = value;
        var address = sign.RequestUri;
        IDictionary<string, string> signature;
        if (request.Fence is { } fence)
        {
            // In the address, with the time it begins to count from: the store compares that with its own clock.
            var parameters = Parameters(credentials);
            parameters.SignedAt = (Clock.At(fence.Opened) ?? DateTimeOffset.UtcNow - Stopwatch.GetElapsedTime(fence.Opened)).UtcDateTime;
            address = (await AWSSigV4Signer.PresignAsync(sign, parameters, fence.Life)).Uri;
            signature = new Dictionary<string, string>();
        }
        else
        {
            sign.Headers[ContentHash] = request.BodyHash ?? "UNSIGNED-PAYLOAD";
            signature = credentials is AnonymousAWSCredentials ? sign.Headers : (await AWSSigV4Signer.SignAsync(sign, Parameters(credentials))).Headers;
        }

        var message = new HttpRequestMessage(request.Method, address);
        if (request.Body is { } body)
        {
            message.Content = new SequenceContent(body, guard, Patience.Stretch(options.StallTimeout, level), Patience.Stretch(options.AnswerTimeout, level));
            message.Headers.ExpectContinue = !_expectsNothing && body.Length >= ExpectContinueFrom;
        }
        foreach (var (name, value) in request.Signed.Concat(request.Unsigned).Concat(signature))
            if (!message.Headers.TryAddWithoutValidation(name, value))
                message.Content!.Headers.TryAddWithoutValidation(name, value);
        return message;
    }

    /// <summary>True if the store answered after a fence was over, by its own clock: then a refusal means that, whatever it says.</summary>
    public bool IsOver(HttpResponseMessage response, WireFence fence) =>
        (response.Headers.Date ?? Clock.Now) is { } answered && Clock.At(fence.Opened) is { } opened && answered >= opened + fence.Life;

    /// <summary>An address that somebody without credentials may use for a while. Makes no request.</summary>
    public Uri Presign(HttpMethod method, string key, string query, TimeSpan lifetime)
    {
        var request = new AWSSigningRequest { HttpMethod = method, RequestUri = AddressOf(connection.PublicBucket ?? connection.Bucket, key, query) };
        try
        {
            return AWSSigV4Signer.Presign(request, Parameters(connection.Credentials), lifetime).Uri;
        }
        catch (Exception e) when (e is AmazonClientException or AmazonServiceException)
        {
            throw S3Errors.NoCredentials(errors.Name, e);
        }
    }

    private AWSSigV4Parameters Parameters(AWSCredentials credentials) => new() { Credentials = credentials, Region = connection.Region, Service = "s3" };

    // Sent exactly as signed: Uri would else rewrite what it holds for another spelling of the same.
    private static Uri AddressOf(Uri bucket, string key, string query) => new(
        bucket.AbsoluteUri + string.Join('/', key.Split('/').Select(Uri.EscapeDataString)) + query,
        new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    [GeneratedRegex("^tx[0-9a-f]{21}-[0-9a-f]{10}-[0-9a-f]+-", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CephRequestId();
}

/// <summary>A request to be signed and sent.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Query">Its query with the question mark, or nothing.</param>
internal sealed record WireRequest(HttpMethod Method, string Query = "")
{
    /// <summary>Headers that the signature covers; all <c>x-amz-</c> ones must be among them.</summary>
    public Dictionary<string, string> Signed { get; } = [];

    /// <summary>Other headers.</summary>
    public Dictionary<string, string> Unsigned { get; } = [];

    /// <summary>Its body, if any.</summary>
    public ReadOnlySequence<byte>? Body { get; init; }

    /// <summary>The time in which the store accepts it; null for one that is sent at once.</summary>
    public WireFence? Fence { get; init; }

    /// <summary>The request itself, if its answer has a body that is to be read; to be disposed then.</summary>
    public S3Call? Open { get; set; }

    /// <summary>The body's SHA-256 in hexadecimal digits, which the store checks; null to let it go unchecked.</summary>
    public string? BodyHash { get; init; }
}
