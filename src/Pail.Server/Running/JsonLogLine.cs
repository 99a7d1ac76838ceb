using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Pail.Server.Running;

/// <summary>
/// Writes one entry of the log as one JSON object: <c>time</c>, <c>level</c>, <c>message</c>, then each argument that the
/// message does not contain, and the <c>trace_id</c> of the request or task. Lines of the framework also have their <c>category</c>; lines about a fault have its
/// <c>exception</c>.
/// </summary>
internal static class JsonLogLine
{
    // Paths and messages hold nothing that is ever put into a page; this keeps "+" and the like readable.
    private static readonly JsonWriterOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A writer for <see cref="Write{TState}"/>, to be used again and again.</summary>
    public static Utf8JsonWriter NewWriter(IBufferWriter<byte> output) => new(output, Plain);

    /// <summary>Writes one line, its end included.</summary>
    public static void Write<TState>(
        Utf8JsonWriter json, IBufferWriter<byte> output, DateTime time, LogLevel level, string category, TState state, Exception? error, Func<TState, Exception?, string> format)
    {
        json.Reset(output);
        json.WriteStartObject();
        json.WriteString("time", time);
        json.WriteString("level", LogOptions.NameOf(level));
        json.WriteString("message", format(state, error));
        if (category != ServerLog.Category)
            json.WriteString("category", category);
        foreach (var (name, value) in LogFields.Of(state))
            Field(json, name, value);
        if (Activity.Current is { } span)
            json.WriteString("trace_id", span.TraceId.ToHexString());
        if (error is not null)
            json.WriteString("exception", error.ToString());
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
    }

    private static void Field(Utf8JsonWriter json, string name, object value)
    {
        switch (value)
        {
            case string text: json.WriteString(name, text); break;
            case bool truth: json.WriteBoolean(name, truth); break;
            case int number: json.WriteNumber(name, number); break;
            case long number: json.WriteNumber(name, number); break;
            case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
            default: json.WriteString(name, value.ToString()); break;
        }
    }
}
