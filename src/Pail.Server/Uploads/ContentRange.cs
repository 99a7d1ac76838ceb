using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Pail.Server.Uploads;

/// <summary>
/// The ranges of chunked uploads: <c>FIRST-LAST</c>, both inside. The specification leaves out HTTP's unit and total;
/// clients that write <c>bytes FIRST-LAST/TOTAL</c> are understood.
/// Source: OCI distribution-spec, "Pushing a blob in chunks".
/// </summary>
/// <param name="First">The first byte, from 0.</param>
/// <param name="Last">The last byte.</param>
internal readonly record struct ContentRange(long First, long Last)
{
    /// <summary>Reads the header; false if it is malformed, or says another length than Content-Length.</summary>
    public static bool TryRead(HttpRequest request, out ContentRange? range)
    {
        range = null;
        var text = request.Headers.ContentRange.ToString();
        if (text.Length == 0)
            return true;
        if (!TryParse(text, out var parsed) || (request.ContentLength is { } length && length != parsed.Last - parsed.First + 1))
            return false;
        range = parsed;
        return true;
    }

    /// <summary>How many bytes the request says it brings; null if it does not say.</summary>
    public static long? LengthOf(HttpRequest request) =>
        request.ContentLength ?? (TryRead(request, out var range) && range is { } chunk ? chunk.Last - chunk.First + 1 : null);

    /// <summary>The Range header for what has arrived. Nothing and one byte look the same; clients go by what they sent.</summary>
    public static string Received(long size) => $"0-{Math.Max(size - 1, 0)}";

    internal static bool TryParse(ReadOnlySpan<char> text, out ContentRange range)
    {
        range = default;
        if (text.StartsWith("bytes ", StringComparison.Ordinal))
            text = text["bytes ".Length..];
        var total = text.IndexOf('/');
        if (total >= 0)
            text = text[..total];
        var dash = text.IndexOf('-');
        if (dash < 0
            || !long.TryParse(text[..dash], NumberStyles.None, null, out var first)
            || !long.TryParse(text[(dash + 1)..], NumberStyles.None, null, out var last)
            || last < first)
            return false;
        range = new(first, last);
        return true;
    }
}
