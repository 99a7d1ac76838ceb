
namespace Pail.Transfer;

/// <summary>
/// Ends a request that makes no progress. A connection whose other end vanished looks like a slow one;
/// without this a transfer over it never ends.
/// </summary>
internal sealed class StallGuard : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _caller;
    private readonly CancellationToken _cancel;

    /// <summary>Begins without a limit.</summary>
    /// <param name="cancel">The caller's.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public StallGuard(CancellationToken cancel, TimeProvider? time = null)
    {
        (_cancel, _source) = (cancel, new(Timeout.InfiniteTimeSpan, time ?? TimeProvider.System));
        _caller = cancel.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _source);
    }

    /// <summary>Cancelled when the caller gives up, or when the time last allowed has passed.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>True if it was the time that ended it, not the caller.</summary>
    public bool Expired => _source.IsCancellationRequested && !_cancel.IsCancellationRequested;

    /// <summary>Something moved, or is about to: from now on so much time may pass.</summary>
    public void Allow(TimeSpan time) => _source.CancelAfter(time);

    /// <summary>It is the caller's turn; it may take any time.</summary>
    public void Pause() => _source.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>Ends the request now.</summary>
    public void Cancel() => _source.Cancel();

    /// <inheritdoc/>
    public void Dispose()
    {
        _caller.Dispose();
        _source.Dispose();
    }
}
