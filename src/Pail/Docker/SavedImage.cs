using System.Text.Json;
using Pail.Images;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Docker;

/// <summary>An image that Docker saved, as far as that can be said before its layers are read.</summary>
/// <param name="Stored">Its manifest, if it was saved with one that stays.</param>
/// <param name="Config">Its config, if a manifest has to be made for it.</param>
/// <param name="Layers">The files of the layers that manifest names, and the digests of their tars.</param>
internal sealed record SavedRoot(Manifest? Stored, SavedConfig? Config, IReadOnlyList<(string Path, Digest DiffId)> Layers)
{
    /// <summary>What an engine calls the image: the digest of its manifest or, where that is made, of its config.</summary>
    public Digest Id => Stored?.Digest ?? Config!.Blob.Digest;
}

/// <summary>The config of a saved image.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Blob">What it is.</param>
internal sealed record SavedConfig(string Path, Descriptor Blob);

/// <summary>Which manifest stands for an image that Docker saved.</summary>
/// <remarks>
/// The containerd image store saves the manifests it has: they stay as they are, byte for byte. The classic store has none;
/// what it saves are config and uncompressed layers (since Docker 25 with a manifest made up for them). There the manifest is
/// made here, of the config's own bytes and the compressed layers: the same image always gives the same one.
/// </remarks>
/// <param name="name">Its address, for messages.</param>
/// <param name="files">What was saved.</param>
/// <param name="chosen">Which image of it; null for the only one.</param>
internal sealed class SavedImage(string name, ISavedFiles files, SavedEntry? chosen = null)
{
    /// <summary>Finds the image. Reads small files only.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: what was saved is damaged or no image.</exception>
    public async Task<SavedRoot> FindAsync(CancellationToken cancel)
    {
        var list = SavedList.Parse(name, await ReadAsync(SavedList.Path, Manifest.MaxSize, cancel));
        var stored = await StoredAsync(list, cancel);
        if (stored is not null && !stored.Layers.Any(layer => layer.MediaType == MediaTypes.OciLayerTar))
            return new(stored, null, []);
        if ((chosen ?? Only(list)) is { } image)
            return await OfConfigAsync(image.Config, image.Layers, cancel);
        return stored is { Config: { } storedConfig }
            ? await OfConfigAsync(LayoutPaths.Blob(storedConfig.Digest), [.. stored.Layers.Select(layer => LayoutPaths.Blob(layer.Digest))], cancel)
            : throw Bad($"neither {LayoutPaths.Index} nor {SavedList.Path} names an image");
    }

    /// <summary>The manifest of the image found; its layers are compressed if they were not before.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: a layer is not what the config says.</exception>
    public async Task<Manifest> RootAsync(SavedRoot found, CancellationToken cancel)
    {
        if (found.Stored is { } stored)
            return stored;
        var layers = new List<Descriptor>();
        foreach (var (path, diffId) in found.Layers)
        {
            var layer = await files.LayerAsync(path, diffId, cancel) ?? throw Missing(path);
            // A layer that came compressed is named by the hash of what it unpacks to, which nobody here has seen.
            if (layer.Digest != diffId && layer.IsLayer)
                throw Bad($"a layer has the digest {layer.Digest}; its config says {diffId}");
            layers.Add(layer.Blob);
        }
        return Manifest.Parse(Write(found.Config!.Blob, layers), MediaTypes.OciManifest);
    }

    private async Task<Manifest?> StoredAsync(SavedList list, CancellationToken cancel)
    {
        if (await ReadAsync(LayoutPaths.Index, LayoutIndex.MaxSize, cancel) is not { } bytes)
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
        await ReadAsync(LayoutPaths.Blob(entry.Digest), Manifest.MaxSize, cancel) is { } bytes ? await WholeAsync(Manifest.Parse(bytes, entry), cancel) : null;

    private SavedEntry? Only(SavedList list) => list.Entries.Count switch
    {
        0 => null,
        1 => list.Entries[0],
        var count => throw Bad($"it lists {count} images where one was asked for"),
    };

    // An image for many platforms of which one was pulled: that one stands for it, as in docker push.
    private async Task<Manifest> WholeAsync(Manifest root, CancellationToken cancel)
    {
        if (!root.IsIndex || await files.HoldsAsync(root, cancel))
            return root;
        var whole = new List<Manifest>();
        foreach (var entry in root.Manifests.Where(entry => MediaTypes.IsImage(entry.MediaType) && entry.Platform?.Os != "unknown"))
            if (await ReadAsync(LayoutPaths.Blob(entry.Digest), Manifest.MaxSize, cancel) is { } bytes && Manifest.Parse(bytes, entry) is var image && await files.HoldsAsync(image, cancel))
                whole.Add(image);
        return whole is [var only] ? only : root;
    }

    private async Task<SavedRoot> OfConfigAsync(string configPath, IReadOnlyList<string> layerPaths, CancellationToken cancel)
    {
        var bytes = await ReadAsync(configPath, Manifest.MaxSize, cancel) ?? throw Bad($"the config {SafeText.OneLine(configPath)} is missing");
        foreach (var path in layerPaths)
            if (await files.SizeAsync(path, cancel) is null)
                throw Missing(path);
        var diffIds = ImageConfig.DiffIdsOf(bytes);
        return diffIds.Count == layerPaths.Count
            ? new(null, new(configPath, new(MediaTypes.OciConfig, Digest.Of(bytes), bytes.Length)), [.. layerPaths.Zip(diffIds)])
            : throw Bad($"its config lists {diffIds.Count} layers, and {layerPaths.Count} came");
    }

    private static byte[] Write(Descriptor config, List<Descriptor> layers)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            void Describe(Descriptor part)
            {
                json.WriteStartObject();
                json.WriteString("mediaType", part.MediaType);
                json.WriteString("digest", part.Digest.ToString());
                json.WriteNumber("size", part.Size);
                json.WriteEndObject();
            }

            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", MediaTypes.OciManifest);
            json.WritePropertyName("config");
            Describe(config);
            json.WriteStartArray("layers");
            foreach (var layer in layers)
                Describe(layer);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return output.ToArray();
    }

    private Task<byte[]?> ReadAsync(string path, int limit, CancellationToken cancel) => files.ReadAsync(name, path, limit, cancel);

    private PailException Missing(string path) => Bad($"the layer {SafeText.OneLine(path)} is missing");

    private PailException Bad(string why, Exception? inner = null) => new(Failure.BadContent, $"{name}: what Docker saved is not right: {why}.", inner);
}
