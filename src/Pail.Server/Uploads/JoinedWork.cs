using System.Collections.Concurrent;

namespace Pail.Server.Uploads;

/// <summary>Work that several want done at once is done once, and all wait for it.</summary>
internal sealed class JoinedWork
{
    private readonly ConcurrentDictionary<string, Task<bool>> _running = new();

    /// <summary>
    /// Does the work, unless the same is being done: then waits for that, shares its error, and does its own only if it
    /// ended without doing it.
    /// </summary>
    /// <param name="key">What makes work the same.</param>
    /// <param name="work">The work; false if it could not be done. Not cancelled with whoever asked for it.</param>
    public async Task<bool> RunAsync(string key, Func<Task<bool>> work)
    {
        var mine = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var running = _running.GetOrAdd(key, mine.Task); running != mine.Task; running = _running.GetOrAdd(key, mine.Task))
            if (await running)
                return true;
        try
        {
            var done = await work();
            _running.TryRemove(key, out _);
            mine.SetResult(done);
            return done;
        }
        catch (Exception error)
        {
            _running.TryRemove(key, out _);
            mine.SetException(error);
            _ = mine.Task.Exception; // seen, even if nobody joined
            throw;
        }
    }
}
