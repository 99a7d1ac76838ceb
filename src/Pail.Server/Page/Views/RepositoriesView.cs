using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Access;
using Pail.Server.Caches;
using Pail.Server.Errors;

namespace Pail.Server.Page.Views;

/// <summary>
/// The repositories, page by page, with what the listing of their tags shows. At most <see cref="MaxLists"/> LIST requests for them, and one for the size of each
/// of the page that was pushed to since its size was seen.
/// </summary>
internal sealed class RepositoriesView
{
    private const int PageSize = 50;
    private const int MaxLists = 60;
    private const int AtOnce = 16;

    private readonly BoundedCache<Key, string> _sizes = new(1 << 14, static _ => 1);

    public async Task<RegistryError?> ShowAsync(PageRequest page)
    {
        var visitor = Visitor.Of(page.Context);
        if (visitor?.MayList() == false)
            return page.Refuse();
        var q = page.Query("q")?.Trim();
        RepositoryName? after = RepositoryName.TryParse(page.Query("after"), out var last) ? last : null;
        var bucket = page.Services.Bucket;
        var found = await bucket.SummariseAsync(after, PageSize, MaxLists, name => (visitor is null || visitor.MaySee(name)) && (q is null || name.ToString().Contains(q, StringComparison.OrdinalIgnoreCase)), page.Cancel);
        var sizes = await SizesAsync(bucket, found.Repositories, page.Cancel);
        return await page.ShowAsync("Repositories", Body(page, found, sizes, q, after), status: 200);
    }

    private static Html Body(PageRequest page, SummaryPage found, IReadOnlyDictionary<RepositoryName, string> sizes, string? q, RepositoryName? after) => $"""
        <h1>Repositories</h1>
        <form class="search" role="search" action="/">
        <label for="q">Search repositories</label>
        <input id="q" name="q" type="search" value="{q}" data-filter="repositories" autocomplete="off" spellcheck="false" placeholder="part of a name">
        <button>Search</button>
        </form>
        {(found.Repositories.Count == 0 ? Empty(q, after) : Table(page, found, sizes))}
        {(found.IsCut ? $"""<p class="note">The search stopped here, after {MaxLists} requests; it goes on from the next page.</p>""" : Html.None)}
        {(found.Next is { } next ? $"""<nav class="pages" aria-label="Pages"><a class="button" href="{PageRoute.With("/", ("q", q), ("after", next.ToString()))}">Next page</a></nav>""" : Html.None)}
        """;

    private static Html Empty(string? q, RepositoryName? after) => q is not null
        ? $"""<p class="empty">No repository {(after is null ? "" : "after this one ")}has “{q:200}” in its name. <a href="/">All repositories</a></p>"""
        : (Html)$"""<p class="empty">There is no repository here that you may see. Push an image to make one.</p>""";

    private static Html Table(PageRequest page, SummaryPage found, IReadOnlyDictionary<RepositoryName, string> sizes) => $"""
        <table id="repositories" class="list">
        <caption class="hidden">Repositories</caption>
        <thead><tr><th scope="col">Repository</th><th scope="col" class="number">Tags</th><th scope="col" class="number">Size</th><th scope="col">Last push</th></tr></thead>
        <tbody>
        {found.Repositories.OrderBy(item => item.Name.ToString(), StringComparer.Ordinal).Select(item => (Html)$"""
            <tr data-name="{item.Name}"><th scope="row"><a href="{PageRoute.To("tags", item.Name)}">{Nested(item.Name)}</a></th><td class="number" data-label="Tags">{Words.Number(item.Tags)}{(item.HasMore ? "+" : "")}</td><td class="number" data-label="Size">{sizes.GetValueOrDefault(item.Name, "–")}</td><td data-label="Last push">{Words.Ago(page.Now, item.Pushed)}</td></tr>
            """)}
        </tbody>
        </table>
        """;

    // The last part is what people look for.
    private static Html Nested(RepositoryName name)
    {
        var text = name.ToString();
        var slash = text.LastIndexOf('/') + 1;
        return slash == 0 ? (Html)$"{text}" : $"""<span class="above">{text[..slash]}</span>{text[slash..]}""";
    }

    private async Task<IReadOnlyDictionary<RepositoryName, string>> SizesAsync(Bucket bucket, IReadOnlyList<RepositorySummary> repositories, CancellationToken cancel)
    {
        var sizes = new System.Collections.Concurrent.ConcurrentDictionary<RepositoryName, string>();
        if (bucket.SharesBlobs)
            return sizes;
        await Parallel.ForEachAsync(repositories, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (item, token) =>
        {
            // What was pushed since then is seen by the tags.
            var key = new Key(item.Name, item.Tags, item.Pushed ?? default);
            if (!_sizes.TryGet(key, out var size))
                _sizes.Set(key, size = await bucket.Repository(item.Name).Blobs.MeasureAsync(1, token) is var (bytes, isAll) ? $"{(isAll ? "" : "over ")}{Words.Size(bytes)}" : "–");
            sizes[item.Name] = size;
        });
        return sizes;
    }

    private readonly record struct Key(RepositoryName Repository, int Tags, DateTimeOffset Pushed);
}
