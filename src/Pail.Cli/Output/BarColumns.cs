using Spectre.Console;
using Spectre.Console.Rendering;

namespace Pail.Cli.Output;

/// <summary>What stands beside a bar: name, bytes, speed, time left, each of one width so that nothing jumps.</summary>
/// <param name="tally">What the bar of the whole shows.</param>
/// <param name="isWhole">Whether a bar is that of the whole, or a blob's.</param>
/// <param name="width">How wide the terminal is.</param>
internal sealed class BarColumns(CopyTally tally, Func<ProgressTask, bool> isWhole, int width)
{
    // The cells below and the blanks between them.
    private const int BesideTheBar = 21 + 20 + 10 + 7 + 4;
    private const int ShortestBar = 4;

    /// <summary>What fits on one line; it would be broken into several else.</summary>
    public ProgressColumn[] All => width > BesideTheBar + ShortestBar ? Wide : Narrow;

    private ProgressColumn[] Narrow =>
    [
        new Cell(Name),
        new Cell(task => Waits(task) ? "" : $"{(int)(100 * Moved(task) / Math.Max(1, Size(task))),3} %"),
        new Cell(SpeedOf),
    ];

    private ProgressColumn[] Wide =>
    [
        new Cell(Name),
        new ProgressBarColumn { Width = Math.Clamp(width - BesideTheBar - 1, ShortestBar, 40), CompletedStyle = Color.Green, FinishedStyle = Color.Green, RemainingStyle = Color.Grey },
        new Cell(task => Waits(task) ? $"{(tally.ReadAhead is > 0 and var read ? ByteSize.Format(read) : ""),-20}" : $"{ByteSize.Format(Moved(task)),8} of {ByteSize.Format(Size(task)),-8}"),
        new Cell(SpeedOf),
        new Cell(task => $"{(Waits(task) ? Duration.Format(tally.Elapsed) : Left(task) is { } left ? Duration.Format(left) : ""),7}"),
    ];

    private string SpeedOf(ProgressTask task) => $"{(Speed(task) is > 0 and var speed ? ByteSize.Format(speed) + "/s" : ""),10}";

    private string Name(ProgressTask task) => !isWhole(task) ? task.Description
        : Waits(task) ? $"{"reading the image",-21}"
        : tally.IsFinishing ? $"{"finishing",-21}"
        : tally.ReadAhead is { } read ? $"{$"reading, {ByteSize.Format(read)}",-21}"
        : $"{$"all, {tally.Done} {(tally.Done == 1 ? "blob" : "blobs")} done",-21}";

    // A source may read for a while before it can say what there is to move.
    private bool Waits(ProgressTask task) => isWhole(task) && tally.Moving == TimeSpan.Zero;

    private double Moved(ProgressTask task) => Waits(task) ? tally.ReadAhead ?? 0 : isWhole(task) ? tally.Moved : task.Value;

    private double Size(ProgressTask task) => isWhole(task) ? tally.ToMove : task.MaxValue;

    private TimeSpan Time(ProgressTask task) => Waits(task) ? tally.Elapsed : isWhole(task) ? tally.Moving : task.ElapsedTime ?? TimeSpan.Zero;

    // The mean since the beginning: parts arrive in gusts of many MiB, which make a short mean jump.
    private double Speed(ProgressTask task) => Time(task) is { TotalSeconds: > 0.2 and var seconds } ? Moved(task) / seconds : 0;

    // In the first second nobody can know.
    // Nor while what there is to move still grows.
    private TimeSpan? Left(ProgressTask task) => !(isWhole(task) && (tally.IsFinishing || tally.ReadAhead is not null)) && Time(task) > TimeSpan.FromSeconds(1) && Moved(task) >= 1 << 20 && Speed(task) is > 0 and var speed
        ? TimeSpan.FromSeconds(Math.Max(0, Size(task) - Moved(task)) / speed)
        : null;

    private sealed class Cell(Func<ProgressTask, string> text) : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(text(task));
    }
}
