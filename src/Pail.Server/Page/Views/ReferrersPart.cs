using Pail.Images;
using Pail.Oci;

namespace Pail.Server.Page.Views;

/// <summary>
/// What refers to an image, for what it is, with what can be read of it. Two GETs, one for each of cosign's three tags; and for each of at most <see cref="Most"/>
/// one for its manifest and one for its first blob, if that is small.
/// </summary>
internal sealed class ReferrersPart(PageReader reader)
{
    private const int Most = 10;
    private const int MaxContent = 256 << 10;

    public async Task<Html> ShowAsync(PageRequest page, Manifest subject)
    {
        var listed = await reader.ReferrersAsync(page.Repository, subject.Digest, page.Cancel);
        var manifests = await Task.WhenAll(listed.Take(Most).Select(entry => FindAsync(page, Reference.Of(entry.Digest), null)));
        var tagged = await Task.WhenAll(ReferrerTags.Cosign(subject.Digest).Select(tag => FindAsync(page, Reference.Parse(tag), KindOfTag(tag))));
        var found = manifests.Concat(tagged).OfType<(Manifest Manifest, string? Kind)>().DistinctBy(item => item.Manifest.Digest).ToList();
        if (found.Count == 0)
            return default;
        var shown = await Task.WhenAll(found.Select(item => ShowAsync(page, item.Manifest, item.Kind)));
        return $"""
            <section><h2>Signatures, SBOMs and others that refer to it</h2>
            <p class="note">Shown as they are; nothing of it was verified.</p>
            {shown}
            {(listed.Count > Most ? $"""<p class="note">{Words.Count(listed.Count - Most, "more is", "more are")} not shown.</p>""" : Html.None)}
            </section>
            """;
    }

    /// <summary>What kind of thing an artifact is, by its type.</summary>
    internal static string KindOf(string type) => type switch
    {
        _ when type.Contains("cosign", StringComparison.OrdinalIgnoreCase) || type.Contains("signature", StringComparison.OrdinalIgnoreCase) || type.Contains("sigstore", StringComparison.OrdinalIgnoreCase) || type.Contains("notary", StringComparison.OrdinalIgnoreCase) => "Signature",
        _ when type.Contains("spdx", StringComparison.OrdinalIgnoreCase) || type.Contains("cyclonedx", StringComparison.OrdinalIgnoreCase) || type.Contains("sbom", StringComparison.OrdinalIgnoreCase) || type.Contains("syft", StringComparison.OrdinalIgnoreCase) => "SBOM",
        _ when type.Contains("in-toto", StringComparison.OrdinalIgnoreCase) || type.Contains("dsse", StringComparison.OrdinalIgnoreCase) || type.Contains("attestation", StringComparison.OrdinalIgnoreCase) => "Attestation",
        _ => "Artifact",
    };

    private static string KindOfTag(string tag) => tag.Split('.')[^1] switch { "sig" => "Signature", "att" => "Attestation", _ => "SBOM" };

    private async Task<(Manifest Manifest, string? Kind)?> FindAsync(PageRequest page, Reference reference, string? kind)
    {
        try
        {
            return await reader.FindAsync(page.Repository, reference, page.Cancel) is { } manifest ? (manifest, kind) : null;
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return null;
        }
    }

    private async Task<Html> ShowAsync(PageRequest page, Manifest manifest, string? kind)
    {
        var type = manifest.ArtifactType ?? manifest.Config?.MediaType ?? manifest.MediaType;
        var blob = manifest.Layers is [var first, ..] ? first : null;
        var (text, problem) = blob is null ? (null, "it has no content") : await ReadAsync(page, blob);
        return $"""
            <article class="referrer">
            <h3>{kind ?? KindOf($"{type} {blob?.MediaType}")} <code>{type:120}</code></h3>
            <p>{Words.Digest(manifest.Digest, PageRoute.To("image", page.Repository, Reference.Of(manifest.Digest)))} {(blob is null ? Html.None : (Html)$"{Words.Size(manifest.Layers.Sum(layer => (double)layer.Size))} of <code>{blob.MediaType:120}</code>")}</p>
            {Words.Pairs(manifest.Annotations.Concat(blob?.Annotations ?? new Dictionary<string, string>()).Select(pair => (pair.Key, pair.Value)), 20)}
            {(text is not null ? $"""<details><summary>Content</summary><pre tabindex="0">{text:pre}</pre></details>""" : (Html)$"""<p class="note">Its content is not shown: {problem}.</p>""")}
            </article>
            """;
    }

    private async Task<(string? Text, string? Problem)> ReadAsync(PageRequest page, Descriptor blob)
    {
        if (blob.Size > MaxContent)
            return (null, $"it has {Words.Size(blob.Size)}, and at most {Words.Size(MaxContent)} are read");
        try
        {
            var bytes = new byte[blob.Size];
            await using (var stream = await reader.OpenAsync(page.Repository, blob, 0, page.Cancel))
                await stream.ReadExactlyAsync(bytes, page.Cancel);
            return ReadableContent.Of(bytes) is { } text ? (text, null) : (null, "it is no text");
        }
        catch (Exception e) when (e is PailException { Failure: Failure.BadContent or Failure.NotFound } or EndOfStreamException)
        {
            return (null, "it can't be read");
        }
    }
}
