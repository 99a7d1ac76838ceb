namespace Pail.Server.Events;

/// <summary>Events that wait together, until each webhook has those it wants.</summary>
/// <param name="Key">Their object; null while the bucket does not take it.</param>
/// <param name="Writer">The server that wrote them.</param>
/// <param name="Events">The events.</param>
/// <param name="Since">When they came here.</param>
internal sealed record QueuedEvents(string? Key, string Writer, IReadOnlyList<RegistryEvent> Events, long Since)
{
    private int _left;

    /// <summary>Says how many webhooks are to have them.</summary>
    public void Expect(int webhooks) => _left = webhooks;

    /// <summary>One webhook has them. True if it was the last.</summary>
    public bool Done() => Interlocked.Decrement(ref _left) <= 0;
}
