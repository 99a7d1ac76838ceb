using Pail.Access;
using Pail.Export;
using Pail.Oci;
using Pail.Server.Errors;

namespace Pail.Server.Page.Views;

/// <summary>The files of an image, or of one of its layers, folder by folder. Reads the layers once, within bounds; a file that is shown is read from its layer.</summary>
internal sealed class FilesView(PageReader reader, FileReader files)
{
    private const int Most = 500;
    private const int MaxText = 256 << 10;

    public async Task<RegistryError?> ShowAsync(PageRequest page)
    {
        if (!page.May(AccessActions.Pull, page.Repository))
            return page.Refuse();
        var reference = page.Route.Reference!.Value;
        if (await reader.FindAsync(page.Repository, reference, page.Cancel) is not { } root || await reader.ChooseAsync(page.Repository, root, page.Cancel) is not { } image)
            return RegistryError.ManifestUnknown.About(reference.ToString());
        int? layer = int.TryParse(page.Query("layer"), out var number) && number >= 1 && number <= image.Layers.Count ? number - 1 : null;
        var path = page.Query("path")?.Trim('/') ?? "";
        var place = new FilePlace(page.Repository, image, layer);
        Html body;
        try
        {
            var listing = await files.ListAsync(reader, page.Repository, image, layer, page.Cancel);
            var folder = new FolderListing(listing, path);
            body = folder.File is BrowsedFile { Type: not '5' } file ? await FileAsync(page, place, path, file) : Folder(page, place, folder, listing);
        }
        catch (PailException e) when (e.Failure is Failure.BadContent or Failure.NotFound or Failure.BadInput)
        {
            body = $"""<h1>Files</h1><p class="problem" role="alert">The files of this image can't be shown. {SafeText.OneLine(e.Message, 400)}</p>""";
        }
        return await page.ShowAsync($"Files of {page.Repository}", body, [new("Repositories", "/"), new(page.Repository.ToString(), PageRoute.To("tags", page.Repository)), new(reference.Digest is { } digest ? digest.ToString()[..19] : reference.ToString(), PageRoute.To("image", page.Repository, reference))]);
    }

    private static Html Folder(PageRequest page, FilePlace place, FolderListing folder, FileListing listing)
    {
        var skip = int.TryParse(page.Query("from"), out var from) && from > 0 ? from : 0;
        return $"""
            <h1>Files{(place.Layer is { } layer ? $" of layer {layer + 1}" : "")}</h1>
            {place.Way(folder.Path)}
            {(listing.Left.Count == 0 ? Html.None : (Html)$"""<p class="problem">Not all is shown: {string.Join("; ", listing.Left)}.</p>""")}
            {(folder.Items.Count == 0 ? $"""<p class="empty">{(folder.Exists ? "This folder is empty." : "There is no such file.")}</p>""" : Html.None)}
            {(folder.Items.Count == 0 ? Html.None : (Html)$"""
                <table class="list files"><caption class="hidden">Files in {(folder.Path.Length == 0 ? "/" : folder.Path)}</caption>
                <thead><tr><th scope="col">Name</th><th scope="col" class="number">Size</th><th scope="col" class="number">Layer</th></tr></thead>
                <tbody>{folder.Items.Skip(skip).Take(Most).Select(item => Row(place, item))}</tbody></table>
                """)}
            {(folder.Items.Count > skip + Most ? $"""<nav class="pages" aria-label="Pages"><span>{Words.Number(skip + 1)} to {Words.Number(skip + Most)} of {Words.Number(folder.Items.Count)}</span><a class="button" href="{place.To(folder.Path, skip + Most)}">More</a></nav>""" : Html.None)}
            """;
    }

    private static Html Row(FilePlace place, FolderItem item)
    {
        var file = item.File as BrowsedFile;
        Html kind = item.IsFolder ? Html.None : file?.Type switch
        {
            '0' => default,
            '1' => $""" <span class="kind">same file as</span> <code>{file.Target:300}</code>""",
            '2' => $""" <span class="kind">link to</span> <code>{file.Target:300}</code>""",
            '3' or '4' => $""" <span class="kind">device</span>""",
            '6' => $""" <span class="kind">pipe</span>""",
            _ => $""" <span class="kind">special</span>""",
        };
        return $"""
            <tr><th scope="row"><a class="{(item.IsFolder ? "folder" : "file")}" href="{place.To(item.Path)}">{item.Name:300}{(item.IsFolder ? "/" : "")}</a>{kind}</th><td class="number" data-label="Size">{(file is null || item.IsFolder ? "–" : Words.Size(file.Size))}</td><td class="number" data-label="Layer">{(file is null ? "–" : (file.Layer + 1).ToString(System.Globalization.CultureInfo.InvariantCulture))}</td></tr>
            """;
    }

    private async Task<Html> FileAsync(PageRequest page, FilePlace place, string path, BrowsedFile file)
    {
        var bytes = file.Type == '0' ? await files.ReadAsync(reader, page.Repository, place.Image, file, MaxText, page.Cancel) : null;
        var text = bytes is null ? null : ReadableContent.TextOf(bytes);
        return $"""
            <h1>{path.Split('/')[^1]:200}</h1>
            {place.Way(path)}
            <dl class="facts"><dt>Size</dt><dd>{Words.Size(file.Size)}</dd><dt>Layer</dt><dd>{file.Layer + 1}</dd>{(file.Target.Length > 0 ? $"<dt>{(file.Type == '1' ? "Same file as" : "Link to")}</dt><dd><code>{file.Target:1000}</code></dd>" : Html.None)}</dl>
            {(file.Type != '0' ? Html.None : bytes is null ? $"""<p class="empty">This file lies beyond what is read of a layer here.</p>""" : text is null ? $"""<p class="empty">This file is binary.</p>""" : (Html)$"""<pre class="content" tabindex="0" aria-label="Content">{text:pre}</pre>""")}
            {(text is not null && file.Size > MaxText ? $"""<p class="note">The first {Words.Size(MaxText)} are shown.</p>""" : Html.None)}
            """;
    }
}

/// <summary>Where files are browsed.</summary>
internal sealed record FilePlace(RepositoryName Repository, Manifest Image, int? Layer)
{
    /// <summary>The path of the view of a file or folder.</summary>
    public string To(string path, int from = 0)
    {
        static string Text(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return PageRoute.With(
            PageRoute.To("files", Repository, Reference.Of(Image.Digest)),
            ("layer", Layer is { } layer ? Text(layer + 1) : null),
            ("path", path.Length > 0 ? FolderListing.Escape(path) : null),
            ("from", from > 0 ? Text(from) : null));
    }

    /// <summary>The folders above a path.</summary>
    public Html Way(string path)
    {
        var parts = path.Length == 0 ? [] : path.Split('/');
        return $"""<nav class="folders" aria-label="Folders"><a href="{To("")}">{(Layer is null ? "Image" : "Layer")}</a>{parts.Take(30).Select((part, index) => (Html)$"""<span aria-hidden="true">/</span><a href="{To(string.Join('/', parts.Take(index + 1)))}">{part:120}</a>""")}</nav>""";
    }
}
