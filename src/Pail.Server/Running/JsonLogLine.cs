using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Pail.Server.Running;

/// <summary>
/// Writes one entry of the log as one JSON object: <c>time</c>, <c>level</c>, <c>message</c>, then each argument that the
/// message does not contain. Lines of the framework also have their <c>category</c>; lines about a fault have its
/// <c>exception</c>.
/// </summary>
internal static class JsonLogLine
{
    private const string Template = "{OriginalFormat}";

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
        json.WriteString("level", NameOf(level));
        json.WriteString("message", format(state, error));
        if (category != ServerLog.Category)
            json.WriteString("category", category);
        if (state is IReadOnlyList<KeyValuePair<string, object?>> arguments)
            Fields(json, arguments);
        if (error is not null)
            json.WriteString("exception", error.ToString());
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
    }

    private static void Fields(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> arguments)
    {
        // The template is the last entry, as all of the framework's and the generator's states have it.
        var template = arguments.Count > 0 && arguments[^1] is { Key: Template, Value: string text } ? text : "";
        for (var i = 0; i < arguments.Count; i++)
            if (arguments[i] is { Value: { } value, Key: var name } && name != Template && !Names(template, name))
                Field(json, name, value);
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

    // Whether the message holds the argument: {name}, {name:format} or {name,width}.
    private static bool Names(string template, string name)
    {
        for (var at = template.IndexOf(name, StringComparison.Ordinal); at > 0; at = template.IndexOf(name, at + 1, StringComparison.Ordinal))
            if (template[at - 1] == '{' && at + name.Length < template.Length && template[at + name.Length] is '}' or ':' or ',')
                return true;
        return false;
    }

    private static string NameOf(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };
}
