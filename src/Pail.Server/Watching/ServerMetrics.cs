using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Pail.Telemetry;

namespace Pail.Server.Watching;

/// <summary>What servers count. Labels are of fixed sets of words: no repository, tag, digest, user or address is ever one. docs/watch.md lists them.</summary>
internal static class ServerMetrics
{
    private static readonly Counter<long> Bytes = PailTelemetry.Meter.CreateCounter<long>("pail.http.bytes", "By", "Bytes of bodies taken from clients (in) and sent to them (out)");
    private static readonly Counter<long> Lookups = PailTelemetry.Meter.CreateCounter<long>("pail.cache.lookups", "{lookup}", "Questions to the caches of manifests, tags and blobs");
    private static readonly Counter<long> Tokens = PailTelemetry.Meter.CreateCounter<long>("pail.tokens", "{token}", "Requests for tokens, granted and denied");
    private static readonly Counter<long> Refusals = PailTelemetry.Meter.CreateCounter<long>("pail.access.refusals", "{request}", "Requests refused by passwords, tokens, rules or the server's own settings");
    private static readonly Counter<long> Limits = PailTelemetry.Meter.CreateCounter<long>("pail.limits", "{request}", "Requests that a limit held back (delayed) or refused");
    private static readonly Histogram<double> Runs = PailTelemetry.Meter.CreateHistogram("pail.task.duration", "s", "Time that runs of background tasks took", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.01, 0.1, 1, 10, 60, 600, 3600] });
    private static readonly Counter<long> Removed = PailTelemetry.Meter.CreateCounter<long>("pail.removed", "{object}", "Objects, unfinished uploads and tags that sweeps, collections and retention removed");
    private static readonly Counter<long> Freed = PailTelemetry.Meter.CreateCounter<long>("pail.freed", "By", "Bytes that collections and retention freed");
    private static readonly Counter<long> Events = PailTelemetry.Meter.CreateCounter<long>("pail.events", "{event}", "Events for webhooks: queued, and for each webhook delivered, failed (and tried again) and dropped");
    private static readonly ConcurrentDictionary<string, double> Succeeded = new();

    static ServerMetrics()
    {
        PailTelemetry.Meter.CreateObservableGauge("pail.build.info", () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", PailTelemetry.Version)), "", "The version of Pail, as a label of 1");
        PailTelemetry.Meter.CreateObservableGauge("pail.task.last_success", () => Succeeded.Select(pair => new Measurement<double>(pair.Value, new KeyValuePair<string, object?>("task", pair.Key))), "s", "When a background task last succeeded, in seconds since 1970");
    }

    /// <summary>True if anybody listens: only then bytes are worth counting.</summary>
    public static bool CountsBytes => Bytes.Enabled;

    /// <summary>A request has ended.</summary>
    public static void Moved(long received, long sent)
    {
        if (received > 0)
            Bytes.Add(received, new KeyValuePair<string, object?>("direction", "in"));
        if (sent > 0)
            Bytes.Add(sent, new KeyValuePair<string, object?>("direction", "out"));
    }

    /// <summary>A cache was asked.</summary>
    /// <param name="cache"><c>manifest</c>, <c>tag</c> or <c>blob</c>.</param>
    /// <param name="result"><c>hit</c>, <c>miss</c>, or <c>revalidated</c> where one HEAD spared reading it again.</param>
    public static void Asked(string cache, string result) => Lookups.Add(1, new("cache", cache), new("result", result));

    /// <summary>A token was asked for.</summary>
    public static void Token(string kind, bool granted) => Tokens.Add(1, new("kind", kind), new("result", granted ? "granted" : "denied"));

    /// <summary>A request was refused.</summary>
    /// <param name="reason"><c>login-failed</c> or <c>denied</c>.</param>
    public static void Refused(string reason) => Refusals.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <summary>A limit took effect.</summary>
    /// <param name="of"><c>address</c> or <c>user</c>.</param>
    /// <param name="result"><c>delayed</c> or <c>refused</c>.</param>
    public static void Limited(string of, string result) => Limits.Add(1, new("limit", of), new("result", result));

    /// <summary>Something became of events.</summary>
    /// <param name="outcome"><c>queued</c>, <c>delivered</c>, <c>failed</c> or <c>dropped</c>.</param>
    /// <param name="count">How many.</param>
    public static void Event(string outcome, int count) => Events.Add(count, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>A background task ran.</summary>
    /// <param name="task">Its short name.</param>
    /// <param name="time">How long.</param>
    /// <param name="succeeded">Whether it succeeded.</param>
    /// <param name="now">The time.</param>
    public static void Ran(string task, TimeSpan time, bool succeeded, DateTimeOffset now)
    {
        Runs.Record(time.TotalSeconds, new("task", task), new("outcome", succeeded ? "ok" : "failed"));
        if (succeeded)
            Succeeded[task] = now.ToUnixTimeMilliseconds() / 1000.0;
    }

    /// <summary>A task removed things.</summary>
    /// <param name="task">Its short name.</param>
    /// <param name="kind"><c>object</c>, <c>upload</c> or <c>tag</c>.</param>
    /// <param name="count">How many.</param>
    /// <param name="bytes">Their size in bytes.</param>
    public static void Took(string task, string kind, long count, long bytes = 0)
    {
        Removed.Add(count, new("task", task), new("kind", kind));
        if (bytes > 0)
            Freed.Add(bytes, new KeyValuePair<string, object?>("task", task));
    }
}
