using System.Globalization;

namespace Pail.Cli.Output;

/// <summary>Sizes as people read and write them.</summary>
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

    /// <summary>Reads <c>64MiB</c>, <c>1.5G</c>, <c>100MB</c> or a number of bytes. Without an <c>i</c> and with a <c>B</c>, thousands count.</summary>
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
