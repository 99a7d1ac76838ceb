using System.Globalization;
using System.Text;

namespace Pail.Tests.Kit.Proxy;

/// <summary>The head of an HTTP/1.1 request or response: its first line, its headers, and how its body is delimited.</summary>
internal sealed class HttpHead
{
    private readonly List<string> _lines;

    private HttpHead(List<string> lines) => _lines = lines;

    /// <summary>The request line or status line.</summary>
    public string FirstLine => _lines[0];

    /// <summary>The length of the body in bytes; null if it is chunked or ends with the connection.</summary>
    public long? ContentLength => this["Content-Length"] is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;

    public bool IsChunked => this["Transfer-Encoding"] is { } coding && coding.Contains("chunked", StringComparison.OrdinalIgnoreCase);

    /// <summary>The value of a header; null if there is none.</summary>
    public string? this[string name] => _lines.Skip(1)
        .FirstOrDefault(line => line.StartsWith(name, StringComparison.OrdinalIgnoreCase) && line.Length > name.Length && line[name.Length] == ':')?[(name.Length + 1)..].Trim();

    /// <summary>Reads a head; null if the connection ends before one begins.</summary>
    public static async Task<HttpHead?> ReadAsync(HttpReader reader, CancellationToken cancel)
    {
        var lines = new List<string>();
        while (await reader.ReadLineAsync(cancel) is { } line)
        {
            if (line.Length > 0)
                lines.Add(line);
            else if (lines.Count > 0)
                return new HttpHead(lines);
        }
        return lines.Count == 0 ? null : throw new IOException("The connection ended within a head.");
    }

    /// <summary>The head as it goes over the wire, without one header.</summary>
    public byte[] ToBytes(string? without = null) => Encoding.Latin1.GetBytes(string.Concat(
        _lines.Where(line => without is null || !line.StartsWith(without + ":", StringComparison.OrdinalIgnoreCase)).Select(line => line + "\r\n")) + "\r\n");
}
