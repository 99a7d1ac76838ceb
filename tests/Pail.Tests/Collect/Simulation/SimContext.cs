namespace Pail.Tests.Collect.Simulation;

/// <summary>Runs what is posted on the thread that drains it, one after the other: between two requests an actor runs alone.</summary>
internal sealed class SimContext : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = new();

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_posted)
        {
            _posted.Enqueue((d, state));
            Monitor.Pulse(_posted);
        }
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException();

    /// <summary>Runs all that is posted, and what that posts.</summary>
    public void Drain()
    {
        while (true)
        {
            (SendOrPostCallback Callback, object? State) next;
            lock (_posted)
                if (!_posted.TryDequeue(out next))
                    return;
            next.Callback(next.State);
        }
    }

    /// <summary>Waits for something to be posted from elsewhere. False after a while.</summary>
    public bool WaitForPost()
    {
        lock (_posted)
            return _posted.Count > 0 || Monitor.Wait(_posted, TimeSpan.FromSeconds(5));
    }
}
