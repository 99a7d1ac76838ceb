using Pail.Collect;

namespace Pail.Cli.Output;

/// <summary>What <c>pail gc --json</c> writes.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="DryRun">True if nothing was removed.</param>
/// <param name="Rounds">How many rounds removed something.</param>
/// <param name="Freed">Objects and bytes that are gone, or would be, by what they were.</param>
/// <param name="Kept">What is left of Pail's.</param>
/// <param name="Foreign">What is none of Pail's.</param>
/// <param name="Removed">The keys.</param>
/// <param name="Warnings">What could not be read or removed.</param>
/// <param name="Requests">The requests.</param>
internal sealed record CollectResult(
    string Bucket, bool DryRun, int Rounds, IReadOnlyDictionary<string, Freed> Freed, Freed Kept, Freed Foreign, IReadOnlyList<string> Removed, IReadOnlyList<string> Warnings, CostReport Requests)
{
    /// <summary>Tells what a collection did and cost.</summary>
    public static void Tell(VerbRun session, string bucket, CollectReport report, bool dryRun)
    {
        var cost = CostReport.Of(session.Places.Meter);
        Warn(session, report);
        session.Result(
            new CollectResult(bucket, dryRun, report.Rounds, report.Freed, report.Kept, report.Foreign, report.Keys, report.Warnings, cost),
            ResultsJson.Plain.CollectResult,
            lines =>
            {
                if (dryRun)
                    foreach (var key in report.Keys)
                        lines.WriteLine(key);
                Write(lines, report, dryRun);
                lines.WriteLine(cost.InOneLine());
            });
    }

    /// <summary>Tells what could not be read or removed.</summary>
    public static void Warn(VerbRun session, CollectReport report)
    {
        foreach (var warning in report.Warnings)
            session.Terminal.Error.WriteLine($"{session.Terminal.Ink.Yellow("warning:")} {warning}");
    }

    /// <summary>Fails if something could not be read or removed.</summary>
    public static void Check(string bucket, CollectReport report)
    {
        if (report.Warnings.Count > 0)
            throw new PailException(Failure.BadContent, $"{bucket}: {report.Warnings.Count} objects could not be read or removed, as told above; what they may need was kept.");
    }

    /// <summary>Writes what was freed, and what is left.</summary>
    public static void Write(TextWriter lines, CollectReport report, bool dryRun)
    {
        var all = report.Freed.Values.Aggregate(new Freed(0, 0), (sum, freed) => sum + freed);
        var parts = report.Freed.Where(pair => pair.Value.Objects > 0).Select(pair => $"{pair.Value.Objects} {pair.Key}").ToList();
        lines.WriteLine($"{(dryRun ? "would free" : "freed")} {ByteSize.Format(all.Bytes)} in {all.Objects} objects{(parts.Count > 0 ? $" ({string.Join(", ", parts)})" : "")}");
        lines.WriteLine($"{(dryRun ? "holds" : "kept")} {ByteSize.Format(report.Kept.Bytes)} in {report.Kept.Objects} objects{(report.Foreign.Objects > 0 ? $"; {report.Foreign.Objects} others of {ByteSize.Format(report.Foreign.Bytes)} are none of Pail's" : "")}");
    }
}
