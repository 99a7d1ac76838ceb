using System.Globalization;
using Pail.Oci;

namespace Pail.Server.Page;

/// <summary>Sizes, times, digests and numbers as pages show them.</summary>
internal static class Words
{
    /// <summary>A number and what is counted, in the plural where that is needed.</summary>
    public static string Count(long number, string what, string? plural = null) => $"{Number(number)} {(number == 1 ? what : plural ?? what + "s")}";

    /// <summary>A number, in groups of three digits.</summary>
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>How long ago something was; the time itself is shown where the pointer rests, and read to those who listen.</summary>
    public static Html Ago(DateTimeOffset now, DateTimeOffset? time) => time is not { } at
        ? (Html)$"""<span class="none">unknown</span>"""
        : $"""<time datetime="{at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)}" title="{at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture)}">{Ago(now - at)}</time>""";

    /// <summary>A size.</summary>
    public static string Size(double bytes) => ByteSize.Format(bytes);

    /// <summary>A digest, cut for people and whole for those who copy it.</summary>
    public static Html Digest(Digest digest, string? path = null)
    {
        Html cut = $"""<code class="digest" data-copy="{digest}" data-what="digest" title="{digest}">{digest.AlgorithmName}:{digest.Hex[..12]}</code>""";
        return path is null ? cut : $"""<code class="digest" data-copy="{digest}" data-what="digest" title="{digest}"><a href="{path}">{digest.AlgorithmName}:{digest.Hex[..12]}</a></code>""";
    }

    /// <summary>A table of names and what they say; nothing if there are none.</summary>
    public static Html Pairs(IEnumerable<(string Name, string Value)> pairs, int most = 200)
    {
        var all = pairs.ToList();
        return all.Count == 0 ? Html.None : $"""
            <dl class="pairs">{all.Take(most).Select(pair => (Html)$"<dt><code>{pair.Name:200}</code></dt><dd><code>{pair.Value}</code></dd>")}</dl>
            {(all.Count > most ? $"""<p class="note">{Count(all.Count - most, "more is", "more are")} not shown.</p>""" : Html.None)}
            """;
    }

    private static string Ago(TimeSpan time) => time switch
    {
        { TotalSeconds: < 60 } => "just now",
        { TotalMinutes: < 60 } => Count((long)time.TotalMinutes, "minute") + " ago",
        { TotalHours: < 48 } => Count((long)time.TotalHours, "hour") + " ago",
        { TotalDays: < 60 } => Count((long)time.TotalDays, "day") + " ago",
        { TotalDays: < 730 } => Count((long)(time.TotalDays / 30.4), "month") + " ago",
        _ => Count((long)(time.TotalDays / 365.25), "year") + " ago",
    };
}
