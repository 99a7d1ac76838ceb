using Pail.Access;
using Pail.Oci;
using Pail.Retention;
using Pail.Server.Errors;
using Pail.Stores;

namespace Pail.Server.Page.Views;

/// <summary>
/// The tags of a repository, page by page: versions by their precedence, the highest first, then the others, the newest first. A LIST for each 1,000 tags, of
/// at most <see cref="MaxTags"/>, and at most two GETs for each tag of the page that is not known.
/// </summary>
internal sealed class TagsView(PageReader reader)
{
    private const int PageSize = 50;
    private const int MaxTags = 20_000;
    private const int AtOnce = 16;

    public async Task<RegistryError?> ShowAsync(PageRequest page)
    {
        if (!page.May(AccessActions.List, page.Repository))
            return page.Refuse();
        var q = page.Query("q")?.Trim();
        var number = int.TryParse(page.Query("page"), out var asked) && asked > 0 ? asked : 1;
        var all = await page.Services.Bucket.Repository(page.Repository).Tags.ListEntriesAsync(page.Cancel).Where(item => !Images.ReferrerTags.IsOne(item.Tag)).Take(MaxTags + 1).ToListAsync(page.Cancel);
        if (all.Count == 0)
            return RegistryError.NameUnknown.About(page.Repository.ToString());
        var matching = Sort(all.Take(MaxTags).Where(item => q is null || item.Tag.Contains(q, StringComparison.OrdinalIgnoreCase)));
        var shown = matching.Skip((number - 1) * PageSize).Take(PageSize).ToList();
        var facts = await FactsAsync(page, shown);
        Html body = $"""
            <h1>{page.Repository}</h1>
            <p class="lead">{Words.Count(all.Count > MaxTags ? MaxTags : all.Count, "tag")}{(all.Count > MaxTags ? ", and more that are not shown" : "")}. {Removed(page)}</p>
            <form class="search" role="search" action="{PageRoute.To("tags", page.Repository)}">
            <label for="q">Search tags</label>
            <input id="q" name="q" type="search" value="{q}" data-filter="tags" autocomplete="off" spellcheck="false" placeholder="part of a tag">
            <button>Search</button>
            </form>
            {(shown.Count == 0 ? $"""<p class="empty">No tag matches.</p>""" : Table(page, shown, facts))}
            {Pages(page, q, number, matching.Count)}
            {(shown.Count > 1 || number > 1 ? CompareForm(page) : Html.None)}
            """;
        return await page.ShowAsync(page.Repository.ToString(), body, [new("Repositories", "/")]);
    }

    /// <summary>Puts tags in the order in which they are shown.</summary>
    internal static List<(string Tag, ObjectEntry Entry)> Sort(IEnumerable<(string Tag, ObjectEntry Entry)> tags) => [.. tags
        .Select(item => (Item: item, Version: TagVersion.TryParse(item.Tag, out var version) ? version : null))
        .OrderBy(pair => pair.Version is null)
        .ThenByDescending(pair => pair.Version, Comparer<Semver.SemVersion?>.Create((a, b) => a is null ? 0 : a.ComparePrecedenceTo(b)))
        .ThenByDescending(pair => pair.Item.Entry.Modified)
        .ThenBy(pair => pair.Item.Tag, StringComparer.Ordinal)
        .Select(pair => pair.Item)];

    private async Task<TagFacts?[]> FactsAsync(PageRequest page, List<(string Tag, ObjectEntry Entry)> shown)
    {
        var facts = new TagFacts?[shown.Count];
        // Who may list need not be allowed to pull: then names are all there is to see.
        if (page.May(AccessActions.Pull, page.Repository))
            await Parallel.ForAsync(0, shown.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = page.Cancel }, async (index, token) =>
                facts[index] = await reader.FactsAsync(page.Repository, shown[index].Tag, shown[index].Entry.ETag, token));
        return facts;
    }

    private static Html Table(PageRequest page, List<(string Tag, ObjectEntry Entry)> shown, TagFacts?[] facts) => $"""
        <table id="tags" class="list">
        <caption class="hidden">Tags of {page.Repository}</caption>
        <thead><tr><th scope="col">Tag</th><th scope="col">Platforms</th><th scope="col" class="number">Size</th><th scope="col">Pushed</th><th scope="col">Digest</th></tr></thead>
        <tbody>
        {shown.Select((item, index) => Row(page, item.Tag, item.Entry, facts[index]))}
        </tbody>
        </table>
        """;

    private static Html Row(PageRequest page, string tag, ObjectEntry entry, TagFacts? facts)
    {
        var path = PageRoute.To("image", page.Repository, Reference.Parse(tag));
        Html size = facts?.Size is { } bytes ? facts.SizeOf is { } of ? (Html)$"""<span title="the image for {of}">{Words.Size(bytes)}</span>""" : $"{Words.Size(bytes)}" : $"–";
        Html what = facts is null ? (Html)$"–" : facts.Kind is { } kind ? (Html)$"""<span class="kind">{kind:80}</span>""" : $"""<span class="platforms">{facts.Platforms.Take(8).Select(platform => (Html)$"<span>{platform:40}</span> ")}{(facts.Platforms.Count > 8 ? $"and {facts.Platforms.Count - 8} more" : "")}</span>""";
        return $"""
            <tr data-name="{tag}"><th scope="row"><a href="{path}">{tag}</a></th><td data-label="Platforms">{what}</td><td class="number" data-label="Size">{size}</td><td data-label="Pushed">{Words.Ago(page.Now, entry.Modified)}</td><td data-label="Digest">{(facts?.Digest is { } digest ? Words.Digest(digest) : $"–")}</td></tr>
            """;
    }

    private static Html Removed(PageRequest page) => page.Options.Actions && page.May(AccessActions.Push, page.Repository) ? $"""<a href="{PageRoute.To("removed", page.Repository)}">Removed tags and images</a>""" : Html.None;

    private static Html Pages(PageRequest page, string? q, int number, int count)
    {
        var last = Math.Max(1, (count + PageSize - 1) / PageSize);
        if (last == 1)
            return default;
        string To(int to) => PageRoute.With(PageRoute.To("tags", page.Repository), ("q", q), ("page", to.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        return $"""
            <nav class="pages" aria-label="Pages">
            {(number > 1 ? $"""<a class="button" rel="prev" href="{To(number - 1)}">Previous</a>""" : Html.None)}
            <span>Page {number} of {last}</span>
            {(number < last ? $"""<a class="button" rel="next" href="{To(number + 1)}">Next</a>""" : Html.None)}
            </nav>
            """;
    }

    private static Html CompareForm(PageRequest page) => $"""
        <section><h2>Compare two images</h2>
        <form class="compare" action="{PageRoute.To("compare", page.Repository)}">
        <div><label for="a">This tag or digest</label><input id="a" name="a" required autocomplete="off" spellcheck="false"></div>
        <div><label for="b">with this one</label><input id="b" name="b" required autocomplete="off" spellcheck="false"></div>
        <button>Compare</button>
        </form></section>
        """;
}
