using System.Collections.Concurrent;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Telemetry;

namespace Pail.Copy;

/// <summary>
/// The one copy operation: any source to any sink. Blobs first, several at once; then the manifests that name them,
/// children before parents; the root, and with it the name, last. Layers that the source makes are sent as soon as they are whole.
/// </summary>
internal sealed class ImageCopy : IAsyncDisposable
{
    // Blobs wait for connections in the engine; these many are open at the source at once.
    private const int BlobsAtOnce = 8;

    private readonly IImageSink _sink;
    private readonly ICopyProgress _progress;
    private readonly CancellationTokenSource _stop;
    private readonly SharedWork _work;
    private readonly SemaphoreSlim _slots = new(BlobsAtOnce);
    // By size too: a second descriptor that lies about the size is found out as the first would be.
    private readonly ConcurrentDictionary<(Digest Digest, long Size), Lazy<Task>> _blobs = new();
    private readonly ConcurrentDictionary<Digest, Digest> _diffIds = new();
    private readonly ConcurrentDictionary<Digest, Descriptor> _foreignLeft = new();
    private readonly int[] _outcomes = new int[3];
    private IImageSource _source;
    private Recompression? _recompression;
    private long _bytesSent;

    private ImageCopy(IImageSource source, IImageSink sink, ICopyProgress progress, CancellationToken cancel)
    {
        (_source, _sink, _progress) = (source, sink, progress);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _work = new SharedWork(_stop);
    }

    /// <summary>Copies an image, index or artifact.</summary>
    /// <exception cref="PailException">What is wrong, in one line. The sink's address names what it named before.</exception>
    public static async Task<CopyResult> RunAsync(IImageSource source, IImageSink sink, CopyOptions options, ICopyProgress progress, CancellationToken cancel)
    {
        if (options.Referrers && source.Abilities.Referrers is null)
            throw new PailException(Failure.BadInput, $"{source.Name} can't tell what refers to an image: leave out --referrers.");
        await using var copy = new ImageCopy(source, sink, progress, cancel);
        return await copy._work.FinishAsync(() => copy.RunAsync(options));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_recompression is not null)
            await _recompression.DisposeAsync();
        _slots.Dispose();
        _stop.Dispose();
    }

    private async Task<CopyResult> RunAsync(CopyOptions options)
    {
        var layers = _sink.Abilities.Layers;
        if (_source.Abilities.Maker is { } maker)
        {
            var id = layers is not null && options is { Platforms: null or [], Referrers: false } ? await maker.IdentifyAsync(_stop.Token) : null;
            if (id is not null && await FindUnchangedAsync(id.Value, maker.Compression, options.Compression, layers!, _stop.Token) is { } there)
                return new CopyResult(there.Descriptor, Unchanged: true);
            await ReceiveAsync(maker.MakeAsync(layers, _stop.Token), () => maker.BytesRead, isNew: id is not null);
        }
        Manifest whole;
        using (PailTelemetry.Begin("read manifest"))
            whole = await _source.GetRootAsync(_stop.Token);
        var root = await PlatformChoice.ChooseAsync(_source, whole, _sink, options, _stop.Token);
        Digest? cutFrom = root.IsIndex && root.Digest != whole.Digest ? whole.Digest : null;
        if (options.Compression is { } compression)
        {
            Recompression.ThrowIfFixed(_source.Name, root);
            // A config stands for an image only if it says what the layers are.
            if (MediaTypes.IsImageConfig(root.Config?.MediaType) && !compression.Fits(root) && layers is not null && await NamesLayersAsync(root)
                && await FindUnchangedAsync(root.Config!.Digest, compression, compression, layers, _stop.Token) is { } same)
                return new CopyResult(same.Descriptor, Unchanged: true);
            _source = _recompression = new Recompression(_source, root, compression);
            await ReceiveAsync(_recompression.MakeAsync(_sink, _stop.Token), () => _recompression.BytesRead, isNew: true);
            root = await _recompression.GetRootAsync(_stop.Token);
        }
        return (await CopyAsync(root, options.Referrers)) with { CutFrom = cutFrom };
    }

    // What is wrong with a config that doesn't is told when a layer is to be compressed anew.
    private async Task<bool> NamesLayersAsync(Manifest image)
    {
        try
        {
            await ImageConfig.DiffIdsOfAsync(_source, image, _stop.Token);
            return true;
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            return false;
        }
    }

    // Of an image that is new, what is made on the way goes to the sink at once; of one that may be there nothing is asked in vain.
    private async Task ReceiveAsync(IAsyncEnumerable<MadeBlob> made, Func<long> bytesRead, bool isNew)
    {
        var early = isNew && _sink.Abilities.TakesEarlyBlobs;
        _progress.Reading(bytesRead);
        await foreach (var (blob, isWorthSending) in made)
        {
            if (blob.DiffId is { } diffId)
                _diffIds[blob.Digest] = diffId;
            if (early && isWorthSending && TryExpect([blob]))
                _work.Begin(() => _blobs[(blob.Digest, blob.Size)].Value);
        }
        _progress.Reading(null);
    }

    // The same config, and layers compressed as they would be: the same image, so nothing has to be read to find that out. Or the same
    // manifest, which only becomes another one if something is asked of its layers, or those of the images it lists.
    private static async Task<Manifest?> FindUnchangedAsync(Digest id, LayerCompression made, LayerCompression? asked, ILayerLookup sink, CancellationToken cancel)
    {
        if (await sink.GetNamedAsync(cancel) is not { } named)
            return null;
        var isSame = named.Digest == id
            ? asked is null || (!named.IsIndex && asked.Fits(named))
            : named.Config?.Digest == id && MediaTypes.IsImageConfig(named.Config.MediaType) && made.Fits(named);
        return isSame ? named : null;
    }

    private async Task<CopyResult> CopyAsync(Manifest root, bool withReferrers)
    {
        var graph = new ManifestGraph(_source.Name, (descriptor, cancel) => InSlotAsync(() => _source.GetManifestAsync(descriptor, cancel)));
        var unchanged = await _sink.HasRootAsync(root, _stop.Token);
        if (unchanged && !withReferrers)
            return new CopyResult(root.Descriptor, Unchanged: true);
        if (!unchanged)
        {
            var isStored = await _sink.HasManifestAsync(root, _stop.Token);
            if (!isStored)
                await CopyPartsAsync(graph, root);
            using var span = PailTelemetry.Begin("put manifest and name")?.SetTag("pail.digest", root.Digest.ToString());
            await _sink.CommitAsync(root, isStored, _stop.Token);
        }
        var result = new CopyResult(root.Descriptor, unchanged);
        if (withReferrers)
            result = await new ReferrerCopy(graph, _source.Abilities.Referrers!, _sink, manifest => CopyPartsAsync(graph, manifest)).RunAsync(root, result, _stop.Token);
        return result with
        {
            Sent = _outcomes[(int)BlobOutcome.Sent],
            Existed = _outcomes[(int)BlobOutcome.Existed],
            Copied = _outcomes[(int)BlobOutcome.Copied],
            BytesSent = _bytesSent,
            ForeignLeft = [.. _foreignLeft.Values],
        };
    }

    // All that a manifest names, and what that names; not the manifest itself.
    private Task CopyPartsAsync(ManifestGraph graph, Manifest top) => graph.VisitAsync(
        top,
        manifest => _work.RunAsync(async () =>
        {
            if (manifest.Manifests.FirstOrDefault(entry => MediaTypes.IsUnknownManifest(entry.MediaType)) is { } unknown)
                throw new PailException(Failure.BadContent, $"{_source.Name}: an index names {unknown.Digest} of type {SafeText.OneLine(unknown.MediaType)}, which is no manifest Pail knows.");
            if (manifest != top && await InSlotAsync(() => _sink.HasManifestAsync(manifest, _stop.Token)))
                return false;
            TryExpect([.. manifest.Blobs, .. await HeldForeignAsync(manifest)]);
            return true;
        }),
        async manifest =>
        {
            await Task.WhenAll(manifest.Blobs.Concat(manifest.ForeignBlobs.Where(blob => !_foreignLeft.ContainsKey(blob.Digest))).Select(blob => _blobs[(blob.Digest, blob.Size)].Value));
            if (manifest != top)
                await _work.RunAsync(async () =>
                {
                    using var span = PailTelemetry.Begin("put manifest")?.SetTag("pail.digest", manifest.Digest.ToString());
                    await _sink.PutManifestAsync(manifest, _stop.Token);
                    return true;
                });
        },
        _stop.Token);

    // The foreign layers that the source has: a registry may hold only their addresses, so each is opened to find out.
    private async Task<IReadOnlyList<Descriptor>> HeldForeignAsync(Manifest manifest)
    {
        var held = new List<Descriptor>();
        foreach (var blob in manifest.ForeignBlobs)
            try
            {
                await using var stream = await _source.OpenBlobAsync(blob, 0, _stop.Token);
                _ = await stream.ReadAsync(new byte[1], _stop.Token);
                held.Add(blob);
            }
            catch (PailException e) when (e.Failure == Failure.NotFound)
            {
                if (_sink.Abilities.NeedsForeignLayers)
                    throw new PailException(Failure.NotFound, $"{_source.Name} does not hold the layer {blob.Digest}, which has to be had from elsewhere ({SafeText.OneLine(blob.Urls[0])}), and {_sink.Name} can't hold the image without it.", e);
                _foreignLeft[blob.Digest] = blob;
            }
        return held;
    }

    // Whether any of these blobs comes for the first time.
    private bool TryExpect(IReadOnlyList<Descriptor> blobs)
    {
        var fresh = blobs.Where(blob => _blobs.TryAdd((blob.Digest, blob.Size), new(() => InSlotAsync(() => CopyBlobAsync(blob))))).ToList();
        _progress.Expect(fresh);
        return fresh.Count > 0;
    }

    private async Task<BlobOutcome> CopyBlobAsync(Descriptor blob)
    {
        blob = blob with { DiffId = _diffIds.TryGetValue(blob.Digest, out var diffId) ? diffId : null };
        using var span = PailTelemetry.Begin("copy blob")?.SetTag("pail.digest", blob.Digest.ToString()).SetTag("pail.size", blob.Size).SetTag("pail.media_type", blob.MediaType);
        var progress = _progress.Begin(blob);
        var outcome = await _sink.PutBlobAsync(blob, (offset, token) => _source.OpenBlobAsync(blob, offset, token), progress, _stop.Token);
        progress.Done(outcome);
        span?.SetTag("pail.outcome", outcome.ToString());
        Interlocked.Increment(ref _outcomes[(int)outcome]);
        if (outcome == BlobOutcome.Sent)
            Interlocked.Add(ref _bytesSent, blob.Size);
        return outcome;
    }

    private Task<T> InSlotAsync<T>(Func<Task<T>> work) => _work.RunAsync(async () =>
    {
        await _slots.WaitAsync(_stop.Token);
        try
        {
            return await work();
        }
        finally
        {
            _slots.Release();
        }
    });
}
