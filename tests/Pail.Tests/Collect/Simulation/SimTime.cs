namespace Pail.Tests.Collect.Simulation;

/// <summary>A clock that goes on only when the scheduler says so.</summary>
internal sealed class SimTime : TimeProvider
{
    private readonly List<SimTimer> _timers = [];

    /// <summary>Now, since the beginning.</summary>
    public TimeSpan Elapsed { get; private set; } = TimeSpan.FromDays(1);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>When the next timer is due; null if none is set.</summary>
    public TimeSpan? NextDue => _timers.Count == 0 ? null : _timers.Min(timer => timer.Due);

    public override long GetTimestamp() => Elapsed.Ticks;

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000) + Elapsed;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets time pass, and what is due happen.</summary>
    public void Advance(TimeSpan to)
    {
        Elapsed = to;
        foreach (var timer in _timers.Where(timer => timer.Due <= to).ToList())
        {
            _timers.Remove(timer);
            timer.Fire();
        }
    }

    private sealed class SimTimer(SimTime time, TimerCallback callback, object? state) : ITimer
    {
        public TimeSpan Due { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            time._timers.Remove(this);
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Due = time.Elapsed + dueTime;
                time._timers.Add(this);
            }
            return true;
        }

        public void Dispose() => time._timers.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
