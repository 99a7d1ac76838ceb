using Pail.Stores;

namespace Pail.Server.Errors;

/// <summary>
/// What a client gets, and an administrator reads, when the bucket fails or refuses. What passes by itself is a 503, so that
/// clients try again; what does not pass is an error that they stop at.
/// </summary>
internal static class StoreFailures
{
    /// <summary>The failure of the store that an exception is about; null if it is about something else.</summary>
    public static StoreException? Find(Exception? exception)
    {
        for (; exception is PailException; exception = exception.InnerException)
            if (exception is StoreException store)
                return store;
        return null;
    }

    /// <summary>The error that a client gets.</summary>
    public static RegistryError Of(StoreException failure) => failure.Error switch
    {
        StoreError.Throttled => RegistryError.SlowDown with { RetryAfter = failure.RetryAfter ?? RegistryError.SlowDown.RetryAfter },
        StoreError.AccessDenied => RegistryError.BucketDenies,
        StoreError.Unsupported or StoreError.ConditionUnsupported => RegistryError.BucketLacks,
        StoreError.BadCredentials or StoreError.Rejected => RegistryError.BucketRefuses,
        _ => RegistryError.Unavailable with { RetryAfter = failure.RetryAfter ?? RegistryError.Unavailable.RetryAfter },
    };

    /// <summary>What the administrator must do; null for what passes by itself.</summary>
    public static string? Advice(StoreException failure) => failure.Error switch
    {
        StoreError.AccessDenied => "Give the server's credentials the permissions that docs/server.md lists.",
        StoreError.BadCredentials => "Check the server's credentials and this machine's clock.",
        StoreError.Unsupported or StoreError.ConditionUnsupported => "docs/server.md lists what a store must be able to do.",
        StoreError.Rejected => "Check the endpoint, the region and the settings of the bucket.",
        StoreError.NoSuchBucket => "Make the bucket, or check its name.",
        _ => null,
    };
}
