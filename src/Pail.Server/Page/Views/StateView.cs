using Pail.Collect;
using Pail.Server.Errors;

namespace Pail.Server.Page.Views;

/// <summary>What is done on a schedule, and when it last was. One GET.</summary>
internal static class StateView
{
    public static async Task<RegistryError?> ShowAsync(PageRequest page)
    {
        if (Access.Visitor.Of(page.Context)?.MayList() == false)
            return page.Refuse();
        var schedule = await CollectSchedule.ReadAsync(page.Services.Bucket, page.Cancel);
        var options = page.Services.Options;
        Html body = $"""
            <h1>State</h1>
            <div class="cards">
            {Card(page, "Garbage collection", schedule.Gc, options.GcEvery)}
            {Card(page, "Retention", schedule.Retain, options.RetainEvery)}
            </div>
            <p class="note">Runs that servers do on a schedule are shown. Those of <code>pail gc</code> and <code>pail retain</code> tell of themselves where they run.</p>
            """;
        return await page.ShowAsync("State", body);
    }

    private static Html Card(PageRequest page, string title, ScheduledRun? run, TimeSpan every) => $"""
        <section class="card"><h2>{title}</h2>
        {(run is null ? $"<p>No run is known.</p>" : Run(page, run))}
        <p class="note">{(every > TimeSpan.Zero ? $"This server sees to it every {Duration(every)}." : "This server does not see to it.")}</p>
        </section>
        """;

    private static Html Run(PageRequest page, ScheduledRun run) => $"""
        <dl class="facts">
        <dt>Began</dt><dd>{Words.Ago(page.Now, run.Started)}</dd>
        <dt>Ended</dt><dd>{(run.Ended is null ? (Html)$"not yet, or its server died" : Words.Ago(page.Now, run.Ended))}</dd>
        {(run.DroppedTags is { } tags ? $"<dt>Dropped</dt><dd>{Words.Count(tags, "tag")}</dd>" : Html.None)}
        {(run is { FreedObjects: { } objects, FreedBytes: { } bytes } ? $"<dt>Freed</dt><dd>{Words.Size(bytes)} in {Words.Count(objects, "object")}</dd>" : Html.None)}
        {(run.Warnings is > 0 and var warnings ? $"<dt>Warnings</dt><dd>{warnings}, in the server's log</dd>" : Html.None)}
        {(run.Error is { } error ? $"""<dt>Failed</dt><dd class="bad">{error}; the server's log says more</dd>""" : Html.None)}
        </dl>
        """;

    private static string Duration(TimeSpan time) => time.TotalDays >= 1 ? Words.Count((long)time.TotalDays, "day") : time.TotalHours >= 1 ? Words.Count((long)time.TotalHours, "hour") : Words.Count((long)time.TotalMinutes, "minute");
}
