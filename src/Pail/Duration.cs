using System.Buffers;
using System.Globalization;

namespace Pail;

/// <summary>Reads and writes durations. All options, variables and files read durations by it.</summary>
internal static class Duration
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    /// <summary>Writes a duration as <c>0.4 s</c>, <c>12 s</c>, <c>3:05</c>, <c>1:02:03</c>.</summary>
    public static string Format(TimeSpan time) => time.TotalSeconds switch
    {
        < 9.95 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"),
        < 59.5 => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s"),
        < 3599.5 => Minutes((long)Math.Round(time.TotalSeconds)),
        var seconds and < 360_000 => Hours((long)Math.Round(seconds)),
        _ => "days",
    };

    /// <summary>
    /// Reads <c>500ms</c>, <c>30s</c>, <c>15m</c>, <c>1.5h</c>, <c>7d</c>, <c>2w</c>, <c>1h30m</c> or a number of seconds; case
    /// does not matter. At most <see cref="Longest"/>.
    /// </summary>
    /// <exception cref="FormatException">The text is no duration; the message says what is expected.</exception>
    public static TimeSpan Parse(string text) =>
        TryParse(text, out var time) ? time : throw new FormatException("a time is expected, such as 500ms, 30s, 15m, 1.5h or 7d");

    /// <summary>The longest duration that is read: a thousand years.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromDays(365_250);

    /// <summary>Reads what <see cref="Parse"/> does; false if the text is no duration.</summary>
    public static bool TryParse(string text, out TimeSpan time)
    {
        time = TimeSpan.Zero;
        var rest = text.AsSpan().Trim();
        // Seconds without a unit stand alone: 1h30 could be minutes as well.
        if (Number(rest) is { } seconds)
            return Add(ref time, seconds, 1);
        while (!rest.IsEmpty)
        {
            var unit = rest.IndexOfAnyExcept(Digits);
            if (unit <= 0)
                return false;
            var end = rest[unit..].IndexOfAny(Digits) is var next and > 0 ? unit + next : rest.Length;
            if (Number(rest[..unit]) is not { } number || Seconds(rest[unit..end].Trim()) is not { } factor || !Add(ref time, number, factor))
                return false;
            rest = rest[end..];
        }
        return text.AsSpan().Trim().Length > 0;
    }

    private static decimal? Number(ReadOnlySpan<char> text) =>
        decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static decimal? Seconds(ReadOnlySpan<char> unit) => unit switch
    {
        "ms" or "MS" or "Ms" or "mS" => 0.001m,
        "s" or "S" => 1,
        "m" or "M" => 60,
        "h" or "H" => 3600,
        "d" or "D" => 86_400,
        "w" or "W" => 604_800,
        _ => null,
    };

    private static bool Add(ref TimeSpan time, decimal number, decimal factor)
    {
        if (number > (decimal)Longest.TotalSeconds / factor)
            return false;
        time += TimeSpan.FromTicks((long)(number * factor * TimeSpan.TicksPerSecond));
        return time <= Longest;
    }

    private static string Minutes(long seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60}:{seconds % 60:00}");

    private static string Hours(long seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600}:{seconds / 60 % 60:00}:{seconds % 60:00}");
}
