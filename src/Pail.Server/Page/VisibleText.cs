using System.Buffers;
using System.Globalization;
using System.Text;

namespace Pail.Server.Page;

/// <summary>
/// Writes text of strangers into markup: escaped, cut, and with characters made visible that hide or move others, such as controls, those that change
/// the direction of text (Unicode Bidirectional Algorithm, UAX 9, "Explicit Directional Formatting Characters") and lone surrogates.
/// </summary>
internal static class VisibleText
{
    // More marks upon one letter than any language writes would cover the lines above and below.
    private const int MostMarks = 4;

    /// <summary>Appends it.</summary>
    /// <param name="markup">Where to.</param>
    /// <param name="text">The text; null as none.</param>
    /// <param name="limit">After how many characters it is cut.</param>
    /// <param name="keepsLines">Line ends and tabs stay; else they are shown as signs.</param>
    public static void Append(StringBuilder markup, string? text, int limit, bool keepsLines)
    {
        var left = text.AsSpan(0, Math.Min(text?.Length ?? 0, limit));
        for (var marks = 0; !left.IsEmpty;)
        {
            if (Rune.DecodeFromUtf16(left, out var rune, out var length) == OperationStatus.Done)
            {
                var category = Rune.GetUnicodeCategory(rune);
                marks = category is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark ? marks + 1 : 0;
                Append(markup, rune, category, keepsLines, marks > MostMarks);
            }
            else
            {
                // A byte of a file's name that is not UTF-8, as TarText keeps it; or half of a pair.
                _ = left[0] is >= '\uDC80' and <= '\uDCFF' ? markup.Append(CultureInfo.InvariantCulture, $"\\x{left[0] - 0xDC00:X2}") : Code(markup, left[0]);
            }
            left = left[length..];
        }
        if (text?.Length > limit)
            markup.Append(CultureInfo.InvariantCulture, $"… ({text.Length - limit} more characters)");
    }

    private static void Append(StringBuilder markup, Rune rune, UnicodeCategory category, bool keepsLines, bool isTooMuch)
    {
        switch (rune.Value)
        {
            case '&':
                markup.Append("&amp;");
                break;
            case '<':
                markup.Append("&lt;");
                break;
            case '>':
                markup.Append("&gt;");
                break;
            case '"':
                markup.Append("&quot;");
                break;
            case '\'':
                markup.Append("&#39;");
                break;
            case '\n' or '\t' when keepsLines:
                markup.Append((char)rune.Value);
                break;
            case '\n':
                markup.Append('↵');
                break;
            case '\t':
                markup.Append('→');
                break;
            case '\r' when keepsLines:
                break;
            default:
                if (isTooMuch || category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned)
                    Code(markup, rune.Value);
                else
                    markup.Append(rune.ToString());
                break;
        }
    }

    private static StringBuilder Code(StringBuilder markup, int value) => markup.Append(CultureInfo.InvariantCulture, $"⟨U+{value:X4}⟩");
}
