using System.Runtime.CompilerServices;
using System.Text;

namespace Pail.Io;

/// <summary>Reads lines of text that others wrote.</summary>
internal static class TextLines
{
    /// <summary>The lines of UTF-8 text, without their ends; of one that is longer only its first characters.</summary>
    /// <param name="text">The text; disposed at the end.</param>
    /// <param name="longest">The most characters of a line.</param>
    /// <param name="cancel">Ends reading.</param>
    public static async IAsyncEnumerable<string> ReadAsync(Stream text, int longest, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        using var reader = new StreamReader(text, Encoding.UTF8);
        var (buffer, line, any) = (new char[16 << 10], new StringBuilder(), false);
        while (await reader.ReadAsync(buffer, cancel) is > 0 and var read)
        {
            var at = 0;
            while (buffer.AsSpan(at..read).IndexOf('\n') is >= 0 and var end)
            {
                Append(line, buffer.AsSpan(at, end), longest);
                yield return Taken(line);
                (at, any) = (at + end + 1, false);
            }
            Append(line, buffer.AsSpan(at..read), longest);
            any |= at < read;
        }
        if (any)
            yield return Taken(line);
    }

    private static void Append(StringBuilder line, ReadOnlySpan<char> more, int longest) => line.Append(more[..Math.Min(more.Length, longest - line.Length)]);

    private static string Taken(StringBuilder line)
    {
        var text = line.ToString();
        line.Clear();
        return text.EndsWith('\r') ? text[..^1] : text;
    }
}
