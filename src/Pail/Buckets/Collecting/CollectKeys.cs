using System.Globalization;

namespace Pail.Buckets.Collecting;

/// <summary>
/// Names what collections keep in the bucket, in both layouts.
/// <code>
/// pail/gc/state              the register
/// pail/gc/round/N/UUID       a marker: keys that somebody needs, of those condemned in round N
/// pail/gc/links              what each manifest names, so that the next collection need not read it
/// </code>
/// </summary>
internal static class CollectKeys
{
    public const string Prefix = "pail/gc/";
    public const string Links = Prefix + "links";

    private const string Rounds = Prefix + "round/";

    /// <summary>What the markers of a round begin with.</summary>
    public static string MarkersOf(long round) => string.Create(CultureInfo.InvariantCulture, $"{Rounds}{round}/");

    /// <summary>A new marker.</summary>
    public static string NewMarker(long round) => $"{MarkersOf(round)}{Guid.NewGuid():n}";

    /// <summary>The round of a marker; null if the key is none.</summary>
    public static long? RoundOf(string key)
    {
        if (!key.StartsWith(Rounds, StringComparison.Ordinal))
            return null;
        var slash = key.IndexOf('/', Rounds.Length);
        return slash > 0 && long.TryParse(key.AsSpan(Rounds.Length, slash - Rounds.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var round)
            && Guid.TryParseExact(key.AsSpan(slash + 1), "N", out _) ? round : null;
    }
}
