using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pail.Oci;
using Pail.Telemetry;

namespace Pail.Cli.Output;

/// <summary>
/// Gathers the spans of a command and writes them to a file at its end, in the trace event format that Perfetto and chrome://tracing show. Each span is in a lane
/// below or beside its parent; retries are in its arguments. Keeps at most 100,000 spans. Source: "Trace Event Format", complete events.
/// </summary>
internal sealed class TraceFile : IDisposable
{
    private const int MaxSpans = 100_000;

    private readonly FileStream _file;
    private readonly ActivityListener _listener;
    private readonly Lock _lock = new();
    private readonly List<SpanRecord> _spans = [];
    private readonly DateTime _started = DateTime.UtcNow;
    private long _dropped;

    private TraceFile(FileStream file)
    {
        _file = file;
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == PailTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = Add,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>Makes the file, over one that is there, and begins to gather.</summary>
    /// <exception cref="PailException">It can't be written.</exception>
    public static TraceFile Begin(string path)
    {
        try
        {
            return new(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new PailException(Failure.BadInput, $"--trace {SafeText.OneLine(path)}: the file can't be written: {SafeText.OneLine(e.Message)}", e);
        }
    }

    /// <summary>Writes the file.</summary>
    public void Dispose()
    {
        _listener.Dispose();
        using (_file)
        using (var json = new Utf8JsonWriter(_file, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            lock (_lock)
                Write(json);
    }

    private void Add(Activity span)
    {
        var start = (span.StartTimeUtc - _started).TotalMicroseconds;
        var record = new SpanRecord(span.SpanId, span.ParentSpanId, span.DisplayName, start, start + span.Duration.TotalMicroseconds)
        {
            Tags = [.. span.TagObjects],
            Retries = span.Events.Count(said => said.Name == "retry"),
            HasFailed = span.Status == ActivityStatusCode.Error,
        };
        lock (_lock)
            if (_spans.Count < MaxSpans)
                _spans.Add(record);
            else
                _dropped++;
    }

    private void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartObject("otherData");
        json.WriteString("program", $"pail {PailTelemetry.Version}");
        json.WriteString("started", _started);
        json.WriteNumber("spansNotKept", _dropped);
        json.WriteEndObject();
        json.WriteStartArray("traceEvents");
        foreach (var (span, lane) in SpanRecord.Arrange(_spans))
            Write(json, span, lane);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, SpanRecord span, int lane)
    {
        json.WriteStartObject();
        json.WriteString("ph", "X");
        json.WriteString("name", span.Name);
        json.WriteString("cat", "pail");
        json.WriteNumber("ts", Math.Round(span.Start, 1));
        json.WriteNumber("dur", Math.Round(span.End - span.Start, 1));
        json.WriteNumber("pid", 1);
        json.WriteNumber("tid", lane + 1);
        json.WriteStartObject("args");
        json.WriteString("span", span.Id.ToHexString());
        json.WriteString("parent", span.Parent.ToHexString());
        if (span.HasFailed)
            json.WriteBoolean("failed", true);
        if (span.Retries > 0)
            json.WriteNumber("retries", span.Retries);
        foreach (var (name, value) in span.Tags)
            switch (value)
            {
                case int number: json.WriteNumber(name, number); break;
                case long number: json.WriteNumber(name, number); break;
                default: json.WriteString(name, value?.ToString()); break;
            }
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
