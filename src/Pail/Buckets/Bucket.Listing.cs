using System.Runtime.CompilerServices;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

public sealed partial class Bucket
{
    /// <summary>Lists the repositories that hold a manifest, strictly after one if given; in the order of the layout's keys. One LIST for each 1,000 tags.</summary>
    public async IAsyncEnumerable<RepositoryName> ListRepositoriesAsync(RepositoryName? after = null, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var start = after is { } last ? Layout.RepositoryStart(last) : null;
        var seen = new HashSet<RepositoryName>();
        var names = Store.ListPagesAsync(Layout.RepositoryQuery with { StartAfter = start }, cancel).SelectMany(NameList.NamesOf).Select(Layout.ReadRepository).Where(name => name is not null).Select(name => name!.Value);
        await foreach (var name in Layout.NamesSortAsKeys ? names : NameList.SortAsync(names, after))
            if (seen.Add(name))
                yield return name;
    }

    /// <summary>
    /// Lists at most so many repositories that hold a manifest, strictly after one if given; in the order of the layout's keys.
    /// One LIST for each 1,000 keys passed, and one for each repository that has more tags than that.
    /// In a pool everything is listed for each page. Repositories that are not to be shown count as passed: pages are full all the same.
    /// </summary>
    internal async Task<NamePage> ListRepositoryPageAsync(RepositoryName? after, int limit, Func<RepositoryName, bool>? shows = null, CancellationToken cancel = default)
    {
        if (!Layout.NamesSortAsKeys)
            return NamePage.Of(await ListRepositoriesAsync(null, cancel).Where(Shows).Select(name => name.ToString()).ToListAsync(cancel), after?.ToString(), limit);
        var names = new List<string>();
        var seen = new HashSet<string>();
        var query = Layout.RepositoryQuery with { StartAfter = after is { } last ? Layout.RepositoryStart(last) : null };
        while (true)
        {
            var page = await Store.ListAsync(query, cancel);
            var passed = NameList.NamesOf(page).Select(Layout.ReadRepository).ToList();
            names.AddRange(passed.OfType<RepositoryName>().Where(Shows).Select(name => name.ToString()).Where(seen.Add));
            if (names.Count > limit)
                return new NamePage(names[..limit], More: true, Found: true);
            if (page.Continuation is null)
                return new NamePage(names, More: false, names.Count > 0);
            // A whole page of one repository's tags: the rest of them is passed over.
            query = passed is [{ } first, ..] && passed[^1] == first
                ? query with { StartAfter = Layout.RepositoryStart(first), Continuation = null }
                : query with { Continuation = page.Continuation };
        }

        bool Shows(RepositoryName name) => shows is null || shows(name);
    }

    /// <summary>
    /// Lists every object of the bucket once, in key order, with what it is: blobs, manifests, tags, lists, memory, staged
    /// bytes, and what is none of Pail's. One LIST for each 1,000 objects, and none else. What is written meanwhile may be missing.
    /// </summary>
    public IAsyncEnumerable<BucketItem> ListItemsAsync(CancellationToken cancel = default) => ListItemsAsync(new ListQuery(""), cancel);

    /// <summary>Lists some objects of the bucket as <see cref="ListItemsAsync(CancellationToken)"/> does. One LIST for each 1,000 that the query shows.</summary>
    internal IAsyncEnumerable<BucketItem> ListItemsAsync(ListQuery query, CancellationToken cancel) =>
        Store.ListObjectsAsync(query, cancel).Select(entry => new BucketItem(Layout.Read(entry.Key), entry));
}

/// <summary>An object of a bucket.</summary>
/// <param name="Meaning">What it is: its kind, repository, digest and tag.</param>
/// <param name="Entry">Its key, size, time and version.</param>
public sealed record BucketItem(KeyMeaning Meaning, ObjectEntry Entry);

/// <summary>A page of names.</summary>
/// <param name="Names">The names, in order.</param>
/// <param name="More">True if there may be more after the last.</param>
/// <param name="Found">False if there is nothing at all: no such repository, or an empty bucket.</param>
internal sealed record NamePage(IReadOnlyList<string> Names, bool More, bool Found)
{
    /// <summary>The page of a list that is known whole.</summary>
    internal static NamePage Of(List<string> sorted, string? after, int limit)
    {
        var rest = sorted.Where(name => after is null || string.CompareOrdinal(name, after) > 0).Take(limit + 1).ToList();
        return new NamePage(rest.Count > limit ? rest[..limit] : rest, rest.Count > limit, sorted.Count > 0);
    }
}
