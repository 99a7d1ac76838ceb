using System.Globalization;

namespace Pail.Buckets;

/// <summary>Where pull times are: <c>pail/pulls/YYYY-MM-DD-HH/WRITER.json</c>, one writer each.</summary>
internal static class PullKeys
{
    /// <summary>What all of them begin with.</summary>
    public const string Prefix = "pail/pulls/";

    /// <summary>The writer of what was read from logs.</summary>
    public const string Imported = "imported";

    /// <summary>The largest object that is read, in bytes.</summary>
    public const int MaxSize = 64 << 20;

    private const string HourFormat = "yyyy-MM-dd-HH";

    /// <summary>The hour that a time is in.</summary>
    public static DateTimeOffset HourOf(DateTimeOffset time) => new(time.UtcTicks / TimeSpan.TicksPerHour * TimeSpan.TicksPerHour, TimeSpan.Zero);

    /// <summary>What the objects of an hour begin with.</summary>
    public static string PrefixOf(DateTimeOffset hour) => Prefix + hour.UtcDateTime.ToString(HourFormat, CultureInfo.InvariantCulture) + "/";

    /// <summary>The key of what one writer saw in an hour.</summary>
    public static string Of(DateTimeOffset hour, string writer) => $"{PrefixOf(hour)}{writer}.json";

    /// <summary>The hour that a key is about; null for other keys.</summary>
    public static DateTimeOffset? HourIn(string key) =>
        key.StartsWith(Prefix, StringComparison.Ordinal) && key.Length > Prefix.Length + HourFormat.Length && key[Prefix.Length + HourFormat.Length] == '/'
        && key.EndsWith(".json", StringComparison.Ordinal)
        && DateTimeOffset.TryParseExact(key.AsSpan(Prefix.Length, HourFormat.Length), HourFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var hour)
            ? hour
            : null;
}
