using System.Runtime.CompilerServices;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Buckets;

public sealed partial class BucketRegistry
{
    /// <summary>The tags of a repository in ordinal order, strictly after one if given. One LIST for each 1,000.</summary>
    public async IAsyncEnumerable<string> ListTagsAsync(RepositoryName repository, string? after, [EnumeratorCancellation] CancellationToken cancel)
    {
        var query = Layout.TagQuery(repository);
        var start = after is null ? null : Layout.TagStart(repository, after);
        var tags = ListAsync(query with { StartAfter = start }, name => Layout.ReadTag(repository, name), cancel);
        await foreach (var tag in Layout.TagStart(repository, "") is null ? SortAsync(tags, after) : tags)
            yield return tag;
    }

    /// <summary>The repositories that hold a manifest, strictly after one if given; in the order of the layout's keys.</summary>
    public async IAsyncEnumerable<RepositoryName> ListRepositoriesAsync(RepositoryName? after, [EnumeratorCancellation] CancellationToken cancel)
    {
        var start = after is { } last ? Layout.RepositoryStart(last) : null;
        var names = ListAsync(Layout.RepositoryQuery with { StartAfter = start }, name => Layout.ReadRepository(name)?.ToString(), cancel);
        var sorted = Layout.RepositoryStart(RepositoryName.Parse("a")) is null;
        var seen = new HashSet<string>();
        await foreach (var name in sorted ? SortAsync(names, after?.ToString()) : names)
            if (seen.Add(name))
                yield return RepositoryName.Parse(name);
    }

    private async IAsyncEnumerable<string> ListAsync(ListQuery query, Func<string, string?> read, [EnumeratorCancellation] CancellationToken cancel)
    {
        ListPage page;
        for (var next = query; ; next = query with { Continuation = page.Continuation })
        {
            var asked = next;
            page = await Engine.Retry.RunAsync(token => Store.ListAsync(asked, token), cancel);
            foreach (var name in Merge(page))
                if (read(name) is { } value)
                    yield return value;
            if (page.Continuation is null)
                yield break;
        }
    }

    // Keys and common prefixes come as two sorted lists; what they show is wanted in one order.
    private static IEnumerable<string> Merge(ListPage page) =>
        page.Prefixes.Count == 0 ? page.Objects.Select(item => item.Key) : page.Objects.Select(item => item.Key).Concat(page.Prefixes).Order(StringComparer.Ordinal);

    private static async IAsyncEnumerable<string> SortAsync(IAsyncEnumerable<string> names, string? after)
    {
        var sorted = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var name in names)
            if (after is null || string.CompareOrdinal(name, after) > 0)
                sorted.Add(name);
        foreach (var name in sorted)
            yield return name;
    }
}
