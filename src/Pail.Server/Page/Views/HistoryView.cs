using Pail.Access;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Errors;

namespace Pail.Server.Page.Views;

/// <summary>What a tag named, from when to when. One HEAD.</summary>
internal static class HistoryView
{
    public static async Task<RegistryError?> ShowAsync(PageRequest page)
    {
        if (!page.May(AccessActions.Pull, page.Repository))
            return page.Refuse();
        var reference = page.Route.Reference!.Value;
        var state = await page.Services.Bucket.Repository(page.Repository).Tags.LookAsync(reference.Tag!, page.Cancel);
        if (!state.Exists)
            return RegistryError.ManifestUnknown.About(reference.ToString());
        Html body = $"""
            <h1>History of <span class="tag">{reference}</span></h1>
            <p class="lead">What the tag named, newest first. The bucket keeps about fifteen moves.</p>
            <table class="list">
            <caption class="hidden">What the tag named</caption>
            <thead><tr><th scope="col">Image</th><th scope="col">Since</th><th scope="col">Until</th><th scope="col">By</th></tr></thead>
            <tbody>{TagHistory.Periods(state).Select(period => Row(page, period))}</tbody>
            </table>
            """;
        return await page.ShowAsync($"History of {page.Repository}:{reference}", body, [new("Repositories", "/"), new(page.Repository.ToString(), PageRoute.To("tags", page.Repository)), new(reference.ToString(), PageRoute.To("image", page.Repository, reference))]);
    }

    private static Html Row(PageRequest page, TagPeriod period) => $"""
        <tr><td data-label="Image">{(period.Digest is { } digest ? Words.Digest(digest, PageRoute.To("image", page.Repository, Reference.Of(digest))) : (Html)$"no such tag")}{(period.Until is null ? $""" <span class="kind">now</span>""" : Html.None)}</td><td data-label="Since">{Words.Ago(page.Now, period.Since)}</td><td data-label="Until">{(period.Until is null ? (Html)$"–" : Words.Ago(page.Now, period.Until))}</td><td data-label="By">{period.By:200}</td></tr>
        """;
}
