using System.Runtime.CompilerServices;
using System.Text;

namespace Pail.Server.Page;

/// <summary>
/// Markup. It is made of literals in this source, which are taken as they are, and of everything else, which is escaped and made visible
/// (<see cref="VisibleText"/>): <c>Html row = $"&lt;td&gt;{text}&lt;/td&gt;"</c>. Text that an image holds can't become markup, since no member takes it as that.
/// </summary>
[InterpolatedStringHandler]
internal readonly struct Html
{
    /// <summary>How many characters of one text are shown on a line, where nothing else is said.</summary>
    public const int LineLimit = 2000;

    private readonly StringBuilder? _markup;

    /// <summary>Begins markup; the compiler calls it.</summary>
    public Html(int literalLength, int formattedCount) => _markup = new StringBuilder(literalLength + (formattedCount * 24));

    /// <summary>No markup.</summary>
    public static Html None => default;

    /// <summary>Appends what stands in this source.</summary>
    public void AppendLiteral(string literal) => _markup!.Append(literal);

    /// <summary>Appends markup.</summary>
    public void AppendFormatted(Html markup) => _markup!.Append(markup._markup);

    /// <summary>Appends pieces of markup, one after the other.</summary>
    public void AppendFormatted(IEnumerable<Html> pieces)
    {
        foreach (var piece in pieces)
            _markup!.Append(piece._markup);
    }

    /// <summary>Appends text on one line, cut after <see cref="LineLimit"/> characters.</summary>
    public void AppendFormatted(string? text) => VisibleText.Append(_markup!, text, LineLimit, keepsLines: false);

    /// <summary>Appends text: with the format <c>pre</c> with its lines, with a number cut after so many characters.</summary>
    public void AppendFormatted(string? text, string format) =>
        VisibleText.Append(_markup!, text, format == "pre" ? int.MaxValue : int.Parse(format, System.Globalization.CultureInfo.InvariantCulture), keepsLines: format == "pre");

    /// <summary>Appends a number, a digest, a name.</summary>
    public void AppendFormatted(object? value) => AppendFormatted(value?.ToString());

    /// <inheritdoc/>
    public override string ToString() => _markup?.ToString() ?? "";
}
