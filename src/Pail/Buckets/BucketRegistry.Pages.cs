using Pail.Oci;

namespace Pail.Buckets;

/// <summary>A page of names.</summary>
/// <param name="Names">The names, in order.</param>
/// <param name="More">True if there may be more after the last.</param>
/// <param name="Found">False if there is nothing at all: no such repository, or an empty bucket.</param>
public sealed record NamePage(IReadOnlyList<string> Names, bool More, bool Found);

public sealed partial class BucketRegistry
{
    private const int MaxPage = 1000;

    /// <summary>
    /// At most so many tags of a repository, in ordinal order, strictly after one if given. One LIST for each 1,000 wanted;
    /// may have a few less than wanted, with more to come. In a pool all tags of the repository are listed for each page.
    /// </summary>
    public async Task<NamePage> ListTagPageAsync(RepositoryName repository, string? after, int limit, CancellationToken cancel)
    {
        if (Layout.TagStart(repository, "") is null)
            return Slice(await ListTagsAsync(repository, null, cancel).ToListAsync(cancel), after, limit);
        var tags = new List<string>();
        var found = false;
        var query = Layout.TagQuery(repository) with { StartAfter = after is null ? null : Layout.TagStart(repository, after) };
        while (true)
        {
            // Two more: all digests of an algorithm are folded into one entry. What S3 lists at once is one request, so the
            // one or two that these entries take away from a full page are not worth another.
            var asked = query with { Limit = Math.Clamp(limit - tags.Count + 2, 1, MaxPage) };
            var page = await Engine.Retry.RunAsync(token => Store.ListAsync(asked, token), cancel);
            tags.AddRange(Merge(page).Select(name => Layout.ReadTag(repository, name)).OfType<string>());
            found |= tags.Count > 0 || page.Prefixes.Any(prefix => prefix.AsSpan(query.Prefix.Length) is "sha256:" or "sha512:");
            if (tags.Count > limit)
                return new NamePage(tags[..limit], More: true, found);
            if (page.Continuation is null || (tags.Count > 0 && limit - tags.Count <= 2))
                return new NamePage(tags, page.Continuation is not null, found);
            query = query with { Continuation = page.Continuation };
        }
    }

    /// <summary>
    /// At most so many repositories that hold a manifest, strictly after one if given; in the order of the layout's keys.
    /// One LIST for each 1,000 keys passed, and one for each repository that has more tags than that.
    /// In a pool everything is listed for each page.
    /// </summary>
    public async Task<NamePage> ListRepositoryPageAsync(RepositoryName? after, int limit, CancellationToken cancel)
    {
        if (Layout.RepositoryStart(RepositoryName.Parse("a")) is null)
            return Slice(await ListRepositoriesAsync(null, cancel).Select(name => name.ToString()).ToListAsync(cancel), after?.ToString(), limit);
        var names = new List<string>();
        var seen = new HashSet<string>();
        var query = Layout.RepositoryQuery with { StartAfter = after is { } last ? Layout.RepositoryStart(last) : null };
        while (true)
        {
            var asked = query;
            var page = await Engine.Retry.RunAsync(token => Store.ListAsync(asked, token), cancel);
            var passed = Merge(page).Select(Layout.ReadRepository).ToList();
            names.AddRange(passed.OfType<RepositoryName>().Select(name => name.ToString()).Where(seen.Add));
            if (names.Count > limit)
                return new NamePage(names[..limit], More: true, Found: true);
            if (page.Continuation is null)
                return new NamePage(names, More: false, names.Count > 0);
            // A whole page of one repository's tags: the rest of them is passed over.
            query = passed[0] is { } first && passed[^1] == first
                ? query with { StartAfter = Layout.RepositoryStart(first), Continuation = null }
                : query with { Continuation = page.Continuation };
        }
    }

    private static NamePage Slice(List<string> sorted, string? after, int limit)
    {
        var rest = sorted.Where(name => after is null || string.CompareOrdinal(name, after) > 0).Take(limit + 1).ToList();
        return new NamePage(rest.Count > limit ? rest[..limit] : rest, rest.Count > limit, sorted.Count > 0);
    }
}
