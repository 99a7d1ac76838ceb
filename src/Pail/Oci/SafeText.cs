using System.Text;

namespace Pail.Oci;

/// <summary>Makes what strangers wrote safe to show: one line, no control characters, bounded.</summary>
internal static class SafeText
{
    /// <summary>At most <paramref name="limit"/> characters of the text, control characters replaced by <c>?</c>.</summary>
    public static string OneLine(string? text, int limit = 200)
    {
        if (text is null)
            return "";
        var line = new StringBuilder(Math.Min(text.Length, limit + 1));
        foreach (var c in text.AsSpan(0, Math.Min(text.Length, limit)))
            line.Append(char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        return text.Length > limit ? line.Append('…').ToString() : line.ToString();
    }
}
