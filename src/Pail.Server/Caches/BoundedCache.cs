using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Pail.Server.Caches;

/// <summary>
/// Keeps what was used lately within a bound. Two generations: what is asked for moves to the young one; when that
/// has half of what is allowed, the old one is dropped whole. Reading takes no lock.
/// </summary>
/// <param name="capacity">The most kept, in the units of <paramref name="weigh"/>.</param>
/// <param name="weigh">What an entry counts.</param>
internal sealed class BoundedCache<TKey, TValue>(long capacity, Func<TValue, long> weigh)
    where TKey : struct, IEquatable<TKey>
    where TValue : class
{
    private readonly Lock _turning = new();
    private volatile Generation _young = new();
    private volatile Generation _old = new();

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (_young.Entries.TryGetValue(key, out value))
            return true;
        if (!_old.Entries.TryGetValue(key, out value))
            return false;
        Set(key, value);
        return true;
    }

    public void Set(TKey key, TValue value)
    {
        var weight = weigh(value);
        if (weight > capacity / 2)
        {
            Remove(key);
            return;
        }
        var young = _young;
        young.Entries[key] = value;
        // Replacing an entry counts it twice: the generation turns early, never late.
        if (Interlocked.Add(ref young.Weight, weight) > capacity / 2)
            Turn(young);
    }

    public void Remove(TKey key)
    {
        _old.Entries.TryRemove(key, out _);
        _young.Entries.TryRemove(key, out _);
        // Somebody may have moved it from old to young in between.
        _old.Entries.TryRemove(key, out _);
    }

    private void Turn(Generation full)
    {
        lock (_turning)
        {
            if (_young != full)
                return;
            _old = full;
            _young = new Generation();
        }
    }

    private sealed class Generation
    {
        public readonly ConcurrentDictionary<TKey, TValue> Entries = new();
        public long Weight;
    }
}
