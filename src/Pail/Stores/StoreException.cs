namespace Pail.Stores;

/// <summary>What a store answered, told apart where a caller acts differently.</summary>
public enum StoreError
{
    /// <summary>The bucket is not there.</summary>
    NoSuchBucket,

    /// <summary>The multipart upload is not there (any more).</summary>
    NoSuchUpload,

    /// <summary>Credentials are missing, unknown or wrongly signed.</summary>
    BadCredentials,

    /// <summary>The credentials do not allow it.</summary>
    AccessDenied,

    /// <summary>The range begins past the end of the object.</summary>
    RangeNotSatisfiable,

    /// <summary>The store can't check the write condition asked for.</summary>
    ConditionUnsupported,

    /// <summary>The write came later than its fence allows (<see cref="IWriteFence"/>); nothing was written.</summary>
    FenceExpired,

    /// <summary>The bytes that arrived are not those that were signed or summed.</summary>
    ChecksumMismatch,

    /// <summary>The store asks to slow down (429, 503 SlowDown).</summary>
    Throttled,

    /// <summary>A 5xx, a broken connection, a stalled one: it may work if tried again.</summary>
    Unavailable,

    /// <summary>The store does not have this operation (501, NotImplemented).</summary>
    Unsupported,

    /// <summary>Any other refusal; trying again is useless.</summary>
    Rejected,
}

/// <summary>A store refused or failed. The message is one line, names the bucket and key, and holds no credential.</summary>
public sealed class StoreException(StoreError error, string message, Exception? inner = null)
    : PailException(FailureOf(error), message, inner)
{
    /// <summary>What the store answered.</summary>
    public StoreError Error => error;

    /// <summary>How long the store asks to wait before the next try, if it said.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>True if the same request may work later.</summary>
    public bool IsTransient => error is StoreError.Throttled or StoreError.Unavailable or StoreError.ChecksumMismatch;

    /// <summary>True once retries are exhausted: callers must not retry.</summary>
    internal bool IsExhausted { get; set; }

    private static Failure FailureOf(StoreError error) => error switch
    {
        StoreError.NoSuchBucket or StoreError.NoSuchUpload => Failure.NotFound,
        StoreError.BadCredentials or StoreError.AccessDenied => Failure.Denied,
        StoreError.Throttled or StoreError.Unavailable or StoreError.ChecksumMismatch or StoreError.FenceExpired => Failure.Unavailable,
        _ => Failure.BadInput,
    };
}
