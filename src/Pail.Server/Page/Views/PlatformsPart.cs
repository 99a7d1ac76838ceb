using Pail.Oci;

namespace Pail.Server.Page.Views;

/// <summary>What an index lists.</summary>
internal static class PlatformsPart
{
    private const int Most = 100;

    public static Html Show(PageRequest page, Manifest root, Manifest? shown) => $"""
        <section><h2>Platforms</h2>
        <table class="list">
        <caption class="hidden">What this index lists</caption>
        <thead><tr><th scope="col">Platform</th><th scope="col">Digest</th><th scope="col">Note</th></tr></thead>
        <tbody>{root.Manifests.Take(Most).Select(entry => (Html)$"""
            <tr><th scope="row">{(PageReader.IsImage(entry) ? entry.Platform?.ToString() ?? "not said" : "none"):60}</th><td data-label="Digest">{Words.Digest(entry.Digest, MediaTypes.IsManifest(entry.MediaType) ? PageRoute.To("image", page.Repository, Reference.Of(entry.Digest)) : null)}</td><td data-label="Note">{(entry.Digest == shown?.Digest ? "shown below" : PageReader.IsImage(entry) ? "" : entry.Annotations.GetValueOrDefault("vnd.docker.reference.type") ?? entry.ArtifactType ?? entry.MediaType):80}</td></tr>
            """)}</tbody>
        </table>
        {(root.Manifests.Count > Most ? $"""<p class="note">{Words.Count(root.Manifests.Count - Most, "more is", "more are")} not shown.</p>""" : Html.None)}
        </section>
        """;

    /// <summary>The platform of one of an index.</summary>
    public static string NameOf(Manifest root, Manifest image) => root.Manifests.FirstOrDefault(entry => entry.Digest == image.Digest)?.Platform?.ToString() ?? "one of them";
}
