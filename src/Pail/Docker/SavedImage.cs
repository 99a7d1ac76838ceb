using System.Runtime.CompilerServices;
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

    /// <summary>Returns the manifest of the image with the layers that were made for it.</summary>
    public Manifest With(IReadOnlyList<SavedFile> layers) => Stored ?? ManifestWriter.Image(Config!.Blob, [.. layers.Select(layer => layer.Blob)]);
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
/// <param name="chosen">Which image of it; null for the only one, or where an OCI index lists them alone.</param>
/// <param name="image">What the image is called in an OCI index, if that alone lists it; null for the only one.</param>
internal sealed class SavedImage(string name, ISavedFiles files, SavedEntry? chosen = null, string? image = null)
{
    /// <summary>Finds the image. Reads small files only.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: what was saved is damaged or no image.</exception>
    public async Task<SavedRoot> FindAsync(CancellationToken cancel)
    {
        var list = SavedList.Parse(name, await ReadAsync(SavedList.Path, Manifest.MaxSize, cancel));
        var stored = await StoredAsync(list, cancel);
        if (stored is not null && !stored.Layers.Any(layer => layer.MediaType == MediaTypes.OciLayerTar))
            return new(stored, null, []);
        if ((chosen ?? Only(list)) is { } entry)
            return await OfConfigAsync(entry.Config, entry.Layers, cancel);
        return stored is { Config: { } storedConfig }
            ? await OfConfigAsync(LayoutPaths.Blob(storedConfig.Digest), [.. stored.Layers.Select(layer => LayoutPaths.Blob(layer.Digest))], cancel)
            : throw Bad($"neither {LayoutPaths.Index} nor {SavedList.Path} names an image");
    }

    /// <summary>Returns the layers of an image whose manifest has to be made, compressed if they were not before; each was compared with the config.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: a layer is not what the config, or its own path, says.</exception>
    public async IAsyncEnumerable<SavedFile> LayersAsync(SavedRoot found, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var (path, diffId) in found.Layers)
        {
            var layer = await files.LayerAsync(path, diffId, cancel) ?? throw Missing(path);
            if (LayoutPaths.DigestOf(path) is { Algorithm: DigestAlgorithm.Sha256 } stated && stated != layer.Digest)
                throw Bad($"{SafeText.OneLine(path)} has the digest {layer.Digest}");
            if (layer.Digest != diffId && await layer.UnpackAsync(name, cancel) is var tar && tar != diffId)
                throw Bad($"a layer has the digest {tar}; its config says {diffId}");
            yield return layer;
        }
    }

    private async Task<Manifest?> StoredAsync(SavedList list, CancellationToken cancel)
    {
        if (await ReadAsync(LayoutPaths.Index, LayoutIndex.MaxSize, cancel) is not { } bytes)
            return null;
        var index = LayoutIndex.Parse(name, bytes);
        if (chosen is null && image is not null)
            return await ReadAsync(index.OfWholeName([DockerName.Whole(DockerName.WithTag(image))], DockerName.Whole) ?? index.Pick(image), cancel);
        if (chosen is null || list.Entries.Count == 1)
            return await ReadAsync(index.Pick(null), cancel);
        if (index.OfWholeName([.. chosen.Names.Select(DockerName.Whole)], DockerName.Whole) is { } named)
            return await ReadAsync(named, cancel);
        foreach (var entry in index.Entries)
            if (await ReadAsync(entry, cancel) is { Config: { } config } found && LayoutPaths.Blob(config.Digest) == chosen.Config)
                return found;
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
            if (await ReadAsync(LayoutPaths.Blob(entry.Digest), Manifest.MaxSize, cancel) is { } bytes && Manifest.Parse(bytes, entry) is var part && await files.HoldsAsync(part, cancel))
                whole.Add(part);
        return whole is [var only] ? only : root;
    }

    private async Task<SavedRoot> OfConfigAsync(string configPath, IReadOnlyList<string> layerPaths, CancellationToken cancel)
    {
        var bytes = await ReadAsync(configPath, Manifest.MaxSize, cancel) ?? throw Bad($"the config {SafeText.OneLine(configPath)} is missing");
        if (DigestOfConfig(configPath) is { } stated && stated != Digest.Of(bytes, stated.Algorithm))
            throw Bad($"{SafeText.OneLine(configPath)} has the digest {Digest.Of(bytes, stated.Algorithm)}");
        foreach (var path in layerPaths)
            if (await files.SizeAsync(path, cancel) is null)
                throw Missing(path);
        var diffIds = ImageConfig.DiffIdsOf($"{name}: the config {SafeText.OneLine(configPath)}", bytes);
        return diffIds.Count == layerPaths.Count
            ? new(null, new(configPath, new(MediaTypes.OciConfig, Digest.Of(bytes), bytes.Length)), [.. layerPaths.Zip(diffIds)])
            : throw Bad($"its config lists {diffIds.Count} layers, and {layerPaths.Count} came");
    }

    // Docker up to 24, Podman and Skopeo name the file HEX.json, crane and Kaniko sha256:HEX: nothing else says what the config should be.
    private static Digest? DigestOfConfig(string path) => LayoutPaths.DigestOf(path)
        ?? (Digest.TryParse(path.StartsWith("sha256:", StringComparison.Ordinal) ? path : path.EndsWith(".json", StringComparison.Ordinal) ? $"sha256:{path[..^".json".Length]}" : "", out var digest) ? digest : null);

    private Task<byte[]?> ReadAsync(string path, int limit, CancellationToken cancel) => files.ReadAsync(name, path, limit, cancel);

    private PailException Missing(string path) => Bad($"the layer {SafeText.OneLine(path)} is missing");

    private PailException Bad(string why, Exception? inner = null) => new(Failure.BadContent, $"{name}: what Docker saved is not right: {why}.", inner);
}
