using System.Globalization;
using Pail.Copy;
using Pail.Oci;
using Pail.Places;
using Pail.Policies;

namespace Pail.Cli.Commands;

/// <summary>The tags of a repository, in a bucket or a registry.</summary>
internal static class RepositoryTags
{
    private const int AtOnce = 8;

    /// <summary>Lists them in the order of their characters.</summary>
    /// <exception cref="PailException">The address names no repository, or there is none, or it has no tag.</exception>
    public static async Task<List<string>> ListAsync(VerbRun session, Address repository, CancellationToken cancel)
    {
        // Not every registry sorts.
        var tags = await (await session.Sources.ListTagsAsync(repository, cancel)).Order(StringComparer.Ordinal).ToListAsync(cancel);
        return tags.Count > 0 ? tags : throw new PailException(Failure.NotFound, $"{repository}: no such repository, or one without tags.");
    }

    /// <summary>Those of them that one of the patterns matches: see <see cref="Glob"/>.</summary>
    public static async Task<IReadOnlyList<Reference>> ListAsync(VerbRun session, Address repository, string[] patterns, CancellationToken cancel)
    {
        var globs = Array.ConvertAll(patterns, Pattern);
        var all = await ListAsync(session, repository, cancel);
        var matching = all.Where(tag => Array.Exists(globs, glob => glob.Matches(tag))).Select(Reference.Parse).ToList();
        return matching.Count > 0 ? matching : throw new PailException(Failure.NotFound, $"{repository}: none of its {all.Count} tags matches {SafeText.OneLine(string.Join(" or ", patterns))}.");
    }

    private static Glob Pattern(string text)
    {
        try
        {
            return Glob.OfTags(text);
        }
        catch (FormatException e)
        {
            throw Addressed.Bad(text, $"{e.Message.TrimEnd('.')}.");
        }
    }

    /// <summary>Those of the images that were made since then; how many were not, and how many don't say, is told.</summary>
    public static async Task<IReadOnlyList<Address>> SinceAsync(VerbRun session, IReadOnlyList<Address> images, DateTimeOffset since, CancellationToken cancel)
    {
        var made = new DateTimeOffset?[images.Count];
        await Parallel.ForAsync(0, images.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (at, token) =>
        {
            await using var source = await session.Sources.OpenSourceAsync(images[at], cancel: token);
            made[at] = await ImageAge.ReadAsync(source, token);
        });
        IReadOnlyList<Address> chosen = [.. images.Where((_, at) => made[at] >= since)];
        var silent = made.Count(time => time is null);
        session.Say($"{chosen.Count} of {images.Count} matching tags made since {since.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture)}{(silent > 0 ? $"; {silent} left out that don't say when" : "")}.");
        return chosen;
    }
}
