using System.Globalization;

namespace Pail;

/// <summary>Reads and writes sizes in bytes. All options, variables and files read sizes by it.</summary>
internal static class ByteSize
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    private static readonly Dictionary<string, long> Factors = new(StringComparer.OrdinalIgnoreCase)
    {
        [""] = 1,
        ["B"] = 1,
        ["K"] = 1L << 10,
        ["M"] = 1L << 20,
        ["G"] = 1L << 30,
        ["T"] = 1L << 40,
        ["KiB"] = 1L << 10,
        ["MiB"] = 1L << 20,
        ["GiB"] = 1L << 30,
        ["TiB"] = 1L << 40,
        ["KB"] = 1_000,
        ["MB"] = 1_000_000,
        ["GB"] = 1_000_000_000,
        ["TB"] = 1_000_000_000_000,
    };

    /// <summary>A size with three digits and its unit: <c>12.3 MiB</c>.</summary>
    public static string Format(double bytes)
    {
        var unit = 0;
        // 1023.95 and more would be written 1024.0.
        for (; Math.Abs(bytes) >= 1023.95 && unit < Units.Length - 1; unit++)
            bytes /= 1024;
        return unit == 0 || Math.Abs(bytes) >= 99.95
            ? string.Create(CultureInfo.InvariantCulture, $"{bytes:0} {Units[unit]}")
            : string.Create(CultureInfo.InvariantCulture, $"{bytes:0.0} {Units[unit]}");
    }

    /// <summary>
    /// Reads <c>64MiB</c>, <c>1.5G</c>, <c>100MB</c> or a number of bytes; case does not matter. <c>K</c> and <c>KiB</c> are
    /// 1,024 bytes, <c>KB</c> is 1,000. Fractions of a byte are cut off.
    /// </summary>
    /// <exception cref="FormatException">The text is no size; the message says what is expected.</exception>
    public static long Parse(string text) =>
        TryParse(text, out var bytes) ? bytes : throw new FormatException("a size is expected, such as 64MiB, 1.5GiB or a number of bytes");

    /// <summary>Reads what <see cref="Parse"/> does; false if the text is no size.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        var digits = text.AsSpan().Trim().TrimEnd("BKMGTIbkmgti").Trim();
        var unit = text.AsSpan().Trim()[digits.Length..].Trim().ToString();
        bytes = 0;
        if (!Factors.TryGetValue(unit, out var factor) || !decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) || number > long.MaxValue / factor)
            return false;
        bytes = (long)(number * factor);
        return true;
    }
}
