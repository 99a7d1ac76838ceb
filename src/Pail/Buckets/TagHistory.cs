using System.Globalization;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>That a tag named a manifest until it was moved.</summary>
/// <param name="Digest">What it named.</param>
/// <param name="Until">When it was moved.</param>
/// <param name="By">Who moved it, as far as is known.</param>
internal sealed record TagMove(Digest Digest, DateTimeOffset Until, string By);

/// <summary>
/// What a tag named before, newest first: in the metadata of its own object, so that it costs no request. S3 keeps 2 KB of metadata, which is room
/// for about twenty moves.
/// <code>SECONDS,DIGEST,WHO;SECONDS,DIGEST,WHO</code>
/// </summary>
internal static class TagHistory
{
    public const string Metadata = "pailhistory";

    /// <summary>The moves that an object states; none if it states none, or what can't be read.</summary>
    public static IReadOnlyList<TagMove> Read(ObjectInfo info)
    {
        List<TagMove> moves = [];
        foreach (var entry in info.Metadata.GetValueOrDefault(Metadata)?.Split(';', StringSplitOptions.RemoveEmptyEntries) ?? [])
            if (entry.Split(',') is [var time, var text, var by] && long.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds() && Digest.TryParse(text, out var digest))
                moves.Add(new(digest, DateTimeOffset.FromUnixTimeSeconds(seconds), Uri.UnescapeDataString(by)));
        return moves;
    }
}
