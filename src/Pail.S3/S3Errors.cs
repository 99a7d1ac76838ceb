using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.RegularExpressions;
using System.Xml;
using Amazon.Runtime;
using Amazon.Runtime.Internal;
using Pail.Oci;
using Pail.Stores;

namespace Pail.S3;

/// <summary>What a store said when it refused.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">S3's error code; empty if it gave none.</param>
internal readonly record struct Refusal(int Status, string Code)
{
    /// <summary>The store's words.</summary>
    public string Message { get; init; } = "";

    /// <summary>The bucket's region, if the store named it.</summary>
    public string? Region { get; init; }

    /// <summary>True if the fence of the request was over when the store answered.</summary>
    public bool IsLate { get; init; }

    /// <summary>How long to wait, if it said.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Turns every failure of S3 into a <see cref="StoreException"/> with one line a person can act on.</summary>
internal sealed partial class S3Errors(string name, Uri endpoint, bool anonymous = false)
{
    /// <summary>The bucket as people know it.</summary>
    public string Name => name;

    /// <summary>No credentials anywhere in the chain.</summary>
    public static StoreException NoCredentials(string name, Exception? inner) => new(
        StoreError.BadCredentials,
        $"{name}: no usable AWS credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile of ~/.aws/config; a profile that signs in needs 'aws sso login' first; a public bucket can be read with --no-sign-request.",
        inner);

    /// <summary>Credentials ready to sign with: those that run out are renewed here, so that a failure to do so is told as what it is.</summary>
    public async Task<AWSCredentials> CredentialsAsync(AWSCredentials credentials)
    {
        // These throw when asked for what they are.
        if (credentials is AnonymousAWSCredentials)
            return credentials;
        try
        {
            var found = await credentials.GetCredentialsAsync();
            return found is null ? throw NoCredentials(name, null) : credentials;
        }
        catch (Exception e) when (e is AmazonClientException or AmazonServiceException or HttpRequestException or IOException or NotSupportedException)
        {
            // NotSupportedException: a proxy that is not understood.
            throw NoCredentials(name, e);
        }
    }

    /// <summary>The store answered, and not as hoped.</summary>
    public StoreException Refused(StoreOperation operation, string key, Refusal refusal, Exception? inner = null)
    {
        var (error, what) = Classify(operation, refusal);
        // Of the bucket or the credentials, whichever object was asked for.
        if (error is StoreError.NoSuchBucket or StoreError.BadCredentials)
            key = "";
        var code = refusal.Code.Length > 0 ? $" {SafeText.OneLine(refusal.Code, 60)}" : "";
        return new(error, $"{Where(key)}: {what} ({operation}: {refusal.Status}{code})", inner) { RetryAfter = refusal.RetryAfter };
    }

    /// <summary>The SDK's way to say what the store answered, or that it did not.</summary>
    public StoreException From(StoreOperation operation, string key, AmazonServiceException e) =>
        e.StatusCode == default && string.IsNullOrEmpty(e.ErrorCode)
            ? Broken(operation, key, e, stalled: false)
            : Refused(operation, key, RefusalOf(e), e);

    /// <summary>What the store said, as the SDK tells it.</summary>
    public static Refusal RefusalOf(AmazonServiceException e)
    {
        var response = (e.InnerException as HttpErrorResponseException)?.Response;
        var region = ExpectedRegion().Match(e.Message ?? "").Groups["region"].Value;
        return new((int)e.StatusCode, e.ErrorCode ?? "")
        {
            Message = e.Message ?? "",
            Region = region.Length == 0 ? Header("x-amz-bucket-region") : region,
            RetryAfter = S3Refusals.ParseRetryAfter(Header("Retry-After")),
        };

        string? Header(string header) => response?.IsHeaderPresent(header) == true ? response.GetHeaderValue(header) : null;
    }

    /// <summary>No answer, or half of one.</summary>
    public StoreException Broken(StoreOperation operation, string key, Exception e, bool stalled)
    {
        var host = endpoint.Authority;
        var cause = Causes(e).ToList();
        var (error, what) = cause switch
        {
            _ when stalled => (StoreError.Unavailable, $"{host} stalled: the connection was open but nothing moved"),
            _ when cause.OfType<AuthenticationException>().Any() =>
                (StoreError.Rejected, $"the certificate of {host} isn't trusted. Set AWS_CA_BUNDLE to a PEM file with its authority"),
            _ when cause.OfType<HttpRequestException>().Any(http => http.HttpRequestError == HttpRequestError.NameResolutionError) =>
                (StoreError.Unavailable, $"the name {endpoint.Host} doesn't resolve. Check the bucket's name, AWS_REGION and AWS_ENDPOINT_URL_S3"),
            _ when cause.OfType<SocketException>().Any(socket => socket.SocketErrorCode == SocketError.ConnectionRefused) =>
                (StoreError.Unavailable, $"nothing answers at {host}. Check AWS_ENDPOINT_URL_S3"),
            _ when cause.OfType<TimeoutException>().Any() || e is OperationCanceledException =>
                (StoreError.Unavailable, $"{host} can't be reached in time"),
            _ when cause.OfType<XmlException>().Any() => (StoreError.Unavailable, $"what {host} answered is cut short, or not what S3 answers"),
            _ => (StoreError.Unavailable, $"the connection to {host} broke: {SafeText.OneLine(cause[^1].Message)}"),
        };
        return new(error, $"{Where(key)}: {what} ({operation})", e);
    }

    /// <summary>A transfer broke off.</summary>
    public StoreException Broken(StoreOperation operation, string key, string what, Exception? inner = null) =>
        new(StoreError.Unavailable, $"{Where(key)}: {what} ({operation})", inner);

    private string Where(string key) => key.Length == 0 ? name : $"{name} {SafeText.OneLine(key)}";

    private static IEnumerable<Exception> Causes(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
            yield return e;
    }

    private (StoreError Error, string What) Classify(StoreOperation operation, Refusal refusal) => refusal switch
    {
        { Code: "NoSuchBucket" } => (StoreError.NoSuchBucket, "there is no such bucket. 'pail init' makes one"),
        { Code: "NoSuchUpload" } => (StoreError.NoSuchUpload, "the multipart upload is not there (any more)"),
        { Code: "InvalidAccessKeyId" } => (StoreError.BadCredentials, $"{endpoint.Host} doesn't know this access key. Check AWS_ACCESS_KEY_ID or the profile"),
        { Code: "SignatureDoesNotMatch" } => (StoreError.BadCredentials, "the signature doesn't match: the secret key is wrong. Check AWS_SECRET_ACCESS_KEY or the profile"),
        { Code: "ExpiredToken" or "TokenRefreshRequired" or "ExpiredTokenException" } => (StoreError.BadCredentials, "the temporary credentials have expired. Get new ones"),
        { Code: "InvalidToken" } => (StoreError.BadCredentials, "the session token is not valid. Check AWS_SESSION_TOKEN"),
        { Code: "RequestTimeTooSkewed" } => (StoreError.BadCredentials, "this machine's clock is wrong by more than the store allows. Set it right"),
        { Code: "AuthorizationHeaderMalformed" or "PermanentRedirect" or "TemporaryRedirect" or "IllegalLocationConstraintException" } or { Status: 301 or 307 or 308 } =>
            (StoreError.Rejected, refusal.Region is { Length: > 0 } region ? $"the bucket is in another region. Set AWS_REGION={SafeText.OneLine(region, 40)}" : "the bucket is in another region or at another endpoint. Check AWS_REGION and AWS_ENDPOINT_URL_S3"),
        { Status: 400, Code: "", Region: { Length: > 0 } region } =>
            (StoreError.Rejected, $"refused: credentials that have expired, or the bucket is in region {SafeText.OneLine(region, 40)} (AWS_REGION)"),
        { Code: "XAmzContentSHA256Mismatch" or "BadDigest" or "InvalidDigest" } => (StoreError.ChecksumMismatch, "the bytes that arrived are not those that were sent"),
        { Status: 416 } or { Code: "InvalidRange" } => (StoreError.RangeNotSatisfiable, "the range begins past the end of the object"),
        // HEAD is throttled without a code.
        { Status: 429 } or { Status: 503, RetryAfter: not null } or { Code: "SlowDown" or "Throttling" or "ThrottlingException" or "TooManyRequests" or "RequestLimitExceeded" } =>
            (StoreError.Throttled, "the store asks to slow down"),
        { Status: 409, Code: "ConditionalRequestConflict" or "OperationAborted" } => (StoreError.Unavailable, "somebody else wrote the same object at the same time"),
        { Code: "InvalidObjectState" } => (StoreError.Rejected, "the object is archived. Restore it first ('aws s3api restore-object')" + Words(refusal)),
        { Code: "SecondLevelDomainForbidden" or "PathStyleDomainForbidden" } => (StoreError.Rejected, "the store wants the bucket's name in the host. Set --addressing-style virtual" + Words(refusal)),
        { Code: "QuotaExceeded" or "XMinioStorageFull" or "XMinioAdminBucketQuotaExceeded" or "XRgwQuotaExceeded" or "StorageQuotaExceeded" } or { Status: 507 } =>
            (StoreError.Rejected, "the store is full, or a quota is used up. Delete images, or raise the quota" + Words(refusal)),
        { Status: 501 } or { Code: "NotImplemented" } => (StoreError.Unsupported, "the store does not have this operation" + Words(refusal)),
        { Status: 408 or >= 500 } or { Code: "RequestTimeout" or "IncompleteBody" or "InternalError" } or { Status: 200 } =>
            (StoreError.Unavailable, "the store failed" + Words(refusal)),
        { Status: 401 or 403 } => (StoreError.AccessDenied, Denied(operation) + Words(refusal)),
        _ => (StoreError.Rejected, "the store refused" + Words(refusal)),
    };

    // Without the right to list, S3 says 403 where it would else say 404.
    private string Denied(StoreOperation operation) => anonymous
        ? "access denied, or there is no such object. Without credentials only images of a public bucket can be read, by their names"
        : operation is StoreOperation.GetObject or StoreOperation.HeadObject
        ? "access denied. Either the credentials may not read this, or there is no such object and they may not see that (s3:ListBucket on the bucket)"
        : "access denied: the credentials don't allow this";

    private static string Words(Refusal refusal) => refusal.Message.Length > 0 ? $": {SafeText.OneLine(refusal.Message)}" : "";

    [GeneratedRegex("expecting '(?<region>[a-z0-9-]+)'", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ExpectedRegion();
}
