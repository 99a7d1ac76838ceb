using System.Globalization;
using System.Text;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>That a tag named a manifest until it was moved or removed.</summary>
/// <param name="Digest">What it named; null if there was no such tag until then.</param>
/// <param name="Until">When it was moved.</param>
/// <param name="By">Who moved it, as far as is known.</param>
internal sealed record TagMove(Digest? Digest, DateTimeOffset Until, string By);

/// <summary>A time in which a tag named one manifest.</summary>
/// <param name="Digest">What it named; null if there was no such tag.</param>
/// <param name="Since">When that began; null if it is not known.</param>
/// <param name="Until">When it ended; null for what it names now.</param>
/// <param name="By">Who began it; null if it is not known.</param>
internal sealed record TagPeriod(Digest? Digest, DateTimeOffset? Since, DateTimeOffset? Until, string? By);

/// <summary>
/// What a tag named before, newest first: in the metadata of its own object, so that it costs no request. S3 keeps 2 KB of metadata, which is room
/// for about fifteen moves; the oldest are dropped.
/// <code>SECONDS,DIGEST,WHO;SECONDS,DIGEST,WHO</code>
/// Who is escaped as in URLs; without a digest, there was no such tag until then.
/// </summary>
internal static class TagHistory
{
    public const string Metadata = "pailhistory";

    // S3 counts the names and values of an object's own metadata, in UTF-8, and takes 2,048 bytes.
    private const int MostMetadata = 2000;

    /// <summary>The moves that an object states; none if it states none, or what can't be read.</summary>
    public static IReadOnlyList<TagMove> Read(ObjectInfo info) => Parse(info.Metadata.GetValueOrDefault(Metadata));

    /// <summary>Reads what <see cref="Format"/> wrote; what can't be read is left out.</summary>
    public static IReadOnlyList<TagMove> Parse(string? text)
    {
        List<TagMove> moves = [];
        foreach (var entry in text?.Split(';', StringSplitOptions.RemoveEmptyEntries) ?? [])
            if (entry.Split(',') is [var time, var digest, var by] && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds() && (digest.Length == 0 || Digest.TryParse(digest, out _)))
                moves.Add(new(digest.Length == 0 ? null : Digest.Parse(digest), DateTimeOffset.FromUnixTimeSeconds(seconds), Uri.UnescapeDataString(by)));
        return moves;
    }

    /// <summary>Writes as many moves as there is room for, the newest first.</summary>
    /// <param name="moves">The moves, newest first.</param>
    /// <param name="room">The most bytes.</param>
    public static string Format(IEnumerable<TagMove> moves, int room = int.MaxValue)
    {
        var text = new StringBuilder();
        foreach (var move in moves)
        {
            var entry = string.Create(CultureInfo.InvariantCulture, $"{(text.Length > 0 ? ";" : "")}{Math.Max(0, move.Until.ToUnixTimeSeconds())},{move.Digest?.ToString() ?? ""},{Uri.EscapeDataString(move.By)}");
            if (text.Length + entry.Length > room)
                break;
            text.Append(entry);
        }
        return text.ToString();
    }

    /// <summary>Adds the moves to what a tag's object is written with.</summary>
    public static ObjectHeaders AddTo(ObjectHeaders headers, IReadOnlyList<TagMove> moves)
    {
        var taken = headers.Metadata.Sum(pair => Encoding.UTF8.GetByteCount(pair.Key) + Encoding.UTF8.GetByteCount(pair.Value));
        return Format(moves, MostMetadata - taken - Metadata.Length) is { Length: > 0 } text
            ? headers with { Metadata = new Dictionary<string, string>(headers.Metadata) { [Metadata] = text } }
            : headers;
    }

    /// <summary>The times in which a tag named one manifest each, newest first; the first is what it names now.</summary>
    public static IReadOnlyList<TagPeriod> Periods(TagState state)
    {
        List<TagPeriod> periods = [new(state.Names?.Digest, state.Moves is [var last, ..] ? last.Until : state.Written, null, state.Moves is [var first, ..] ? first.By : null)];
        for (var at = 0; at < state.Moves.Count; at++)
        {
            var before = at + 1 < state.Moves.Count ? state.Moves[at + 1] : null;
            // That there was no tag before the first push goes without saying.
            if (state.Moves[at].Digest is not null || before is not null)
                periods.Add(new(state.Moves[at].Digest, before?.Until, state.Moves[at].Until, before?.By));
        }
        return periods;
    }
}
