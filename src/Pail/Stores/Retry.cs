namespace Pail.Stores;

/// <summary>
/// Tries requests again that failed for a reason that may pass. The budget is a number of tries; no time limits it. An error
/// whose tries are used up is marked (<see cref="StoreException.IsExhausted"/>), so that no caller begins to count again.
/// </summary>
/// <param name="options">How often and how soon.</param>
/// <param name="time">The clock; null for the system's.</param>
internal sealed class Retry(RetryOptions options, TimeProvider? time = null)
{
    private static readonly TimeSpan LongestAsked = TimeSpan.FromMinutes(1);

    /// <summary>How often and how soon.</summary>
    public RetryOptions Options => options;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; } = time ?? TimeProvider.System;

    /// <summary>True for what may work when tried again: throttling, a 5xx, a broken or stalled connection.</summary>
    public static bool IsTransient(Exception error) => error switch
    {
        StoreException store => store is { IsTransient: true, IsExhausted: false },
        PailException => false,
        FileNotFoundException or DirectoryNotFoundException or PathTooLongException => false,
        IOException or HttpRequestException or TimeoutException => true,
        _ => false,
    };

    /// <summary>Runs the attempt until it succeeds, fails for good, or has been tried often enough; then its last error is thrown.</summary>
    public async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> attempt, CancellationToken cancel)
    {
        var tries = Begin();
        while (true)
        {
            try
            {
                return await attempt(cancel);
            }
            catch (Exception error) when (tries.Again(error, cancel))
            {
                await tries.WaitAsync(cancel);
            }
        }
    }

    /// <inheritdoc cref="RunAsync{T}"/>
    public Task RunAsync(Func<CancellationToken, Task> attempt, CancellationToken cancel) => RunAsync(
        async token =>
        {
            await attempt(token);
            return true;
        },
        cancel);

    /// <summary>Starts counting tries, for callers that go on from where they broke rather than begin again.</summary>
    internal Tries Begin() => new(this);

    /// <summary>The tries of one piece of work.</summary>
    internal sealed class Tries(Retry retry)
    {
        private int _failed;
        private TimeSpan _asked;

        /// <summary>Something was achieved: failures so far no longer count.</summary>
        public void Progressed() => _failed = 0;

        /// <summary>Counts a failure; true if the work is worth another try.</summary>
        public bool Again(Exception error, CancellationToken cancel)
        {
            if (cancel.IsCancellationRequested || !IsTransient(error))
                return false;
            _asked = (error as StoreException)?.RetryAfter ?? TimeSpan.Zero;
            if (++_failed >= retry.Options.Attempts)
            {
                if (error is StoreException store)
                    store.IsExhausted = true;
                return false;
            }
            StoreMetrics.Retried(error);
            retry.Options.Retrying?.Invoke(error);
            return true;
        }

        /// <summary>Waits before work goes on from where an error that may pass broke it off. Fails, for callers not to retry, once the tries are used up.</summary>
        public async Task NextAsync(Exception error, CancellationToken cancel)
        {
            if (!Again(error, cancel))
            {
                cancel.ThrowIfCancellationRequested();
                throw new PailException(Failure.Unavailable, $"{error.Message} Gave up after {retry.Options.Attempts} tries.", error);
            }
            await WaitAsync(cancel);
        }

        /// <summary>Waits before the next try: full jitter, so that many clients told to slow down don't return in step.</summary>
        public Task WaitAsync(CancellationToken cancel)
        {
            var ceiling = Math.Min(retry.Options.FirstDelay.TotalMilliseconds * Math.Pow(2, _failed - 1), retry.Options.LongestDelay.TotalMilliseconds);
            var jitter = TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * ceiling);
            var asked = _asked < LongestAsked ? _asked : LongestAsked;
            return Task.Delay(asked > jitter ? asked : jitter, retry.Time, cancel);
        }
    }
}

/// <summary>How failed requests are tried again: exponential backoff with full jitter.</summary>
public sealed record RetryOptions
{
    /// <summary>How often a request is made in all before its error counts. Progress starts the count afresh.</summary>
    public int Attempts { get; init; } = 8;

    /// <summary>The first wait is a random time up to this, the next up to twice as much, and so on.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>No random wait is longer. A store that asks for longer gets what it asks for, up to a minute.</summary>
    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Hears of each failure that is tried again, before the wait; from several threads at once.</summary>
    public Action<Exception>? Retrying { get; init; }
}
