using System.Diagnostics;
using Pail.Oci;

namespace Pail.Cli.Output;

/// <summary>
/// Tells people what fails and is tried again, so that no wait is silent: at the first failure and, while they go on, now
/// and then. Many parts fail at once when a store does; one line says it for all.
/// </summary>
internal sealed class RetryNotice(Terminal terminal)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private long _told;

    public void Tell(Exception error)
    {
        lock (_lock)
        {
            if (_told != 0 && Stopwatch.GetElapsedTime(_told) < Every)
                return;
            _told = Stopwatch.GetTimestamp();
            terminal.Notice($"Trying again: {SafeText.OneLine(error.Message, 400)}");
        }
    }
}
