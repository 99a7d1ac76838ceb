using Microsoft.Extensions.Primitives;

namespace Pail.Server.Running;

/// <summary>Reads the <c>Forwarded</c> header. Source: RFC 7239, 4.</summary>
internal static class ForwardedHeader
{
    /// <summary>The values of a parameter, one for each proxy on the way that names it, in order. Empty if the header is malformed.</summary>
    public static IReadOnlyList<string> Read(StringValues header, string parameter)
    {
        var found = new List<string>();
        var text = header.ToString().AsSpan();
        while (!text.IsEmpty)
        {
            text = text.TrimStart(" \t,;");
            if (text.IsEmpty)
                break;
            var equals = text.IndexOf('=');
            if (equals <= 0)
                return [];
            var name = text[..equals].Trim();
            if (!TakeValue(ref text, equals + 1, out var value))
                return [];
            if (name.Equals(parameter, StringComparison.OrdinalIgnoreCase))
                found.Add(value);
        }
        return found;
    }

    private static bool TakeValue(ref ReadOnlySpan<char> text, int start, out string value)
    {
        text = text[start..].TrimStart();
        if (text is not ['"', ..])
        {
            var end = text.IndexOfAny(',', ';') is var at and >= 0 ? at : text.Length;
            value = text[..end].Trim().ToString();
            text = text[end..];
            return true;
        }
        var close = text[1..].IndexOf('"');
        value = close < 0 ? "" : text.Slice(1, close).ToString();
        text = close < 0 ? default : text[(close + 2)..];
        // No address, host or scheme needs an escape.
        return close >= 0 && !value.Contains('\\');
    }
}
