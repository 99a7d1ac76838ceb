namespace Pail.Stores;

/// <summary>The store's bucket can be made, and opened to people without credentials. What <c>pail init</c> needs.</summary>
public interface IBucketAdmin
{
    /// <summary>Makes the bucket unless it is there. True if it was made now.</summary>
    /// <exception cref="StoreException"><see cref="StoreError.AccessDenied"/> if it belongs to somebody else.</exception>
    Task<bool> CreateBucketAsync(CancellationToken cancel = default);

    /// <summary>
    /// Lets anybody read, without credentials, the objects whose keys begin with <paramref name="prefix"/>: read, not list, not write.
    /// What the bucket's owner allowed or forbade before stays as it is.
    /// </summary>
    /// <returns>What was opened, exactly, as the store keeps it: for people to see.</returns>
    /// <exception cref="StoreException">The store has no such thing, or forbids it; the message says what to do instead.</exception>
    Task<string> AllowAnonymousReadAsync(string prefix, CancellationToken cancel = default);
}
