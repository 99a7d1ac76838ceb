using Pail.Stores;

namespace Pail.Places;

/// <summary>Opens the buckets of one kind of store, found by the scheme of their addresses. Used by several threads at once.</summary>
public interface IStoreProvider
{
    /// <summary>The scheme of the addresses, in lower case and without <c>://</c>, such as <c>s3</c>.</summary>
    string Scheme { get; }

    /// <summary>Checks the name of a bucket. Makes no request.</summary>
    /// <exception cref="FormatException">No bucket can have this name; the message says which can.</exception>
    void CheckBucket(string bucket);

    /// <summary>Opens a bucket. Makes no request; a missing bucket shows when it is used. The caller disposes stores that are <see cref="IDisposable"/>.</summary>
    /// <param name="root">The bucket, and the prefix that the store puts before all keys.</param>
    /// <param name="meter">Counts the requests that the store makes.</param>
    IObjectStore Open(BucketRoot.Url root, RequestMeter meter);

    /// <summary>Returns true if the bucket is read without credentials: then only its images can be read, not its settings.</summary>
    bool IsAnonymous(BucketRoot.Url root) => false;
}
