using System.Text.Json;
using Pail.Images.OciLayouts;
using Pail.Oci;

namespace Pail.Images.Docker;

/// <summary>Which manifest stands for an image that Docker saved.</summary>
/// <remarks>
/// The containerd image store saves the manifests it has: they stay as they are, byte for byte. The classic store has none;
/// what it saves are config and uncompressed layers (since Docker 25 with a manifest made up for them). There the manifest is
/// made here, of the config's own bytes and the compressed layers: the same image always gives the same one.
/// </remarks>
/// <param name="name">Its address, for messages.</param>
/// <param name="archive">What was saved.</param>
/// <param name="chosen">Which image of it; null for the only one.</param>
internal sealed class SavedImage(string name, DockerArchive archive, SavedEntry? chosen = null)
{
    /// <summary>The manifest.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: what was saved is damaged or no image.</exception>
    public async Task<Manifest> FindRootAsync(CancellationToken cancel)
    {
        var list = SavedList.Parse(name, await archive.ReadAsync(SavedList.Path, Manifest.MaxSize, cancel));
        var stored = await StoredAsync(list, cancel);
        if (stored is not null && !stored.Layers.Any(layer => layer.MediaType == MediaTypes.OciLayerTar))
            return stored;
        if ((chosen ?? Only(list)) is { } image)
            return await MakeAsync(image.Config, image.Layers, cancel);
        return stored is { Config: { } storedConfig }
            ? await MakeAsync(LayoutPaths.Blob(storedConfig.Digest), [.. stored.Layers.Select(layer => LayoutPaths.Blob(layer.Digest))], cancel)
            : throw Bad($"neither {LayoutPaths.Index} nor {SavedList.Path} names an image");
    }

    private async Task<Manifest?> StoredAsync(SavedList list, CancellationToken cancel)
    {
        if (await archive.ReadAsync(LayoutPaths.Index, LayoutIndex.MaxSize, cancel) is not { } bytes)
            return null;
        var index = LayoutIndex.Parse(name, bytes);
        if (chosen is null || list.Entries.Count == 1)
            return await ReadAsync(index.Pick(null), cancel);
        if (chosen.Names.Select(DockerName.Whole).Select(index.OfWholeName).OfType<Descriptor>().FirstOrDefault() is { } named)
            return await ReadAsync(named, cancel);
        foreach (var entry in index.Entries)
            if (await ReadAsync(entry, cancel) is { Config: { } config } image && LayoutPaths.Blob(config.Digest) == chosen.Config)
                return image;
        return null;
    }

    private async Task<Manifest?> ReadAsync(Descriptor entry, CancellationToken cancel) =>
        await archive.ReadAsync(LayoutPaths.Blob(entry.Digest), Manifest.MaxSize, cancel) is { } bytes ? await WholeAsync(Manifest.Parse(bytes, entry), cancel) : null;

    private SavedEntry? Only(SavedList list) => list.Entries.Count switch
    {
        0 => null,
        1 => list.Entries[0],
        var count => throw Bad($"it lists {count} images where one was asked for"),
    };

    // An image for many platforms of which one was pulled: that one stands for it, as in docker push.
    private async Task<Manifest> WholeAsync(Manifest root, CancellationToken cancel)
    {
        if (!root.IsIndex || await archive.HoldsAsync(root, cancel))
            return root;
        var whole = new List<Manifest>();
        foreach (var entry in root.Manifests.Where(entry => MediaTypes.IsImage(entry.MediaType) && entry.Platform?.Os != "unknown"))
            if (await archive.ReadAsync(LayoutPaths.Blob(entry.Digest), Manifest.MaxSize, cancel) is { } bytes && Manifest.Parse(bytes, entry) is var image && await archive.HoldsAsync(image, cancel))
                whole.Add(image);
        return whole is [var only] ? only : root;
    }

    private async Task<Manifest> MakeAsync(string configPath, IReadOnlyList<string> layerPaths, CancellationToken cancel)
    {
        var bytes = await archive.ReadAsync(configPath, Manifest.MaxSize, cancel) ?? throw Bad($"the config {Printable.Line(configPath)} is missing");
        var config = archive.Find(configPath)!;
        var layers = layerPaths.Select(path => archive.Find(path) ?? throw Bad($"the layer {Printable.Line(path)} is missing")).ToList();
        var diffIds = ImageConfig.DiffIdsOf(bytes);
        if (diffIds.Count != layers.Count)
            throw Bad($"its config lists {diffIds.Count} layers, and {layers.Count} came");
        foreach (var (layer, diffId) in layers.Zip(diffIds))
            // A layer that came compressed is named by the hash of what it unpacks to, which nobody here has seen.
            if (layer.Digest != diffId && layer.IsLayer)
                throw Bad($"a layer has the digest {layer.Digest}; its config says {diffId}");
        return Manifest.Parse(Write(config, layers), MediaTypes.OciManifest);
    }

    private static byte[] Write(SavedFile config, List<SavedFile> layers)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            void Describe(string type, Digest digest, long size)
            {
                json.WriteStartObject();
                json.WriteString("mediaType", type);
                json.WriteString("digest", digest.ToString());
                json.WriteNumber("size", size);
                json.WriteEndObject();
            }

            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", MediaTypes.OciManifest);
            json.WritePropertyName("config");
            Describe(MediaTypes.OciConfig, config.Digest, config.Size);
            json.WriteStartArray("layers");
            foreach (var layer in layers)
                Describe(layer.MediaType, layer.KeptDigest, layer.KeptSize);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return output.ToArray();
    }

    private PailException Bad(string why, Exception? inner = null) => new(Failure.BadContent, $"{name}: what Docker saved is not right: {why}.", inner);
}
