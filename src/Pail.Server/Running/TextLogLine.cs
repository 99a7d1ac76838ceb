using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Pail.Oci;

namespace Pail.Server.Running;

/// <summary>Writes one entry of the log as a line for people: time, level, message, then <c>name=value</c> for what the message does not hold. What may hold spaces or quotes is quoted, as in JSON.</summary>
internal static class TextLogLine
{
    private static readonly SearchValues<char> Special = SearchValues.Create(" \"\\=\t\r\n");

    /// <summary>Writes one line, its end included.</summary>
    public static void Write<TState>(IBufferWriter<byte> output, DateTime time, LogLevel level, string category, TState state, Exception? error, Func<TState, Exception?, string> format)
    {
        var line = new StringBuilder(160);
        line.Append(time.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)).Append(' ').Append(CultureInfo.InvariantCulture, $"{LogOptions.NameOf(level),-7} ");
        line.Append(SafeText.OneLine(format(state, error), 4000));
        if (category != ServerLog.Category)
            Field(line, "category", category);
        foreach (var (name, value) in LogFields.Of(state))
            Field(line, name, value is bool truth ? (truth ? "true" : "false") : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "");
        if (Activity.Current is { } span)
            Field(line, "trace_id", span.TraceId.ToHexString());
        line.Append('\n');
        if (error is not null)
            foreach (var row in error.ToString().Split('\n'))
                line.Append("    ").Append(SafeText.OneLine(row, 1000)).Append('\n');
        Encoding.UTF8.GetBytes(line.ToString(), output);
    }

    private static void Field(StringBuilder line, string name, string value)
    {
        line.Append(' ').Append(name).Append('=');
        var plain = SafeText.OneLine(value, 4000);
        if (plain.Length > 0 && !plain.AsSpan().ContainsAny(Special))
            line.Append(plain);
        else
            line.Append('"').Append(plain.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
    }
}
