using System.Diagnostics;

namespace Pail.S3;

/// <summary>The time by the store's clock, from the Date of its last answer: never ahead of it, and behind it by the second that Date leaves out and the answer's way here.</summary>
internal sealed class StoreClock
{
    // Ticks to add to the monotonic clock; null until the store has answered.
    private volatile StrongBox? _offset;

    /// <summary>The store's time now; null until it has answered once.</summary>
    public DateTimeOffset? Now => At(Stopwatch.GetTimestamp());

    /// <summary>The store's time at a moment of this machine's monotonic clock.</summary>
    public DateTimeOffset? At(long timestamp) => _offset is { } offset ? new DateTimeOffset(offset.Ticks + Stopwatch.GetElapsedTime(0, timestamp).Ticks, TimeSpan.Zero) : null;

    /// <summary>Reads the clock from an answer that has come just now.</summary>
    public void Read(HttpResponseMessage response)
    {
        if (response.Headers.Date is { } date)
            _offset = new(date.UtcTicks - Stopwatch.GetElapsedTime(0, Stopwatch.GetTimestamp()).Ticks);
    }

    private sealed record StrongBox(long Ticks);
}
