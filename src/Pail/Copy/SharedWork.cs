using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Pail.Copy;

/// <summary>Work that goes on at the same time. The first failure stops all of it, and is the one that is thrown.</summary>
/// <param name="stop">Stops all of it; not disposed with this.</param>
internal sealed class SharedWork(CancellationTokenSource stop)
{
    private readonly ConcurrentBag<Task> _begun = [];
    private ExceptionDispatchInfo? _failure;

    /// <summary>Begins work before it is known what else there is to do. Its result is awaited where it is needed.</summary>
    public void Begin(Func<Task> work) => _begun.Add(Task.Run(work));

    /// <summary>Does a part of the work; if that fails, the other parts are stopped.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e)
        {
            // What fails after the stop may fail because of it.
            if (!stop.IsCancellationRequested)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(e), null);
                await stop.CancelAsync();
            }
            throw;
        }
    }

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
            await Task.WhenAll(_begun).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
