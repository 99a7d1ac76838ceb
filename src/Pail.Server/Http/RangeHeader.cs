using System.Globalization;

namespace Pail.Server.Http;

/// <summary>What a Range header asks of content of a known size.</summary>
/// <param name="Kind">All of it, a part, or nothing that there is.</param>
/// <param name="First">The first byte of the part.</param>
/// <param name="Length">How many bytes the part has.</param>
internal readonly record struct RangeAnswer(RangeKind Kind, long First = 0, long Length = 0);

internal enum RangeKind
{
    /// <summary>No range is asked for, or one in a form that is to be ignored.</summary>
    Whole,

    /// <summary>A part: 206.</summary>
    Part,

    /// <summary>Past the end, or ends before it begins: 416.</summary>
    Unsatisfiable,
}

/// <summary>Reads the Range header. Source: RFC 9110, 14.1.2 and 14.2.</summary>
internal static class RangeHeader
{
    private const string Unit = "bytes=";

    /// <summary>What the header asks for. Several ranges at once are ignored, as RFC 9110, 14.2 allows.</summary>
    /// <param name="header">The header's value, if there is one.</param>
    /// <param name="size">The size of the whole in bytes.</param>
    public static RangeAnswer Read(string? header, long size)
    {
        if (header is null || !header.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
            return new(RangeKind.Whole);
        var range = header.AsSpan(Unit.Length).Trim();
        var dash = range.IndexOf('-');
        if (dash < 0)
            return new(RangeKind.Whole);
        var before = range[..dash].Trim();
        var after = range[(dash + 1)..].Trim();
        return before.IsEmpty ? Suffix(after, size) : Between(before, after, size);
    }

    /// <summary>True for a header that asks for several ranges at once.</summary>
    public static bool IsOfSeveral(string? header) => header is not null && header.Contains(',', StringComparison.Ordinal);

    private static RangeAnswer Suffix(ReadOnlySpan<char> text, long size) => Number(text) switch
    {
        null => new(RangeKind.Whole),
        0 => new(RangeKind.Unsatisfiable),
        // All of nothing: there is no way to write an empty part.
        _ when size == 0 => new(RangeKind.Whole),
        { } length => new(RangeKind.Part, Math.Max(0, size - length), Math.Min(length, size)),
    };

    private static RangeAnswer Between(ReadOnlySpan<char> from, ReadOnlySpan<char> to, long size)
    {
        var last = to.IsEmpty ? long.MaxValue : Number(to);
        if (Number(from) is not { } first || last is null)
            return new(RangeKind.Whole);
        return first >= size || last < first
            ? new(RangeKind.Unsatisfiable)
            : new(RangeKind.Part, first, Math.Min(last.Value, size - 1) - first + 1);
    }

    // Digits only; what no long can hold is past the end of everything.
    private static long? Number(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty || text.ContainsAnyExceptInRange('0', '9'))
            return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : long.MaxValue;
    }
}
