namespace Pail.Cli.Output;

/// <summary>Tells people on stderr what does not end the work but should be known, each thing once.</summary>
internal sealed class WarningNotice(Terminal terminal)
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _told = [];

    public void Tell(string warning)
    {
        lock (_lock)
        {
            if (_told.Add(warning))
                terminal.Notice($"Warning: {warning}");
        }
    }
}
