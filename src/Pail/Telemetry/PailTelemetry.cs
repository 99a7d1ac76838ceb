using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;

namespace Pail.Telemetry;

/// <summary>Where the spans and measurements of Pail come from. Nothing is measured or timed for nobody: without a listener each costs a comparison. docs/watch.md lists them.</summary>
internal static class PailTelemetry
{
    /// <summary>The name of the source of spans, and of the meter.</summary>
    public const string Name = "Pail";

    /// <summary>The version of Pail.</summary>
    public static string Version { get; } = typeof(PailTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <summary>The source of all spans.</summary>
    public static ActivitySource Spans { get; } = new(Name, Version);

    /// <summary>The meter of all that a process counts once.</summary>
    public static Meter Meter { get; } = NewMeter();

    /// <summary>Bounds of histograms of times, in seconds: from a store beside the server to one that stalls.</summary>
    public static InstrumentAdvice<double> Seconds { get; } = new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] };

    /// <summary>A meter of the same name, for what each of several servers in a process measures.</summary>
    public static Meter NewMeter() => new(Name, Version);

    /// <summary>Begins a span below the one of now; null if nobody listens.</summary>
    public static Activity? Begin(string name) => Spans.StartActivity(name);

    /// <summary>Says that what a span is about failed. The words of the error are left out: they may name what the reader of spans must not know.</summary>
    public static void Fail(this Activity? span, Exception error)
    {
        span?.SetStatus(ActivityStatusCode.Error);
        span?.SetTag("error.type", error.GetType().Name);
    }

    /// <summary>Ends a span that may have begun elsewhere, without changing which one is the current one here.</summary>
    public static void EndElsewhere(this Activity? span)
    {
        if (span is null)
            return;
        var current = Activity.Current;
        span.Stop();
        Activity.Current = current == span ? span.Parent : current;
    }
}
