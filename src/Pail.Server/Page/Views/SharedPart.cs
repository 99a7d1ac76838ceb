using Pail.Oci;

namespace Pail.Server.Page.Views;

/// <summary>What an image shares with the tags of its repository that were pushed last. A LIST for each 1,000 tags, and at most two GETs for each of <see cref="Most"/> tags that are not known.</summary>
internal sealed class SharedPart(PageReader reader)
{
    private const int Most = 20;
    private const int MaxTags = 5000;

    public async Task<Html> ShowAsync(PageRequest page, Manifest image)
    {
        // Its neighbours are for those who may list them.
        if (image.Layers.Count == 0 || !page.May(Pail.Access.AccessActions.List, page.Repository))
            return default;
        var own = image.Layers.DistinctBy(layer => layer.Digest).ToDictionary(layer => layer.Digest, layer => layer.Size);
        var tags = (await page.Services.Bucket.Repository(page.Repository).Tags.ListEntriesAsync(page.Cancel).Where(item => !Images.ReferrerTags.IsOne(item.Tag)).Take(MaxTags).ToListAsync(page.Cancel))
            .Where(item => item.Tag != page.Route.Reference!.Value.Tag).OrderByDescending(item => item.Entry.Modified).ThenBy(item => item.Tag, StringComparer.Ordinal).ToList();
        var facts = await Task.WhenAll(tags.Take(Most).Select(async item => (item.Tag, Facts: await reader.FactsAsync(page.Repository, item.Tag, item.Entry.ETag, page.Cancel))));
        var sharing = facts.Where(item => item.Facts is not null).Select(item => (item.Tag, Shared: item.Facts!.Layers.Distinct().Where(own.ContainsKey).ToList())).Where(item => item.Shared.Count > 0).ToList();
        if (tags.Count == 0)
            return default;
        return $"""
            <section><h2>Layers shared with other tags</h2>
            {(sharing.Count == 0 ? $"""<p class="empty">None with {(tags.Count > Most ? $"the {Most} that were pushed last" : "any other tag of this repository")}.</p>""" : Html.None)}
            {(sharing.Count == 0 ? Html.None : (Html)$"""
                <table class="list"><caption class="hidden">Tags that share layers with this image</caption>
                <thead><tr><th scope="col">Tag</th><th scope="col" class="number">Layers</th><th scope="col" class="number">Size</th><th scope="col">Compare</th></tr></thead>
                <tbody>{sharing.Select(item => (Html)$"""<tr><th scope="row"><a href="{PageRoute.To("image", page.Repository, Reference.Parse(item.Tag))}">{item.Tag}</a></th><td class="number" data-label="Layers">{item.Shared.Count} of {own.Count}</td><td class="number" data-label="Size">{Words.Size(item.Shared.Sum(digest => own[digest]))}</td><td data-label="Compare"><a href="{CompareView.To(page.Repository, item.Tag, page.Route.Reference!.Value.ToString())}">Compare<span class="hidden"> with {item.Tag}</span></a></td></tr>""")}</tbody></table>
                """)}
            {(tags.Count > Most ? $"""<p class="note">The {Most} tags that were pushed last were looked at, of {Words.Number(tags.Count)}.</p>""" : Html.None)}
            </section>
            """;
    }
}
