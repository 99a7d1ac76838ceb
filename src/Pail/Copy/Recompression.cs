using System.Collections.Concurrent;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>
/// An image as another source gives it, but with its layers compressed as asked for: what is compressed so already stays as it
/// is, to the byte; the rest is compressed anew, several layers at once, into temporary files, for manifests name layers by their digests.
/// </summary>
/// <param name="source">The image; not disposed with this.</param>
/// <param name="compression">How layers shall be compressed.</param>
/// <param name="memory">Who may have layers compressed so already; null for nobody.</param>
internal sealed class Recompression(IImageSource source, LayerCompression compression, ILayerLookup? memory) : IImageSource, IReadsAhead, IMakesBlobs, IDiffIdSource
{
    private readonly Dictionary<Digest, Manifest> _found = [];
    private readonly Dictionary<Digest, Manifest> _rewritten = [];
    private readonly Dictionary<Digest, Manifest> _manifests = [];
    private readonly Dictionary<Digest, OldLayer> _old = [];
    private readonly ConcurrentDictionary<Digest, NewLayer> _layers = new();
    private readonly ConcurrentDictionary<Digest, NewLayer> _made = new();
    private readonly ConcurrentBag<Spool> _idle = [];
    private Manifest? _root;
    private long _read;

    /// <inheritdoc/>
    public string Name => source.Name;

    /// <inheritdoc/>
    public long BytesRead => Interlocked.Read(ref _read);

    /// <inheritdoc/>
    public Action<Descriptor>? BlobReady { private get; set; }

    // Decompressing takes one core a layer, so compressing may have to wait for it. At the high levels of zstd it never does,
    // and there each layer takes hundreds of megabytes.
    private int AtOnce => compression is { Kind: CompressionKind.Zstd, Level: > 9 } ? 1 : Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>Makes the manifest that stands for one of the source, and with it all that it names.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: a layer is not what its digest or the config says.</exception>
    public async Task<Manifest> ConvertAsync(Manifest root, CancellationToken cancel)
    {
        await FindAsync(root, 0, cancel);
        await Parallel.ForEachAsync(_old.Values, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (old, token) =>
        {
            // To send a layer, the sink is asked for it; in vain if the whole is there, and unlike an image an index can't be recognised
            // before. The large ones it was asked for anyway.
            if (await ConvertAsync(old, token) is var (blob, size) && (root.IsIndex ? old.Layer.Size > LayerLimits.Remembered : size > LayerLimits.SentAhead))
                BlobReady?.Invoke(blob);
        });
        return _root = Rewrite(root);
    }

    /// <inheritdoc/>
    public Task<Manifest> GetRootAsync(CancellationToken cancel) => _root is { } root ? Task.FromResult(root) : source.GetRootAsync(cancel);

    /// <inheritdoc/>
    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) =>
        _manifests.TryGetValue(descriptor.Digest, out var manifest) ? Task.FromResult(manifest) : source.GetManifestAsync(descriptor, cancel);

    /// <inheritdoc/>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) => _made.TryGetValue(blob.Digest, out var layer)
        ? layer.Open is not null
            ? layer.Open(offset, cancel)
            : throw new PailException(Failure.Conflict, $"{Name}: the layer {blob.Digest} was there a moment ago, and was removed meanwhile. Run the same command again.")
        : source.OpenBlobAsync(blob, offset, cancel);

    /// <inheritdoc/>
    public Digest? DiffIdOf(Digest blob) => _made.TryGetValue(blob, out var layer) ? layer.DiffId : (source as IDiffIdSource)?.DiffIdOf(blob);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        foreach (var spool in _idle)
            spool.Dispose();
        return ValueTask.CompletedTask;
    }

    // All manifests, and the layers that are to be compressed anew, each once.
    private async Task FindAsync(Manifest manifest, int depth, CancellationToken cancel)
    {
        if (depth > GraphLimits.MaxDepth || _found.Count > GraphLimits.MaxManifests)
            throw new PailException(Failure.BadContent, $"{Name}: its indexes are nested more than {GraphLimits.MaxDepth} deep, or name more than {GraphLimits.MaxManifests} manifests.");
        _found[manifest.Digest] = manifest;
        foreach (var child in manifest.Manifests.Where(child => MediaTypes.IsManifest(child.MediaType) && !_found.ContainsKey(child.Digest)))
            await FindAsync(await source.GetManifestAsync(child, cancel), depth + 1, cancel);
        if (!Changes(manifest))
            return;
        var diffIds = ImageConfig.DiffIdsOf(await ImageConfig.ReadAsync(source, manifest, cancel));
        if (diffIds.Count != manifest.Layers.Count)
            throw new PailException(Failure.BadContent, $"{Name}: the config of {manifest.Digest} lists {diffIds.Count} layers, its manifest {manifest.Layers.Count}.");
        foreach (var (layer, diffId) in manifest.Layers.Zip(diffIds))
            if (layer.Urls.Count == 0 && LayerCompression.KindOf(layer.MediaType) is { } kind && kind != compression.Kind)
                _old.TryAdd(layer.Digest, new(layer, kind, diffId));
    }

    private bool Changes(Manifest manifest) => MediaTypes.IsImageConfig(manifest.Config?.MediaType) && !compression.Fits(manifest);

    // What was made, and the size of its tar; null if the sink has it.
    private async Task<(Descriptor Blob, long Size)?> ConvertAsync(OldLayer old, CancellationToken cancel)
    {
        if (memory is not null && old.Layer.Size > LayerLimits.Remembered && await memory.FindLayerAsync(old.DiffId, compression.Kind, cancel) is { } there)
        {
            Keep(old, new(there, old.DiffId, null));
            return null;
        }
        var spool = _idle.TryTake(out var idle) ? idle : new Spool();
        try
        {
            var offset = spool.Length;
            var made = await LayerTar.WriteAsync(source, old.Layer, old.Kind, old.DiffId, compression, spool.Writer, bytes => Interlocked.Add(ref _read, bytes), cancel);
            var blob = new Descriptor(compression.MediaType, made.Compressed, made.CompressedSize);
            Keep(old, new(blob, made.UncompressedSize > LayerLimits.Remembered ? old.DiffId : null, spool.OpenerOf(offset, made.CompressedSize)));
            return (blob, made.UncompressedSize);
        }
        finally
        {
            _idle.Add(spool);
        }
    }

    private void Keep(OldLayer old, NewLayer made)
    {
        _made.TryAdd(made.Blob.Digest, made);
        _layers[old.Layer.Digest] = made;
    }

    private Manifest Rewrite(Manifest manifest)
    {
        if (_rewritten.TryGetValue(manifest.Digest, out var known))
            return known;
        var parts = new Dictionary<Digest, Descriptor>();
        foreach (var child in manifest.Manifests)
            if (_found.TryGetValue(child.Digest, out var found) && Rewrite(found) is var made && made.Digest != child.Digest)
                parts[child.Digest] = made.Descriptor;
        if (Changes(manifest))
            foreach (var layer in manifest.Layers)
                if (_layers.TryGetValue(layer.Digest, out var made))
                    parts[layer.Digest] = made.Blob;
        var rewritten = parts.Count == 0 ? manifest : manifest.IsIndex ? ManifestRewriter.Index(manifest, parts) : ManifestRewriter.Image(manifest, parts);
        return _manifests[rewritten.Digest] = _rewritten[manifest.Digest] = rewritten;
    }

    private sealed record OldLayer(Descriptor Layer, CompressionKind Kind, Digest DiffId);

    // What can't be opened the sink has.
    private sealed record NewLayer(Descriptor Blob, Digest? DiffId, BlobOpener? Open);
}
