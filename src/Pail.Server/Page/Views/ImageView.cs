using Pail.Access;
using Pail.Oci;
using Pail.Server.Errors;

namespace Pail.Server.Page.Views;

/// <summary>
/// One image: a GET for its manifest, one for the image of an index that is shown, one for its config; what refers to it and what it shares cost what
/// <see cref="ReferrersPart"/> and <see cref="SharedPart"/> say.
/// </summary>
internal sealed class ImageView(PageReader reader)
{
    private readonly ReferrersPart _referrers = new(reader);
    private readonly SharedPart _shared = new(reader);

    public async Task<RegistryError?> ShowAsync(PageRequest page)
    {
        if (!page.May(AccessActions.Pull, page.Repository))
            return page.Refuse();
        var reference = page.Route.Reference!.Value;
        if (await reader.FindAsync(page.Repository, reference, page.Cancel) is not { } root)
            return RegistryError.ManifestUnknown.About(reference.ToString());
        var image = await reader.ChooseAsync(page.Repository, root, page.Cancel);
        var (config, problem) = image is null ? (null, null) : await ReadAsync(page, image);
        var (referrers, shared) = (_referrers.ShowAsync(page, root), image is null ? Task.FromResult(Html.None) : _shared.ShowAsync(page, image));
        await Task.WhenAll(referrers, shared);
        Html body = $"""
            {Head(page, reference, root, image, config)}
            {PullPart.Show(page, reference)}
            {(root.IsIndex ? PlatformsPart.Show(page, root, image) : Html.None)}
            {(problem is null ? Html.None : (Html)$"""<p class="problem" role="alert">{problem}</p>""")}
            {(image is null ? Html.None : LayersPart.Show(page, image, config))}
            {ConfigPart.Show(config, root, image)}
            {await referrers}
            {await shared}
            """;
        return await page.ShowAsync($"{page.Repository}{(reference.Digest is null ? ":" : "@")}{reference}", body, [new("Repositories", "/"), new(page.Repository.ToString(), PageRoute.To("tags", page.Repository))]);
    }

    private static Html Head(PageRequest page, Reference reference, Manifest root, Manifest? image, ConfigFacts? config) => $"""
        <h1>{(reference.Tag is { } tag ? (Html)$"""<span class="above">{page.Repository}:</span><span class="tag">{tag}</span>""" : $"""<span class="above">{page.Repository}@</span><span class="tag">{root.Digest.AlgorithmName}:{root.Digest.Hex[..12]}</span>""")}</h1>
        <dl class="facts">
        <dt>Digest</dt><dd>{Words.Digest(root.Digest, PageRoute.To("image", page.Repository, Reference.Of(root.Digest)))}</dd>
        <dt>Type</dt><dd><code>{root.ArtifactType ?? root.MediaType:120}</code></dd>
        {(config?.Platform is { } platform && !root.IsIndex ? $"<dt>Platform</dt><dd>{platform:60}</dd>" : Html.None)}
        {(image is null ? Html.None : (Html)$"<dt>Size</dt><dd>{Words.Size(image.Blobs.Sum(blob => (double)blob.Size))}, compressed, in {Words.Count(image.Layers.Count, "layer")}{(root.IsIndex ? $" for {PlatformsPart.NameOf(root, image):60}" : "")}</dd>")}
        {(config?.Created is { } created ? $"<dt>Made</dt><dd>{Words.Ago(page.Now, created)}</dd>" : Html.None)}
        {(root.Subject is { } subject ? $"<dt>Refers to</dt><dd>{Words.Digest(subject.Digest, PageRoute.To("image", page.Repository, Reference.Of(subject.Digest)))}</dd>" : Html.None)}
        </dl>
        <p class="links">
        {(image is { Layers.Count: > 0 } ? $"""<a class="button" href="{PageRoute.To("files", page.Repository, Reference.Of(image.Digest))}">Browse files</a> """ : Html.None)}
        {(reference.Tag is null ? Html.None : (Html)$"""<a class="button" href="{PageRoute.To("history", page.Repository, reference)}">History</a> """)}
        {Actions(page, reference, root)}
        </p>
        """;

    private static Html Actions(PageRequest page, Reference reference, Manifest root)
    {
        if (!page.Options.Actions)
            return default;
        var deletes = page.May(AccessActions.Delete, page.Repository);
        return $"""
            {(reference.Tag is not null && page.May(AccessActions.Push, page.Repository) ? $"""<a class="button" href="{PageRoute.To("move", page.Repository, reference)}">Move tag</a> """ : Html.None)}
            {(reference.Tag is not null && deletes ? $"""<a class="button bad" href="{PageRoute.To("untag", page.Repository, reference)}">Remove tag</a> """ : Html.None)}
            {(deletes ? $"""<a class="button bad" href="{PageRoute.To("delete", page.Repository, Reference.Of(root.Digest))}">Delete image</a>""" : Html.None)}
            """;
    }

    private async Task<(ConfigFacts? Config, string? Problem)> ReadAsync(PageRequest page, Manifest image)
    {
        try
        {
            return (await reader.ConfigAsync(page.Repository, image, page.Cancel), null);
        }
        catch (PailException e) when (e.Failure is Failure.BadContent or Failure.NotFound)
        {
            return (null, $"The config of this image can't be read. {SafeText.OneLine(e.Message, 400)}");
        }
    }
}
