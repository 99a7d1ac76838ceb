using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Page;

/// <summary>Pushes images whose every part a test chooses, past the server, so that it knows nothing of them.</summary>
internal sealed class PageImages(TestServer server, string repository = "team/app")
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Pail.Buckets.Repository Repository => server.Bucket.Repository(RepositoryName.Parse(repository));

    /// <summary>A tar of files; a name that ends with a slash is a folder, a content that begins with <c>-></c> makes a link.</summary>
    public static byte[] Tar(params IEnumerable<(string Name, string Content)> files)
    {
        using var output = new MemoryStream();
        using (var tar = new TarWriter(output, TarEntryFormat.Pax, leaveOpen: true))
            foreach (var (name, content) in files)
                tar.WriteEntry(content.StartsWith("->", StringComparison.Ordinal)
                    ? new PaxTarEntry(TarEntryType.SymbolicLink, name) { LinkName = content[2..] }
                    : name.EndsWith('/') ? new PaxTarEntry(TarEntryType.Directory, name) : new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(content)) });
        return output.ToArray();
    }

    /// <summary>Pushes an image.</summary>
    /// <param name="tag">Its tag; null for none.</param>
    /// <param name="tars">Its layers.</param>
    /// <param name="change">Changes its config.</param>
    /// <param name="annotations">Its annotations.</param>
    /// <param name="plain">Whether layers are plain tars.</param>
    public async Task<Manifest> PushAsync(string? tag, IReadOnlyList<byte[]> tars, Action<JsonObject>? change = null, Dictionary<string, string>? annotations = null, bool plain = false)
    {
        var config = JsonNode.Parse(ImageBytes.Config("amd64", tars.Select(tar => Digest.Of(tar))))!.AsObject();
        config["created"] = "2026-11-20T10:00:00Z";
        change?.Invoke(config);
        var blob = await server.AddBlobAsync(repository, Encoding.UTF8.GetBytes(config.ToJsonString()), type: MediaTypes.OciConfig);
        var layers = new List<Descriptor>();
        foreach (var tar in tars)
            layers.Add(plain ? await server.AddBlobAsync(repository, tar, type: MediaTypes.OciLayerTar) : await server.AddBlobAsync(repository, ImageBytes.Gzip(tar)));
        return await StoreAsync(ManifestJson.Image(blob, layers, AnnotationsOf(annotations)), tag);
    }

    /// <summary>Pushes what refers to an image: one blob of a type.</summary>
    public async Task<Manifest> ReferAsync(Manifest subject, string artifactType, string blobType, byte[] content, Dictionary<string, string>? annotations = null)
    {
        var empty = await server.AddBlobAsync(repository, "{}"u8.ToArray(), type: MediaTypes.OciEmpty);
        var blob = (await server.AddBlobAsync(repository, content)) with { MediaType = System.Text.Json.JsonEncodedText.Encode(blobType).ToString() };
        return await StoreAsync(ManifestJson.Image(empty, [blob], $",\"artifactType\":{JsonValue.Create(artifactType)!.ToJsonString()}{ManifestJson.Subject(subject.Descriptor)}{AnnotationsOf(annotations)}"), null);
    }

    /// <summary>Pushes an index of images.</summary>
    public Task<Manifest> IndexAsync(string tag, params IEnumerable<(Manifest Image, string Architecture)> images) =>
        StoreAsync(ManifestJson.IndexOf(images.Select(item => ManifestJson.OfPlatform(item.Image.Descriptor, item.Architecture))), tag);

    /// <summary>Makes a tag name a manifest.</summary>
    public Task TagAsync(Manifest manifest, string tag) => Repository.Tags.PutAsync(manifest, tag, Cancel);

    private async Task<Manifest> StoreAsync(byte[] bytes, string? tag)
    {
        var manifest = Manifest.Parse(bytes);
        await Repository.Manifests.PutAsync(manifest, Cancel);
        if (tag is not null)
            await TagAsync(manifest, tag);
        return manifest;
    }

    private static string AnnotationsOf(Dictionary<string, string>? annotations) => annotations is null ? "" :
        $",\"annotations\":{new JsonObject(annotations.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))).ToJsonString()}";
}
