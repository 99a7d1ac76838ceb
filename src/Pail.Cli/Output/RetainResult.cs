using System.Globalization;
using Pail.Collect;
using Pail.Retention;

namespace Pail.Cli.Output;

/// <summary>What <c>pail retain --json</c> writes.</summary>
/// <param name="Bucket">The bucket.</param>
/// <param name="DryRun">True if nothing was removed.</param>
/// <param name="Tags">All tags.</param>
/// <param name="Frees">What nothing needs once the dropped tags can't be brought back.</param>
/// <param name="HistoryKeep">How long they can.</param>
/// <param name="Freed">Objects and bytes that are gone, or would be, by what they were.</param>
/// <param name="Kept">What is left of Pail's.</param>
/// <param name="Warnings">What could not be read or removed.</param>
/// <param name="Requests">The requests.</param>
internal sealed record RetainResult(
    string Bucket, bool DryRun, IReadOnlyList<RetainedTag> Tags, Freed Frees, string HistoryKeep, IReadOnlyDictionary<string, Freed> Freed, Freed Kept, IReadOnlyList<string> Warnings, CostReport Requests)
{
    /// <summary>Tells what retention did and cost: in a dry run all tags, else those that are gone.</summary>
    public static void Tell(VerbRun session, string bucket, RetainReport report, TimeSpan keep, CollectOptions options)
    {
        var (dryRun, collected) = (options.DryRun, report.Collected);
        CollectResult.Warn(session, collected);
        var tags = report.Tags.Select(tag => RetainedTag.Of(tag, options)).ToList();
        var cost = CostReport.Of(session.Places.Meter);
        session.Result(
            new RetainResult(bucket, dryRun, tags, report.Frees, $"{(long)keep.TotalSeconds}s", collected.Freed, collected.Kept, collected.Warnings, cost),
            ResultsJson.Plain.RetainResult,
            lines =>
            {
                Columns.Write(lines, [.. tags.Where(tag => dryRun || tag.Removed).Select(tag => tag.Cells)], new HashSet<int> { 2 }, paint: (row, column, text) => column == 0 && text.StartsWith("drop", StringComparison.Ordinal) ? session.Terminal.Ink.Yellow(text) : text);
                var dropped = report.Tags.Count(tag => dryRun ? tag.Frees is not null : tag.IsGone);
                lines.WriteLine($"{(dryRun ? "would drop" : "dropped")} {dropped} of {tags.Count} tags");
                if (dropped > 0)
                    lines.WriteLine(keep > TimeSpan.Zero
                        ? $"{ByteSize.Format(report.Frees.Bytes)} in {report.Frees.Objects} objects go after another {Shown(keep)}, while 'pail undelete' can bring them back"
                        : $"{ByteSize.Format(report.Frees.Bytes)} in {report.Frees.Objects} objects are needed by nothing else");
                CollectResult.Write(lines, collected, dryRun);
                lines.WriteLine(cost.InOneLine());
            });
    }

    private static string Shown(TimeSpan time) => time.TotalHours >= 24 && time.Ticks % TimeSpan.TicksPerDay == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays}d")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0.##}h");
}

/// <summary>A tag that was judged.</summary>
/// <param name="Image">Repository and tag.</param>
/// <param name="Digest">What it named.</param>
/// <param name="Written">When the tag was written.</param>
/// <param name="Pulled">When it was last pulled, if a rule asks and that was seen.</param>
/// <param name="Fate">keep, drop, or none where no rule is about it.</param>
/// <param name="Reason">Which rule and which entry decide.</param>
/// <param name="Line">The line of the policy that does.</param>
/// <param name="Size">Bytes of its image.</param>
/// <param name="Frees">Bytes that this tag alone needs, of one that is dropped now.</param>
/// <param name="Removed">True if it is gone.</param>
internal sealed record RetainedTag(string Image, string Digest, DateTimeOffset Written, DateTimeOffset? Pulled, string Fate, string Reason, int? Line, long Size, long? Frees, bool Removed)
{
    internal IReadOnlyList<string> Cells =>
        [Fate == "none" ? "-" : Fate, Image, Frees is { } bytes ? ByteSize.Format(bytes) : "", Line is { } line ? string.Create(CultureInfo.InvariantCulture, $"line {line}") : "", Reason];

    public static RetainedTag Of(JudgedTag tag, CollectOptions options)
    {
        var (facts, fate, reason, line) = tag.Verdict;
        var waits = fate == TagFate.Dropped && (options.DryRun ? tag.Frees is null : !tag.IsGone);
        return new(
            $"{tag.Repository}:{facts.Tag}", facts.Digest.ToString(), facts.Pushed, facts.Pulled,
            fate switch { TagFate.Kept => "keep", TagFate.Dropped => "drop", _ => "none" },
            waits ? $"{reason}; stays for now: it is younger than --grace, or needed by what is being pushed or can't be read" : reason, line, facts.Size, tag.Frees, tag.IsGone);
    }
}
