using Pail.Cli.Output;
using Pail.Copy;
using Pail.Images;
using Pail.Oci;
using Pail.Places;

namespace Pail.Cli.Commands;

/// <summary>One of several images to copy.</summary>
/// <param name="Source">Its source as it was written.</param>
/// <param name="Prefix">What its errors begin with, if they don't say where it was named.</param>
/// <param name="Resolve">Where it is, and where it shall be; throws what is wrong with that.</param>
internal sealed record CopyItem(string Source, string Prefix, Func<(Address From, Address To)> Resolve);

/// <summary>What push, pull and copy have in common: everything but which addresses they take.</summary>
internal static class CopyRun
{
    /// <summary>Copies one image and tells its result.</summary>
    public static async Task RunAsync(VerbRun session, Address from, Address to, CopyOptions options, bool dryRun, CancellationToken cancel)
    {
        if (dryRun)
            session.BeginDryRun();
        var report = await CopyAsync(session, from, to, options, dryRun ? new DryRunState() : null, cancel);
        session.Result(report, ResultsJson.Plain.CopyReport, lines => Handles(lines, report));
        TellForecast(session, to, dryRun);
    }

    /// <summary>Copies images one after the other, and tells their results together. One that fails is told at once, and the others go on.</summary>
    /// <exception cref="PailException">Some were not copied; of the kind of the first failure.</exception>
    public static async Task RunAsync(VerbRun session, IReadOnlyList<CopyItem> images, CopyOptions options, bool dryRun, CancellationToken cancel)
    {
        if (dryRun)
            session.BeginDryRun();
        var reports = new List<CopyReport>();
        var failures = new List<(CopyItem Item, PailException Cause)>();
        var forecasts = new Dictionary<Address, DryRunState>();
        Address? last = null;
        foreach (var item in images)
        {
            try
            {
                (var from, last) = item.Resolve();
                reports.Add(await CopyAsync(session, from, last, options, dryRun ? ForecastOf(forecasts, last) : null, cancel));
            }
            catch (PailException e) when (!cancel.IsCancellationRequested)
            {
                session.Terminal.Fail(ExitCode.Of(e.Failure), $"{item.Prefix}{SafeText.OneLine(e.Message, 1000)}", e);
                failures.Add((item, e));
            }
        }
        session.Result(
            new CopyListing([.. reports.Select(report => report with { Requests = null })], dryRun ? CostReport.Of(session.Places.Meter) : session.Cost)
            {
                Failed = failures.Count == 0 ? null : [.. failures.Select(failure => new CopyFailure(failure.Item.Source, SafeText.OneLine(failure.Cause.Message, 1000)))],
            },
            ResultsJson.Plain.CopyListing,
            lines => Handles(lines, [.. reports]));
        if (last is not null)
            TellForecast(session, last, dryRun);
        if (failures is [var first, ..])
            throw new PailException(first.Cause.Failure, $"{failures.Count} of {Count(images.Count, "image")} not copied; why is said above.");
    }

    // What one image would have brought to a repository or layout is there for the next.
    private static DryRunState ForecastOf(Dictionary<Address, DryRunState> forecasts, Address to)
    {
        var place = to switch
        {
            Address.Bucket bucket => bucket with { Reference = null },
            Address.Registry registry => registry with { Reference = null },
            Address.OciLayout layout => layout with { Tag = null },
            _ => to,
        };
        return forecasts.TryGetValue(place, out var known) ? known : forecasts[place] = new();
    }

    // What does not exist is nothing to go on with.
    private static void Handles(TextWriter lines, params CopyReport[] reports)
    {
        foreach (var report in reports.Where(report => report.DryRun is null))
            lines.WriteLine(report.Handle);
    }

    // Told with --explain-cost anyway.
    private static void TellForecast(VerbRun session, Address to, bool dryRun)
    {
        if (dryRun && to is Address.Bucket && !session.ExplainCost && !session.Quiet)
            CostReport.Write(session.Places.Meter, session.Terminal.Error, session.Terminal.Ink);
    }

    private static async Task<CopyReport> CopyAsync(VerbRun session, Address from, Address to, CopyOptions options, DryRunState? forecast, CancellationToken cancel)
    {
        var dryRun = forecast is not null;
        await using var source = await session.Sources.OpenSourceAsync(from, options.Compression, cancel);
        await using var real = await session.Places.OpenSinkAsync(to, from, session.Sources, cancel);
        // Of a bucket the store itself makes no writes.
        IImageSink sink = forecast is null || to is Address.Bucket ? real : new DryRunSink(real, forecast);
        session.Say($"{session.Terminal.Ink.Bold(from.ToString())} to {session.Terminal.Ink.Bold(to.ToString())}");
        var (tally, result) = await ShowAsync(session, quiet: session.Quiet || dryRun, async tally => (tally, await ImageCopy.RunAsync(source, sink, options, tally, cancel)));

        var report = new CopyReport(
            from.ToString(), to.ToString(), result.Root.Digest.ToString(), result.Root.MediaType, !result.Unchanged,
            new(result.Sent, result.Existed, result.Copied), result.BytesSent, Math.Round(tally.Elapsed.TotalSeconds, 3), dryRun ? CostReport.Of(session.Places.Meter) : session.Cost)
        {
            DryRun = dryRun ? true : null,
            CutFrom = result.CutFrom?.ToString(),
            Referrers = options.Referrers ? new(result.Referrers, result.ReferrersLeft + result.UnknownReferrers.Count) : null,
            Handle = Handle(to, result.Root.Digest),
        };
        session.Say(Summary(report));
        if (report.CutFrom is { } whole)
            session.Say($"{session.Terminal.Ink.Yellow("A new index:")} it holds {string.Join(", ", options.Platforms!)} of {whole}; what refers to that one, such as a signature, does not refer to it.");
        if (result.ReferrersLeft > 0)
            session.Say($"{session.Terminal.Ink.Yellow("Left behind:")} {Count(result.ReferrersLeft, "manifest")} that refer to the image; {to} can't hold them.");
        if (result.ForeignLeft.Count > 0)
            session.Say($"{session.Terminal.Ink.Yellow("Left out:")} {Count(result.ForeignLeft.Count, "layer")} that the source does not hold, only an address elsewhere, which the image still names: {SafeText.OneLine(string.Join(", ", result.ForeignLeft.Select(layer => $"{layer.Digest} ({layer.Urls[0]})")), 400)}.");
        if (result.UnknownReferrers.Count > 0)
            session.Say($"{session.Terminal.Ink.Yellow("Left behind:")} {Count(result.UnknownReferrers.Count, "manifest")} that refer to the image, of a type Pail can't read: {SafeText.OneLine(string.Join(", ", result.UnknownReferrers.Distinct()), 400)}.");
        return report;
    }

    private static async Task<T> ShowAsync<T>(VerbRun session, bool quiet, Func<CopyTally, Task<T>> work)
    {
        if (quiet)
            return await work(new CopyTally(null));
        if (session.Terminal.Interactive)
            return await BarView.RunAsync(session.Terminal, work);
        using var view = new PlainView(session.Terminal.Error);
        var tally = new CopyTally(view);
        view.Watch(tally);
        return await work(tally);
    }

    private static string Summary(CopyReport report)
    {
        if (!report.Changed)
            return "It was there already, the same to the byte: nothing to do.";
        var (sent, existed, copied) = report.Blobs;
        List<string> parts = [$"{Count(sent, "blob")} {(report.DryRun is null ? "sent" : "would be sent")}, {ByteSize.Format(report.BytesSent)}"];
        if (copied > 0)
            parts.Add($"{copied} copied where they are");
        if (existed > 0)
            parts.Add($"{existed} there already");
        if (report.Referrers is { Copied: > 0 and var referrers })
            parts.Add($"{Count(referrers, "referrer")} {(report.DryRun is null ? "brought" : "would come")} along");
        if (report.DryRun is not null)
            return $"Nothing written: {string.Join(", ", parts)}.";
        var time = TimeSpan.FromSeconds(report.Seconds);
        var speed = report.BytesSent > 1 << 20 ? $" ({ByteSize.Format(report.BytesSent / Math.Max(report.Seconds, 0.001))}/s)" : "";
        return $"Done in {Duration.Format(time)}{speed}: {string.Join(", ", parts)}.";
    }

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    // What scripts go on with: the name that can't come to mean something else, or the one an engine knows.
    private static string Handle(Address to, Oci.Digest digest) => to switch
    {
        Address.Bucket { Repository: { } name } bucket => $"{bucket.Root.WithSeparator}{name}@{digest}",
        Address.Registry registry => (registry with { Reference = Oci.Reference.Of(digest) }).ToString(),
        Address.DockerDaemon { Image: var image } => image,
        _ => digest.ToString(),
    };
}
