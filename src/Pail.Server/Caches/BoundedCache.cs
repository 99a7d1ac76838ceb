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
    private long _removals;

    /// <summary>Changes whenever something is removed. Taken before the bucket is asked, it tells <see cref="Set"/> whether the answer may be out of date.</summary>
    public long Removals => Volatile.Read(ref _removals);

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (_young.Entries.TryGetValue(key, out value))
            return true;
        var removals = Removals;
        if (!_old.Entries.TryGetValue(key, out value))
            return false;
        Set(key, value, removals);
        return true;
    }

    /// <summary>Keeps an entry.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="value">The entry.</param>
    /// <param name="removals">What <see cref="Removals"/> was when the entry was known to be right: if anything was removed since, it is not kept. Null for what is right now.</param>
    public void Set(TKey key, TValue value, long? removals = null)
    {
        var weight = weigh(value);
        if (weight > capacity / 2)
        {
            Remove(key);
            return;
        }
        var young = _young;
        young.Entries[key] = value;
        if (removals is { } then && then != Removals)
        {
            young.Entries.TryRemove(KeyValuePair.Create(key, value));
            return;
        }
        // Replacing an entry counts it twice: the generation turns early, never late.
        if (Interlocked.Add(ref young.Weight, weight) > capacity / 2)
            Turn(young);
    }

    /// <summary>Counts the entries that something is true of. Looks at all.</summary>
    public int Count(Func<TValue, bool> predicate)
    {
        var (young, old) = (_young, _old);
        return young.Entries.Count(pair => predicate(pair.Value)) + old.Entries.Count(pair => !young.Entries.ContainsKey(pair.Key) && predicate(pair.Value));
    }

    /// <summary>Removes everything; what was asked for before is not kept.</summary>
    public void Clear()
    {
        Interlocked.Increment(ref _removals);
        lock (_turning)
            (_old, _young) = (new Generation(), new Generation());
    }

    public void Remove(TKey key)
    {
        // Counted first: who puts it back meanwhile finds the count changed, and takes it out again.
        Interlocked.Increment(ref _removals);
        _old.Entries.TryRemove(key, out _);
        _young.Entries.TryRemove(key, out _);
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
