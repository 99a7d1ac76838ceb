using System.Globalization;
using Pail.Io;
using Pail.Oci;

namespace Pail.Cli.Output;

/// <summary>Plain lines, for logs: one for each blob that is there, and one every ten seconds while large ones move.</summary>
internal sealed class PlainView(TextWriter people) : ICopyView, IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    private Timer? _timer;

    public void Begun(Descriptor blob)
    {
    }

    public void Advanced(Descriptor blob, long bytes)
    {
    }

    public void Ended(Descriptor blob, BlobOutcome outcome) =>
        people.WriteLine($"{BlobWords.Kind(blob),-8} {BlobWords.Short(blob.Digest)}  {ByteSize.Format(blob.Size),8}  {BlobWords.Outcome(outcome)}");

    /// <summary>From now on tells how far the whole is.</summary>
    public void Watch(CopyTally tally) => _timer = new Timer(_ => people.WriteLine(Line(tally)), null, Every, Every);

    /// <summary>How far it is: with the moving, or with finding out what there is to move.</summary>
    internal static string Line(CopyTally tally) => tally switch
    {
        { ReadAhead: > 0 and var read } when tally.Moving == TimeSpan.Zero => $"reading the image: {ByteSize.Format(read)}",
        { ReadAhead: > 0 and var read } => $"reading the image: {ByteSize.Format(read)}; sent {ByteSize.Format(tally.Moved)}",
        _ when tally.Moving == TimeSpan.Zero => "reading the image",
        _ => Line(tally.Moved, tally.ToMove, tally.Moving),
    };

    /// <summary>How far the whole is, how fast, and how long it still takes at that speed.</summary>
    internal static string Line(long moved, long toMove, TimeSpan elapsed)
    {
        var speed = moved / Math.Max(elapsed.TotalSeconds, 0.001);
        var left = moved > 0 ? string.Create(CultureInfo.InvariantCulture, $", {Duration.Format(TimeSpan.FromSeconds(Math.Max(0, toMove - moved) / speed))} left") : "";
        return $"{ByteSize.Format(moved)} of {ByteSize.Format(toMove)}, {ByteSize.Format(speed)}/s{left}";
    }

    public void Dispose() => _timer?.Dispose();
}
