using Pail.Compression;
using Pail.Oci;
using Pail.Transfer;

namespace Pail.Images;

/// <summary>
/// An image as another source gives it, but with its layers compressed as asked for: what is compressed so already stays as it
/// is, to the byte; the rest is compressed anew, into a temporary file, for manifests name layers by their digests.
/// </summary>
/// <param name="source">The image; not disposed with this.</param>
/// <param name="compression">How layers shall be compressed.</param>
/// <param name="memory">Who may have layers compressed so already; null for nobody.</param>
internal sealed class Recompression(IImageSource source, LayerCompression compression, ILayerMemory? memory) : IImageSource, IKnowsTars
{
    private readonly Dictionary<Digest, Manifest> _manifests = [];
    private readonly Dictionary<Digest, Manifest> _converted = [];
    private readonly Dictionary<Digest, RecompressedLayer> _layers = [];
    private readonly Dictionary<Digest, RecompressedLayer> _made = [];
    private readonly Spool _spool = new();
    private Manifest? _root;

    /// <inheritdoc/>
    public string Name => source.Name;

    /// <summary>Makes the manifest that stands for one of the source, and with it all that it names.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: a layer is not what its digest or the config says.</exception>
    public async Task<Manifest> ConvertAsync(Manifest root, CancellationToken cancel) => _root = await ConvertAsync(root, 0, cancel);

    /// <inheritdoc/>
    public Task<Manifest> GetRootAsync(CancellationToken cancel) => _root is { } root ? Task.FromResult(root) : source.GetRootAsync(cancel);

    /// <inheritdoc/>
    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) =>
        _manifests.TryGetValue(descriptor.Digest, out var manifest) ? Task.FromResult(manifest) : source.GetManifestAsync(descriptor, cancel);

    /// <inheritdoc/>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) => _made.TryGetValue(blob.Digest, out var layer)
        ? layer.Offset is { } start
            ? Task.FromResult<Stream>(new FileRange(_spool.Handle, start + offset, layer.Blob.Size - offset))
            : throw new PailException(Failure.Conflict, $"{Name}: the layer {blob.Digest} was there a moment ago, and was removed meanwhile. Run the same command again.")
        : source.OpenBlobAsync(blob, offset, cancel);

    /// <inheritdoc/>
    public Digest? DiffIdOf(Digest blob) => _made.TryGetValue(blob, out var layer) ? layer.DiffId : (source as IKnowsTars)?.DiffIdOf(blob);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _spool.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<Manifest> ConvertAsync(Manifest manifest, int depth, CancellationToken cancel)
    {
        if (depth > ImageCopy.MaxDepth || _converted.Count > ImageCopy.MaxManifests)
            throw new PailException(Failure.BadContent, $"{Name}: its indexes are nested more than {ImageCopy.MaxDepth} deep, or name more than {ImageCopy.MaxManifests} manifests.");
        if (_converted.TryGetValue(manifest.Digest, out var known))
            return known;
        var made = manifest.IsIndex ? await ConvertIndexAsync(manifest, depth, cancel)
            : MediaTypes.IsImageConfig(manifest.Config?.MediaType) && !compression.Fits(manifest) ? await ConvertImageAsync(manifest, cancel)
            : manifest;
        _converted[manifest.Digest] = made;
        _manifests[made.Digest] = made;
        return made;
    }

    private async Task<Manifest> ConvertIndexAsync(Manifest index, int depth, CancellationToken cancel)
    {
        var replaced = new Dictionary<Digest, Descriptor>();
        foreach (var child in index.Manifests.Where(child => MediaTypes.IsManifest(child.MediaType)))
            if (await ConvertAsync(await source.GetManifestAsync(child, cancel), depth + 1, cancel) is var made && made.Digest != child.Digest)
                replaced[child.Digest] = made.Descriptor;
        return replaced.Count == 0 ? index : ManifestRewriter.Index(index, replaced);
    }

    private async Task<Manifest> ConvertImageAsync(Manifest image, CancellationToken cancel)
    {
        var diffIds = ImageConfig.DiffIdsOf(await ImageConfig.ReadAsync(source, image, cancel));
        if (diffIds.Count != image.Layers.Count)
            throw new PailException(Failure.BadContent, $"{Name}: the config of {image.Digest} lists {diffIds.Count} layers, its manifest {image.Layers.Count}.");
        var replaced = new Dictionary<Digest, Descriptor>();
        foreach (var (layer, diffId) in image.Layers.Zip(diffIds))
            if (layer.Urls.Count == 0 && LayerCompression.KindOf(layer.MediaType) is { } kind && kind != compression.Kind)
                replaced[layer.Digest] = (await ConvertLayerAsync(layer, kind, diffId, cancel)).Blob;
        return replaced.Count == 0 ? image : ManifestRewriter.Image(image, replaced);
    }

    private async Task<RecompressedLayer> ConvertLayerAsync(Descriptor layer, CompressionKind kind, Digest diffId, CancellationToken cancel)
    {
        if (_layers.TryGetValue(layer.Digest, out var known))
            return known;
        if (memory is not null && layer.Size > LayerLimits.Remembered && await memory.FindLayerAsync(diffId, compression.Kind, cancel) is { } there)
            return Keep(layer, new(there, diffId, null));
        var offset = _spool.Length;
        CompressionResult made;
        try
        {
            await using var plain = LayerCompression.Decompress(new VerifyingStream(await source.OpenBlobAsync(layer, 0, cancel), layer), kind);
            made = await compression.CompressAsync(plain, _spool.End, cancel);
        }
        catch (InvalidDataException e)
        {
            throw new PailException(Failure.BadContent, $"{Name}: the layer {layer.Digest} can't be decompressed: {Printable.Line(e.Message)}", e);
        }
        return made.Uncompressed == diffId
            ? Keep(layer, new(new Descriptor(compression.MediaType, made.Compressed, made.CompressedSize), made.UncompressedSize > LayerLimits.Remembered ? diffId : null, offset))
            : throw new PailException(Failure.BadContent, $"{Name}: the layer {layer.Digest} unpacks to {made.Uncompressed}; its config says {diffId}.");
    }

    private RecompressedLayer Keep(Descriptor layer, RecompressedLayer made)
    {
        _made.TryAdd(made.Blob.Digest, made);
        return _layers[layer.Digest] = made;
    }

    // Without an offset the sink has it.
    private sealed record RecompressedLayer(Descriptor Blob, Digest? DiffId, long? Offset);
}
