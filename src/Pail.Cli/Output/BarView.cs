using System.Collections.Concurrent;
using Pail.Io;
using Pail.Oci;
using Spectre.Console;

namespace Pail.Cli.Output;

/// <summary>On a terminal: a bar for each blob on its way and one for the whole; blobs that are there become lines above.</summary>
internal sealed class BarView(IAnsiConsole console) : ICopyView
{
    private readonly ConcurrentDictionary<Digest, ProgressTask> _bars = new();
    private readonly Lock _lock = new();
    private ProgressContext _context = null!;
    private ProgressTask _whole = null!;
    private CopyTally _tally = null!;

    /// <summary>Runs work with its bars on the terminal; they are gone when it ends, well or not.</summary>
    public static async Task<T> RunAsync<T>(Terminal terminal, Func<CopyTally, Task<T>> work)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = terminal.Ink.Enabled ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
            Out = new AnsiConsoleOutput(terminal.Error),
        });
        var view = new BarView(console);
        view._tally = new CopyTally(view);
        var columns = new BarColumns(view._tally, task => task == view._whole, console.Profile.Width);
        terminal.Aside = console.WriteLine;
        try
        {
            return await console.Progress().AutoClear(true).HideCompleted(true).Columns(columns.All).StartAsync(context =>
            {
                view._context = context;
                view._whole = context.AddTask("all", autoStart: true, maxValue: 1);
                view._whole.IsIndeterminate = true;
                return work(view._tally);
            });
        }
        finally
        {
            terminal.Aside = null;
        }
    }

    public void Begun(Descriptor blob)
    {
        // The whole stays below the blobs.
        lock (_lock)
            _bars[blob.Digest] = _context.AddTaskBefore($"{BlobWords.Kind(blob),-8} {blob.Digest.Hex[..12]}", _whole, autoStart: true, maxValue: Math.Max(1, blob.Size));
        Refresh();
    }

    public void Advanced(Descriptor blob, long bytes)
    {
        if (_bars.TryGetValue(blob.Digest, out var bar))
            bar.Increment(bytes);
        Refresh();
    }

    public void Ended(Descriptor blob, BlobOutcome outcome)
    {
        if (_bars.TryRemove(blob.Digest, out var bar))
        {
            bar.Value = bar.MaxValue;
            bar.StopTask();
        }
        // Drawn once without the bar, so that the blob is never seen twice.
        _context.Refresh();
        var mark = outcome == BlobOutcome.Sent ? "[green]✓[/]" : "[grey]✓[/]";
        console.MarkupLine($"{mark} {BlobWords.Kind(blob),-8} {blob.Digest.Hex[..12]}  {ByteSize.Format(blob.Size),8}  [grey]{BlobWords.Outcome(outcome)}[/]");
        Refresh();
    }

    // One more than there is to move: a task that is full counts as finished for good, and more may come.
    private void Refresh()
    {
        _whole.IsIndeterminate = false;
        (_whole.MaxValue, _whole.Value) = (_tally.ToMove + 1, _tally.Moved);
    }
}
