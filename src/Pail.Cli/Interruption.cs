using System.Runtime.InteropServices;

namespace Pail.Cli;

/// <summary>
/// Hears Ctrl-C, SIGTERM and SIGHUP. The first asks the work to end in good order (unfinished uploads are aborted);
/// the second is left to the system, which ends the process at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    // By number, as POSIX has them; .NET's own values are others.
    private static readonly (PosixSignal Signal, int Number)[] Signals = [(PosixSignal.SIGINT, 2), (PosixSignal.SIGTERM, 15), (PosixSignal.SIGHUP, 1)];

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _number;

    public Interruption() => _registrations = [.. Signals.Select(pair => PosixSignalRegistration.Create(pair.Signal, context => context.Cancel = Hear(pair.Number)))];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>The exit code if a signal came; null if none did.</summary>
    public int? ExitCode => _number == 0 ? null : Cli.ExitCode.Signal + _number;

    /// <summary>Called for the first signal, and with true for the second, just before the process ends.</summary>
    public Action<bool>? Heard { get; set; }

    /// <summary>What a signal of this number does. True if it is dealt with here, false if the process is to end.</summary>
    internal bool Hear(int number)
    {
        var first = Interlocked.CompareExchange(ref _number, number, 0) == 0;
        Heard?.Invoke(!first);
        // Callbacks of the token must not run on the thread that hears signals: the second one has to get through.
        if (first)
            ThreadPool.QueueUserWorkItem(source => source.Cancel(), _source, preferLocal: false);
        return first;
    }

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }
}
