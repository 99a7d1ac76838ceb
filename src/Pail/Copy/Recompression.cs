using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Tar;

namespace Pail.Copy;

/// <summary>
/// An image as another source gives it, but with its layers compressed as asked for: what is compressed so already stays as it
/// is, to the byte; the rest is compressed anew, several layers at once, into temporary files, for manifests name layers by their digests.
/// </summary>
/// <param name="source">The image; not disposed with this.</param>
/// <param name="whole">Its root.</param>
/// <param name="compression">How layers are compressed.</param>
internal sealed class Recompression(IImageSource source, Manifest whole, LayerCompression compression) : IImageSource
{
    private readonly ManifestGraph _graph = source.Graph();
    private readonly ConcurrentDictionary<Digest, Manifest> _rewritten = new();
    private readonly ConcurrentDictionary<Digest, Manifest> _manifests = new();
    private readonly Dictionary<Digest, OldLayer> _old = [];
    private readonly Dictionary<Digest, bool> _asTyped = [];
    private readonly HashSet<Digest> _changed = [];
    private readonly ConcurrentDictionary<Digest, NewLayer> _layers = new();
    private readonly ConcurrentDictionary<Digest, NewLayer> _made = new();
    private readonly ConcurrentBag<Spool> _idle = [];
    private long _read;

    /// <inheritdoc/>
    public string Name => source.Name;

    /// <inheritdoc/>
    public SourceAbilities Abilities => source.Abilities with { Maker = null };

    /// <summary>How many bytes of layers it has read so far.</summary>
    public long BytesRead => Interlocked.Read(ref _read);

    // Decompressing takes one core a layer, so compressing may have to wait for it. At the high levels of zstd it never does,
    // and there each layer takes hundreds of megabytes.
    private int AtOnce => compression is { Kind: CompressionKind.Zstd, Level: > 9 } ? 1 : Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>Makes the layers, and returns each as soon as it can be opened; then the manifests that name them.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: a layer is not what its digest or the config says.</exception>
    /// <param name="sink">Where the image goes. Of a manifest whose layers have the right type it is asked whether it has it; only if not, they are looked at.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async IAsyncEnumerable<MadeBlob> MakeAsync(IImageSink sink, [EnumeratorCancellation] CancellationToken cancel)
    {
        var known = sink.Abilities.Layers;
        await foreach (var manifest in _graph.WalkAsync(whole, cancel))
            if (MediaTypes.IsImageConfig(manifest.Config?.MediaType) && !(compression.Fits(manifest) && await sink.HasManifestAsync(manifest, cancel)))
                await FindLayersAsync(manifest, cancel);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var made = Channel.CreateUnbounded<MadeBlob>();
        var work = ConvertAllAsync(known, made.Writer, stop.Token);
        try
        {
            await foreach (var blob in made.Reader.ReadAllAsync(CancellationToken.None))
                yield return blob;
        }
        finally
        {
            await stop.CancelAsync();
            await work;
        }
        await _graph.VisitAsync(whole, _ => Task.FromResult(true), manifest => Task.FromResult(Rewrite(manifest)), cancel);
    }

    /// <inheritdoc/>
    public Task<Manifest> GetRootAsync(CancellationToken cancel) => Task.FromResult(_rewritten.GetValueOrDefault(whole.Digest, whole));

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
    public ValueTask DisposeAsync()
    {
        foreach (var spool in _idle)
            spool.Dispose();
        return ValueTask.CompletedTask;
    }

    // The layers that are to be compressed anew, each once.
    private async Task FindLayersAsync(Manifest manifest, CancellationToken cancel)
    {
        ThrowIfFixed(Name, manifest);
        var changing = new HashSet<Digest>();
        foreach (var layer in manifest.Layers.Where(layer => layer.Urls.Count == 0 && !_old.ContainsKey(layer.Digest)))
            if (LayerCompression.KindOf(layer.MediaType) is { } kind && (kind != compression.Kind || !await IsAsTypedAsync(layer, kind, cancel)))
                changing.Add(layer.Digest);
        if (changing.Count == 0 && !manifest.Layers.Any(layer => _old.ContainsKey(layer.Digest)))
            return;
        _changed.Add(manifest.Digest);
        foreach (var (layer, diffId) in manifest.Layers.Zip(await DiffIdsAsync(manifest, cancel)))
            if (changing.Contains(layer.Digest))
                _old.TryAdd(layer.Digest, new(layer, diffId));
    }

    // Builders have typed plain tars as gzip. Each layer is looked at once, and its first bytes read.
    private async Task<bool> IsAsTypedAsync(Descriptor layer, CompressionKind kind, CancellationToken cancel)
    {
        if (_asTyped.TryGetValue(layer.Digest, out var known))
            return known;
        await using var stream = await source.OpenBlobAsync(layer, 0, cancel);
        var head = new byte[TarBlock.Size];
        head = head[..await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancel)];
        return _asTyped[layer.Digest] = LayerTar.KindOf(head) == kind;
    }

    private async Task<IReadOnlyList<Digest>> DiffIdsAsync(Manifest manifest, CancellationToken cancel)
    {
        try
        {
            return await ImageConfig.DiffIdsOfAsync(source, manifest, cancel);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            throw new PailException(Failure.BadContent, $"{e.Message} A layer that is compressed anew is compared with its config: leave out --compression to copy the image as it is.", e);
        }
    }

    /// <summary>Refuses an image with a layer that can't be compressed otherwise.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: it has one.</exception>
    public static void ThrowIfFixed(string name, Manifest manifest)
    {
        if (MediaTypes.IsImageConfig(manifest.Config?.MediaType)
            && manifest.Layers.FirstOrDefault(layer => layer.Urls.Count == 0 && LayerCompression.KindOf(layer.MediaType) is null && !MediaTypes.IsForeignLayer(layer.MediaType)) is { } other)
            throw new PailException(Failure.BadInput, $"{name}: the layer {other.Digest} of {(other.MediaType.Length == 0 ? "no stated type" : $"type {SafeText.OneLine(other.MediaType)}")} can't be compressed otherwise: leave out --compression.");
    }

    // Ends the stream of what is made, with what went wrong if anything did.
    private async Task ConvertAllAsync(ILayerLookup? known, ChannelWriter<MadeBlob> made, CancellationToken cancel)
    {
        try
        {
            await Parallel.ForEachAsync(_old.Values, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (old, token) =>
            {
                var (blob, size) = await ConvertAsync(old, known, token);
                // To send a layer, the sink is asked for it; in vain if the whole is there, and unlike an image an index can't be recognised
                // before. The large ones it was asked for anyway. What has no size the sink has.
                made.TryWrite(new(blob, whole.IsIndex ? size is not null && old.Layer.Size > LayerLimits.Remembered : size > LayerLimits.SentAhead));
            });
            made.Complete();
        }
        catch (Exception e)
        {
            made.Complete(e);
        }
    }

    // What was made, and the size of its tar; no size if the sink has it.
    private async Task<(Descriptor Blob, long? Size)> ConvertAsync(OldLayer old, ILayerLookup? known, CancellationToken cancel)
    {
        if (known is not null && old.Layer.Size > LayerLimits.Remembered && await known.FindLayerAsync(old.DiffId, compression.Kind, cancel) is { } there)
            return (Keep(old, there with { DiffId = old.DiffId }, null), null);
        var spool = _idle.TryTake(out var idle) ? idle : new Spool();
        try
        {
            var offset = spool.Length;
            var made = await LayerTar.WriteAsync(source, old.Layer, old.DiffId, compression, spool.Writer, bytes => Interlocked.Add(ref _read, bytes), cancel);
            var blob = new Descriptor(compression.MediaType, made.Compressed, made.CompressedSize) { DiffId = made.UncompressedSize > LayerLimits.Remembered ? old.DiffId : null };
            return (Keep(old, blob, spool.OpenerOf(offset, made.CompressedSize)), made.UncompressedSize);
        }
        finally
        {
            _idle.Add(spool);
        }
    }

    private Descriptor Keep(OldLayer old, Descriptor blob, BlobOpener? open)
    {
        var made = new NewLayer(blob, open);
        _made.TryAdd(blob.Digest, made);
        _layers[old.Layer.Digest] = made;
        return blob;
    }

    // Its children have been rewritten before.
    private Manifest Rewrite(Manifest manifest)
    {
        var parts = new Dictionary<Digest, Descriptor>();
        foreach (var child in manifest.Children)
            if (_rewritten[child.Digest] is var made && made.Digest != child.Digest)
                parts[child.Digest] = made.Descriptor;
        if (_changed.Contains(manifest.Digest))
            foreach (var layer in manifest.Layers)
                if (_layers.TryGetValue(layer.Digest, out var made))
                    parts[layer.Digest] = made.Blob;
        var rewritten = parts.Count == 0 ? manifest : manifest.IsIndex ? ManifestRewriter.Index(manifest, parts) : ManifestRewriter.Image(manifest, parts);
        return _manifests[rewritten.Digest] = _rewritten[manifest.Digest] = rewritten;
    }

    private sealed record OldLayer(Descriptor Layer, Digest DiffId);

    // What can't be opened the sink has.
    private sealed record NewLayer(Descriptor Blob, BlobOpener? Open);
}
