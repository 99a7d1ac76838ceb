using Pail.Server.Caches;

namespace Pail.Server.Limits;

/// <summary>How much each key has used lately: what a minute allows is there at once, and comes back evenly. Of 16,384 keys; more begin anew.</summary>
/// <param name="aMinute">What a minute allows.</param>
/// <param name="time">The clock.</param>
internal sealed class Rate(long aMinute, TimeProvider time)
{
    private const int Capacity = 1 << 14;

    private readonly BoundedCache<Key, Level> _levels = new(Capacity, static _ => 1);

    /// <summary>Takes an amount, and returns how long to wait until it is there; takes nothing if that is longer than the longest.</summary>
    public TimeSpan Take(string key, long amount, TimeSpan longest)
    {
        var level = LevelOf(key);
        lock (level)
        {
            var left = Refill(level) - amount;
            var wait = left >= 0 ? TimeSpan.Zero : TimeSpan.FromMinutes(-left / aMinute);
            if (wait <= longest)
                level.Left = left;
            return wait;
        }
    }

    /// <summary>Takes what was used already, also more than there is: the next waits for it.</summary>
    public void Use(string key, long amount)
    {
        var level = LevelOf(key);
        lock (level)
            level.Left = Refill(level) - amount;
    }

    private double Refill(Level level)
    {
        var now = time.GetTimestamp();
        level.Left = Math.Min(aMinute, level.Left + (time.GetElapsedTime(level.At, now).TotalMinutes * aMinute));
        level.At = now;
        return level.Left;
    }

    private Level LevelOf(string key)
    {
        if (!_levels.TryGet(new(key), out var level))
            _levels.Set(new(key), level = new Level { Left = aMinute, At = time.GetTimestamp() });
        return level;
    }

    private readonly record struct Key(string Text);

    private sealed class Level
    {
        public double Left { get; set; }

        public long At { get; set; }
    }
}
