using Pail.Access;
using Pail.Compare;
using Pail.Oci;
using Pail.Server.Errors;

namespace Pail.Server.Page.Views;

/// <summary>What differs between two images of a repository. Reads the layers that only one of them has, at most <see cref="MaxBytes"/> of them, one comparison after the other.</summary>
internal sealed class CompareView(PageReader reader, FileReader files)
{
    private const long MaxBytes = 256 << 20;
    private const int Most = 1000;

    /// <summary>Where the comparison of two tags or digests is.</summary>
    public static string To(RepositoryName repository, string old, string @new) => PageRoute.With(PageRoute.To("compare", repository), ("a", old), ("b", @new));

    public async Task<RegistryError?> ShowAsync(PageRequest page)
    {
        if (!page.May(AccessActions.Pull, page.Repository))
            return page.Refuse();
        if (!Reference.TryParse(page.Query("a"), out var a) || !Reference.TryParse(page.Query("b"), out var b))
            return RegistryError.BadRequest.About("two tags or digests of this repository are expected");
        Html body;
        try
        {
            var diff = await files.AloneAsync(() => ImageComparison.RunAsync(reader.Source(page.Repository, a), reader.Source(page.Repository, b), null, page.Cancel, MaxBytes), page.Cancel);
            body = $"{Head(page, a, b, diff)}{Config(diff)}{Layers(diff)}{Packages(diff)}{Files(diff)}";
        }
        catch (PailException e) when (e.Failure is Failure.BadContent or Failure.NotFound or Failure.BadInput)
        {
            body = $"""<h1>Compare</h1><p class="problem" role="alert">These images can't be compared. {SafeText.OneLine(e.Message, 400)}</p>""";
        }
        return await page.ShowAsync($"{page.Repository}: {a} and {b}", body, [new("Repositories", "/"), new(page.Repository.ToString(), PageRoute.To("tags", page.Repository))]);
    }

    private static Html Head(PageRequest page, Reference a, Reference b, ImageDiff diff) => $"""
        <h1>Compare</h1>
        <p class="lead">From {Link(page, a)} to {Link(page, b)}.{(diff.IsSame && diff.Notes.Count == 0 ? " Configs and files are the same." : "")}</p>
        {diff.Notes.Take(20).Select(note => (Html)$"""<p class="note">{note}</p>""")}
        """;

    private static Html Link(PageRequest page, Reference reference) => $"""<a href="{PageRoute.To("image", page.Repository, reference)}"><code>{(reference.Digest is { } digest ? digest.ToString()[..19] : reference.ToString())}</code></a>""";

    private static Html Config(ImageDiff diff) => diff.Config.Count == 0 ? Html.None : $"""
        <section><h2>Config</h2>
        <table class="list wide"><caption class="hidden">Fields of the config that differ</caption>
        <thead><tr><th scope="col">Field</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
        <tbody>{diff.Config.Take(Most).Select(field => (Html)$"""<tr><th scope="row"><code>{field.Field:200}</code></th><td data-label="Before">{Value(field.Old, "removed")}</td><td data-label="After">{Value(field.New, "added")}</td></tr>""")}</tbody></table>
        </section>
        """;

    private static Html Value(string? value, string change) => value is null ? (Html)$"–" : $"""<code class="{change}">{value:1000}</code>""";

    private static Html Layers(ImageDiff diff) => $"""
        <section><h2>Layers</h2>
        <p>{Words.Count(diff.SharedLayers.Count, "layer")} of {Words.Size(diff.SharedLayers.Sum(layer => (double)layer.Size))} shared, {Words.Count(diff.OldLayers.Count, "layer")} of {Words.Size(diff.OldLayers.Sum(layer => (double)layer.Size))} only before, {Words.Count(diff.NewLayers.Count, "layer")} of {Words.Size(diff.NewLayers.Sum(layer => (double)layer.Size))} only after.</p>
        <ul class="changes">
        {diff.OldLayers.Take(Most).Select(layer => (Html)$"""<li class="removed"><span>only before</span> {Words.Digest(layer.Digest)} {Words.Size(layer.Size)}</li>""")}
        {diff.NewLayers.Take(Most).Select(layer => (Html)$"""<li class="added"><span>only after</span> {Words.Digest(layer.Digest)} {Words.Size(layer.Size)}</li>""")}
        {diff.SharedLayers.Take(Most).Select(layer => (Html)$"""<li><span>shared</span> {Words.Digest(layer.Digest)} {Words.Size(layer.Size)}</li>""")}
        </ul></section>
        """;

    private static Html Packages(ImageDiff diff) => diff.Packages.Count == 0 ? Html.None : $"""
        <section><h2>Packages</h2>
        <table class="list"><caption class="hidden">Packages that differ</caption>
        <thead><tr><th scope="col">Package</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>
        <tbody>{diff.Packages.Take(Most).Select(package => (Html)$"""<tr><th scope="row">{package.Name:200} <span class="kind">{package.Kind}</span></th><td data-label="Before">{Value(package.Old, "removed")}</td><td data-label="After">{Value(package.New, "added")}</td></tr>""")}</tbody></table>
        {More(diff.Packages.Count)}
        </section>
        """;

    private static Html Files(ImageDiff diff) => diff.Files.Count == 0 ? Html.None : $"""
        <section><h2>Files</h2>
        <p>{Words.Count(diff.Files.Count(file => file.Change == FileChange.Added), "file")} added, {Words.Number(diff.Files.Count(file => file.Change == FileChange.Removed))} removed, {Words.Number(diff.Files.Count(file => file.Change == FileChange.Changed))} changed.</p>
        <table class="list wide"><caption class="hidden">Files that differ</caption>
        <thead><tr><th scope="col">File</th><th scope="col">Change</th><th scope="col" class="number">Before</th><th scope="col" class="number">After</th></tr></thead>
        <tbody>{diff.Files.Take(Most).Select(file => (Html)$"""<tr><th scope="row"><code>{file.Path:600}</code></th><td data-label="Change"><span class="{Class(file.Change)}">{Class(file.Change)}</span>{(file.What.Count > 0 ? $": {string.Join(", ", file.What)}" : "")}</td><td class="number" data-label="Before">{Size(file.OldSize)}</td><td class="number" data-label="After">{Size(file.NewSize)}</td></tr>""")}</tbody></table>
        {More(diff.Files.Count)}
        </section>
        """;

    private static string Class(FileChange change) => change switch { FileChange.Added => "added", FileChange.Removed => "removed", _ => "changed" };

    private static string Size(long? bytes) => bytes is { } size ? Words.Size(size) : "–";

    private static Html More(int count) => count > Most ? $"""<p class="note">{Words.Count(count - Most, "more is", "more are")} not shown; <code>pail diff</code> shows all.</p>""" : Html.None;
}
