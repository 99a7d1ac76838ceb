using System.Buffers;
using Pail.Stores;

namespace Pail.Tests.Kit;

/// <summary>A store that answers so many requests and then none any more; the last may take effect without an answer.</summary>
/// <param name="inner">The store.</param>
/// <param name="requests">How many are answered.</param>
/// <param name="lastTakesEffect">True if one more takes effect.</param>
internal sealed class MortalStore(IObjectStore inner, int requests, bool lastTakesEffect) : StoreLayer(inner)
{
    private int _made;

    /// <summary>True if it has died.</summary>
    public bool IsDead => _made > requests;

    public override StoreAbilities Abilities => Inner.Abilities with { Fences = Inner.Abilities.Fences is { } fences ? new OpenFences(this, fences) : null, Copy = null, CopyBetween = null };

    public override Task<ObjectInfo?> HeadAsync(string key, CancellationToken cancel = default) => RunAsync(() => base.HeadAsync(key, cancel));

    public override Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default) => RunAsync(() => base.GetAsync(key, range, cancel));

    public override Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
        RunAsync(() => base.PutAsync(key, body, headers, condition, cancel));

    public override Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default) => RunAsync(() => base.ListAsync(query, cancel));

    public override Task DeleteAsync(string key, CancellationToken cancel = default) => RunAsync(async () =>
    {
        await base.DeleteAsync(key, cancel);
        return true;
    });

    private async Task<T> RunAsync<T>(Func<Task<T>> request)
    {
        var number = Interlocked.Increment(ref _made);
        if (number <= requests)
            return await request();
        if (number == requests + 1 && lastTakesEffect)
            await request();
        throw new StoreException(StoreError.Rejected, "The process is dead.");
    }
}
