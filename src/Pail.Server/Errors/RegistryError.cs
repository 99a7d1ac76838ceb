using Pail.Oci;

namespace Pail.Server.Errors;

/// <summary>
/// What a client is told when it does not get what it asked for: the one table of codes, statuses and messages.
/// Source: OCI distribution-spec, "Error Codes"; Docker Registry HTTP API V2, "Errors".
/// </summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The code of the specification.</param>
/// <param name="Message">For people.</param>
internal sealed record RegistryError(int Status, string Code, string Message)
{
    public static readonly RegistryError NotFound = new(404, "NOT_FOUND", "there is nothing at this path");
    public static readonly RegistryError MethodNotAllowed = new(405, "UNSUPPORTED", "this path does not answer to this method");
    public static readonly RegistryError Unsupported = new(405, "UNSUPPORTED", "this registry is configured not to do that");
    public static readonly RegistryError BadRequest = new(400, "BAD_REQUEST", "the request can't be understood");
    public static readonly RegistryError NameInvalid = new(400, "NAME_INVALID", "this is not a repository name");
    public static readonly RegistryError NameUnknown = new(404, "NAME_UNKNOWN", "there is no such repository");
    public static readonly RegistryError TagInvalid = new(400, "TAG_INVALID", "this is not a tag");
    public static readonly RegistryError DigestInvalid = new(400, "DIGEST_INVALID", "the digest is malformed, or not that of the content");
    public static readonly RegistryError SizeInvalid = new(400, "SIZE_INVALID", "the length is not that of the content");
    public static readonly RegistryError SizeTooLarge = new(413, "SIZE_INVALID", "the content is too large");
    public static readonly RegistryError BlobUnknown = new(404, "BLOB_UNKNOWN", "there is no such blob");
    public static readonly RegistryError UploadInvalid = new(400, "BLOB_UPLOAD_INVALID", "the upload can't go on like that");
    public static readonly RegistryError UploadUnknown = new(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload");
    public static readonly RegistryError RangeInvalid = new(416, "RANGE_INVALID", "the range is not satisfiable");
    public static readonly RegistryError ManifestUnknown = new(404, "MANIFEST_UNKNOWN", "there is no such manifest");
    public static readonly RegistryError ManifestInvalid = new(400, "MANIFEST_INVALID", "the manifest is not valid");
    // 400 as Distribution and Docker Hub answer it: what is not found is in the body, not at the path.
    public static readonly RegistryError ManifestBlobUnknown = new(400, "MANIFEST_BLOB_UNKNOWN", "the manifest names content that is not here");
    public static readonly RegistryError PaginationInvalid = new(400, "PAGINATION_NUMBER_INVALID", "n is not a number of entries");
    public static readonly RegistryError Unauthorized = new(401, "UNAUTHORIZED", "authentication is required, or does not suffice");
    public static readonly RegistryError TooManyRequests = new(429, "TOOMANYREQUESTS", "too many requests; try again later");
    public static readonly RegistryError Denied = new(403, "DENIED", "access is denied");
    // 503 for all that passes: docker gives up at 429 and at the code TOOMANYREQUESTS, and tries again at a 5xx.
    public static readonly RegistryError SlowDown = new(503, "UNAVAILABLE", "the bucket asks to slow down; try again later") { RetryAfter = TimeSpan.FromSeconds(1) };
    public static readonly RegistryError Busy = new(503, "UNAVAILABLE", "the server has no memory for this now; try again later") { RetryAfter = TimeSpan.FromSeconds(1) };
    public static readonly RegistryError Unavailable = new(503, "UNAVAILABLE", "the bucket can't be reached now; try again later") { RetryAfter = TimeSpan.FromSeconds(2) };
    public static readonly RegistryError IssuerAway = new(503, "UNAVAILABLE", "the issuer of the identity token can't be asked for its keys now; try again later") { RetryAfter = TimeSpan.FromSeconds(10) };

    // What does not pass until somebody acts.
    public static readonly RegistryError BucketDenies = new(403, "DENIED", "the server may not do this in its bucket; its log says what it lacks");
    public static readonly RegistryError BucketLacks = new(405, "UNSUPPORTED", "the bucket's store can't do this");
    public static readonly RegistryError BucketRefuses = new(500, "UNKNOWN", "the bucket refuses this server; its log says what its administrator must do");
    public static readonly RegistryError Damaged = new(500, "UNKNOWN", "what the bucket holds here is damaged; push it again");
    public static readonly RegistryError Unexpected = new(500, "UNKNOWN", "this should not have happened; the server's log tells more");

    /// <summary>What it is about, such as the digest asked for.</summary>
    public string? Detail { get; private init; }

    /// <summary>The methods the path answers to, where the method is what is wrong.</summary>
    public string? Allow { get; init; }

    /// <summary>How to authenticate: the value of <c>WWW-Authenticate</c>.</summary>
    public string? Challenge { get; init; }

    /// <summary>When it is worth to try again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What is wrong with a request that the HTTP server refuses: the status tells.</summary>
    public RegistryError As(int status) => this with
    {
        Status = status,
        Message = status switch
        {
            408 => "the request did not arrive in time",
            411 => "the request does not tell its length",
            413 => "the request is too large",
            414 => "the request's address is too long",
            431 => "the request's headers are too large",
            505 => "this version of HTTP is not spoken here",
            _ => Message,
        },
    };

    /// <summary>The same error under another status.</summary>
    public RegistryError WithStatus(int status) => this with { Status = status };

    /// <summary>The same error, saying what it is about: one bounded line.</summary>
    public RegistryError About(string? detail) => this with { Detail = SafeText.OneLine(detail, 300) };
}

/// <summary>An error found where no answer can be returned from.</summary>
internal sealed class RegistryException(RegistryError error, Exception? inner = null) : Exception(error.Message, inner)
{
    public RegistryError Error => error;
}
