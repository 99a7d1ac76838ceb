using System.Globalization;
using Pail.Buckets.Collecting;
using Pail.Oci;

namespace Pail.Buckets;

/// <summary>Finds what a tag named before, and makes it name that again.</summary>
internal static class TagRollback
{
    private const int MostCollections = 5;
    private const int LongestNumber = 4;

    /// <summary>Finds what the tag named: N moves ago, by digest (or how it begins), or at a time.</summary>
    /// <param name="image">The tag's address, for messages.</param>
    /// <param name="periods">Its history.</param>
    /// <param name="to">N, or a digest.</param>
    /// <exception cref="PailException">History holds no such thing.</exception>
    public static Digest Find(string image, IReadOnlyList<TagPeriod> periods, string to)
    {
        var named = periods.Where(period => period.Digest is not null).ToList();
        if (to.Length <= LongestNumber && int.TryParse(to, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number < named.Count ? named[number].Digest!.Value : throw new PailException(Failure.NotFound, $"{image}: its history holds {named.Count - 1} moves, not {number}. {Hint(image)}");
        var matching = named.Select(period => period.Digest!.Value).Where(digest => digest.ToString().StartsWith(to, StringComparison.Ordinal)).Distinct().ToList();
        return matching switch
        {
            [var only] => only,
            [] => throw new PailException(Failure.NotFound, $"{image}: its history does not hold {SafeText.OneLine(to)}. {Hint(image)}"),
            _ => throw new PailException(Failure.BadInput, $"{image}: {matching.Count} digests of its history begin so; write more of it."),
        };
    }

    /// <summary>Finds what the tag named at a time.</summary>
    /// <exception cref="PailException">There was no such tag then, or history does not reach so far.</exception>
    public static Digest At(string image, IReadOnlyList<TagPeriod> periods, DateTimeOffset time)
    {
        var known = periods.Where(period => period.Since is not null).ToList();
        if (known.Find(period => period.Since <= time) is { } found)
            return found.Digest ?? throw new PailException(Failure.NotFound, $"{image}: there was no such tag at {Written(time)}. {Hint(image)}");
        throw new PailException(Failure.NotFound, periods.Count > known.Count
            ? $"{image}: its history does not reach back to {Written(time)}; what it named since is known from {(known is [.., var oldest] ? Written(oldest.Since!.Value) : "now")} on. {Hint(image)}"
            : $"{image}: there was no such tag yet at {Written(time)}; its history begins at {Written(known[^1].Since!.Value)}.");
    }

    /// <summary>Makes a tag name what it named before, once all parts of that were found to be there. One HEAD and one PUT, a GET for each manifest and a HEAD for each blob.</summary>
    /// <returns>What it named until now; the same digest if there was nothing to do.</returns>
    /// <exception cref="PailException">There is no such tag (<see cref="Failure.NotFound"/>), or a part is gone: the tag is not moved.</exception>
    public static async Task<Digest?> MoveAsync(Repository repository, string tag, Digest digest, CancellationToken cancel)
    {
        for (var collections = 0; ; collections++)
        {
            // All that is found is believed by the write alone that comes before the next collection ends.
            repository = repository.Anew();
            await repository.BeginAsync(cancel);
            var before = await repository.Tags.LookAsync(tag, cancel);
            if (!before.Exists)
                throw new PailException(Failure.NotFound, $"{NameOf(repository, tag)}: no such tag. 'pail undelete' brings back one that was removed.");
            if (before.Names?.Digest == digest)
                return digest;
            var manifest = await repository.Manifests.GetAsync(Reference.Of(digest), cancel)
                ?? throw new PailException(Failure.NotFound, $"{NameOf(repository, tag)}: {digest} is gone from the repository. 'pail undelete' brings back what was removed lately.");
            if (await repository.Manifests.FindMissingAsync(manifest, cancel) is { Count: > 0 } missing)
                throw new PailException(Failure.BadContent, $"{NameOf(repository, tag)}: {missing.Count} parts of {digest} are gone, {missing[0]} among them; the tag is not moved.");
            try
            {
                await repository.Bucket.Holds.AddImageAsync(repository, digest, anyway: false, cancel);
                await repository.Tags.PutAsync(manifest, tag, before, cancel);
                return before.Names?.Digest;
            }
            catch (CollectedException) when (collections < MostCollections)
            {
                // What was found may be gone: all of it is looked for again.
            }
        }
    }

    /// <summary>A time as people read it.</summary>
    public static string Written(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string NameOf(Repository repository, string tag) => $"{repository.Bucket.Name}, {repository.Name}:{tag}";

    private static string Hint(string image) => $"'pail history {image}' shows it.";
}
