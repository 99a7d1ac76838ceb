using System.Buffers;

namespace Pail.Stores;

/// <summary>
/// The store can refuse a write that rests on an old look at it, whatever slept or hung between the look and the write.
/// S3 refuses a request whose signature has expired; in a folder the fence is a lock.
/// </summary>
public interface IFencedWrites
{
    /// <summary>The time by the store's clock: never ahead of it, and behind it by at most a few seconds. Null until the store has answered once. No request.</summary>
    DateTimeOffset? Now { get; }

    /// <summary>True if a fence may stay open for its whole life, and be used by many at once; false if others have to wait for its end.</summary>
    bool CanStayOpen { get; }

    /// <summary>Begins the time in which writes are accepted. Whoever looks at the bucket after this and writes through the fence writes soon after the look, or not at all. No request.</summary>
    /// <param name="life">How long the store accepts writes.</param>
    /// <param name="cancel">Ends the attempt.</param>
    Task<IWriteFence> OpenFenceAsync(TimeSpan life, CancellationToken cancel = default);

    /// <summary>Returns when no write of a fence opened before this call can take effect any more: after a time, or sooner where the store knows.</summary>
    /// <param name="time">The time after which that is certain.</param>
    /// <param name="cancel">Ends the wait.</param>
    Task SettleAsync(TimeSpan time, CancellationToken cancel = default);
}

/// <summary>Writes that the store accepts for a limited time. They fail with <see cref="StoreError.FenceExpired"/> afterwards.</summary>
public interface IWriteFence : IDisposable
{
    /// <summary>As <see cref="IObjectStore.PutAsync"/>.</summary>
    Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default);

    /// <summary>Removes objects, at most 1,000; those that are not there count as removed. One request on S3, or one each where the store can't remove several at once.</summary>
    /// <returns>What was not removed, and why.</returns>
    Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancel = default);
}

/// <summary>An object that the store did not remove.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Error">What the store answered.</param>
public sealed record FailedDelete(string Key, StoreException Error);

/// <summary>Fences of a store that is asked directly: for stores that need none, as a dry run.</summary>
/// <param name="store">The store that is written to.</param>
/// <param name="clock">The fences whose clock counts.</param>
internal sealed class OpenFences(IObjectStore store, IFencedWrites? clock) : IFencedWrites, IWriteFence
{
    public DateTimeOffset? Now => clock?.Now;

    public bool CanStayOpen => true;

    public Task<IWriteFence> OpenFenceAsync(TimeSpan life, CancellationToken cancel = default) => Task.FromResult<IWriteFence>(this);

    public Task SettleAsync(TimeSpan time, CancellationToken cancel = default) => Task.CompletedTask;

    public Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
        store.PutAsync(key, body, headers, condition, cancel);

    public async Task<IReadOnlyList<FailedDelete>> DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancel = default)
    {
        foreach (var key in keys)
            await store.DeleteAsync(key, cancel);
        return [];
    }

    public void Dispose()
    {
    }
}
