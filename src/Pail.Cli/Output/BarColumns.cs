using Spectre.Console;
using Spectre.Console.Rendering;

namespace Pail.Cli.Output;

/// <summary>What stands beside a bar: name, bytes, speed, time left, each of one width so that nothing jumps.</summary>
/// <param name="tally">What the bar of the whole shows.</param>
/// <param name="isWhole">Whether a bar is that of the whole, or a blob's.</param>
internal sealed class BarColumns(CopyTally tally, Func<ProgressTask, bool> isWhole)
{
    public ProgressColumn[] All =>
    [
        new Cell(task => isWhole(task) ? $"{"all",-8} {tally.Done + (tally.Done == 1 ? " blob done" : " blobs done"),-19}" : task.Description),
        new ProgressBarColumn { Width = 24, CompletedStyle = Color.Green, FinishedStyle = Color.Green, RemainingStyle = Color.Grey },
        new Cell(task => $"{ByteSize.Format(Moved(task)),9} of {ByteSize.Format(Size(task)),-9}"),
        new Cell(task => $"{(Speed(task) is > 0 and var speed ? ByteSize.Format(speed) + "/s" : ""),11}"),
        new Cell(task => $"{(Left(task) is { } left ? Duration.Format(left) : ""),7}"),
    ];

    private double Moved(ProgressTask task) => isWhole(task) ? tally.Moved : task.Value;

    private double Size(ProgressTask task) => isWhole(task) ? tally.ToMove : task.MaxValue;

    // The mean since the beginning: parts arrive in gusts of many MiB, which make a short mean jump.
    private double Speed(ProgressTask task) => task.ElapsedTime is { TotalSeconds: > 0.2 and var seconds } ? Moved(task) / seconds : 0;

    // In the first second nobody can know.
    private TimeSpan? Left(ProgressTask task) => task.ElapsedTime > TimeSpan.FromSeconds(1) && Moved(task) >= 1 << 20 && Speed(task) is > 0 and var speed ? TimeSpan.FromSeconds(Math.Max(0, Size(task) - Moved(task)) / speed) : null;

    private sealed class Cell(Func<ProgressTask, string> text) : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(text(task));
    }
}
