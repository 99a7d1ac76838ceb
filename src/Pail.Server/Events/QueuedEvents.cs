namespace Pail.Server.Events;

/// <summary>Events that wait together, until each webhook has those it wants.</summary>
/// <param name="key">Their object; null while the bucket does not take it.</param>
/// <param name="writer">The server that wrote them.</param>
/// <param name="events">The events.</param>
/// <param name="since">When they came here.</param>
internal sealed class QueuedEvents(string? key, string writer, IReadOnlyList<RegistryEvent> events, long since)
{
    private int _left;

    public string? Key => key;

    public string Writer => writer;

    public IReadOnlyList<RegistryEvent> Events => events;

    public long Since => since;

    /// <summary>Says how many webhooks are to have them.</summary>
    public void Expect(int webhooks) => _left = webhooks;

    /// <summary>One webhook has them. True if it was the last.</summary>
    public bool Done() => Interlocked.Decrement(ref _left) <= 0;
}
