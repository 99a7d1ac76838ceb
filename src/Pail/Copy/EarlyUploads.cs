using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Pail.Copy;

/// <summary>Work begun before it is known what else there is to do. Whatever fails first stops all of it, and is what is told.</summary>
/// <param name="stop">Stops all of it; not disposed with this.</param>
internal sealed class EarlyUploads(CancellationTokenSource stop)
{
    private readonly ConcurrentBag<Task> _begun = [];
    private ExceptionDispatchInfo? _failure;

    /// <summary>Begins some. Whoever needs it done awaits the work itself, too.</summary>
    public void Begin(Func<Task> work) => _begun.Add(Task.Run(() => WatchAsync(work)));

    /// <summary>Does the rest. When it returns, well or not, nothing that was begun goes on.</summary>
    public async Task<T> FinishAsync<T>(Func<Task<T>> rest)
    {
        try
        {
            return await rest();
        }
        catch when (_failure is not null)
        {
            // The rest failed because it was stopped.
            _failure.Throw();
            throw;
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(_begun);
        }
    }

    private async Task WatchAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e)
        {
            // What fails after the stop may fail because of it.
            if (stop.IsCancellationRequested)
                return;
            Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
            await stop.CancelAsync();
        }
    }
}
