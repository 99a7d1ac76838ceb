using System.Collections.Concurrent;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>
/// The one copy operation: any source to any sink. Blobs first, several at once; then the manifests that name them,
/// children before parents; the root, and with it the name, last. What a source makes goes as soon as it is made.
/// </summary>
public sealed class ImageCopy : IAsyncDisposable
{
    // Blobs wait for connections in the engine; these many are open at the source at once.
    private const int BlobsAtOnce = 8;

    private readonly IImageSink _sink;
    private readonly ICopyProgress _progress;
    private readonly CancellationTokenSource _stop;
    private readonly EarlyUploads _ahead;
    private readonly SemaphoreSlim _slots = new(BlobsAtOnce);
    // By size too: a second descriptor that lies about the size is found out as the first would be.
    private readonly ConcurrentDictionary<(Digest Digest, long Size), Lazy<Task>> _blobs = new();
    private readonly ConcurrentDictionary<Digest, Lazy<Task>> _manifests = new();
    private readonly int[] _outcomes = new int[3];
    private IImageSource _source;
    private Recompression? _recompression;
    private long _bytesSent;

    private ImageCopy(IImageSource source, IImageSink sink, ICopyProgress progress, CancellationToken cancel)
    {
        (_source, _sink, _progress) = (source, sink, progress);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _ahead = new EarlyUploads(_stop);
    }

    /// <summary>Copies an image, index or artifact.</summary>
    /// <exception cref="PailException">What is wrong, in one line. The sink's address names what it named before.</exception>
    public static async Task<CopyResult> RunAsync(IImageSource source, IImageSink sink, CopyOptions options, ICopyProgress progress, CancellationToken cancel)
    {
        if (options.Referrers && source is not IReferrerSource)
            throw new PailException(Failure.BadInput, $"{source.Name} can't tell what refers to an image: leave out --referrers.");
        var isNew = false;
        if (source is ILayerMaker maker && sink is ILayerLookup memory)
        {
            progress.Reading(source as IReadsAhead);
            if (options is { Platforms: null or [], Referrers: false } && await maker.IdentifyAsync(cancel) is { } id)
            {
                if (await FindUnchangedAsync(id, maker.Compression, options.Compression, memory, cancel) is { } there)
                    return new CopyResult(there.Descriptor, Unchanged: true);
                isNew = true;
            }
            maker.Memory = memory;
        }
        await using var copy = new ImageCopy(source, sink, progress, cancel);
        return await copy._ahead.FinishAsync(() => copy.RunAsync(options, isNew));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_recompression is not null)
            await _recompression.DisposeAsync();
        _slots.Dispose();
        _stop.Dispose();
    }

    private async Task<CopyResult> RunAsync(CopyOptions options, bool isNew)
    {
        var whole = await ReadAsync(_source, _source.GetRootAsync, isNew);
        var root = await PlatformChoice.ChooseAsync(_source, whole, _sink, options, _stop.Token);
        Digest? cutFrom = root.IsIndex && root.Digest != whole.Digest ? whole.Digest : null;
        if (options.Compression is { } compression && (root.IsIndex || !compression.Fits(root)))
        {
            // A config stands for an image only if it says what the layers are.
            if (MediaTypes.IsImageConfig(root.Config?.MediaType) && _sink is ILayerLookup memory
                && ImageConfig.DiffIdsOf(await ImageConfig.ReadAsync(_source, root, _stop.Token)).Count == root.Layers.Count
                && await FindUnchangedAsync(root.Config!.Digest, compression, compression, memory, _stop.Token) is { } same)
                return new CopyResult(same.Descriptor, Unchanged: true);
            _source = _recompression = new Recompression(_source, compression, _sink as ILayerLookup);
            root = await ReadAsync(_recompression, token => _recompression.ConvertAsync(root, token), isNew: true);
        }
        return (await CopyAsync(root, options.Referrers)) with { CutFrom = cutFrom };
    }

    // Of an image that is new, what is made on the way goes to the sink at once; of one that may be there nothing is asked in vain.
    private async Task<Manifest> ReadAsync(IImageSource source, Func<CancellationToken, Task<Manifest>> read, bool isNew)
    {
        if (isNew && source is IMakesBlobs maker && _sink is IEarlyBlobSink { TakesEarlyBlobs: true })
            maker.BlobReady = blob =>
            {
                if (TryExpect(blob))
                    _ahead.Begin(() => _blobs[(blob.Digest, blob.Size)].Value);
            };
        _progress.Reading(source as IReadsAhead);
        var root = await read(_stop.Token);
        _progress.Reading(null);
        return root;
    }

    private async Task<CopyResult> CopyAsync(Manifest root, bool withReferrers)
    {
        var unchanged = await _sink.HasRootAsync(root, _stop.Token);
        if (unchanged && !withReferrers)
            return new CopyResult(root.Descriptor, Unchanged: true);
        if (!unchanged)
            await CopyRootAsync(root);
        var (referrers, left) = withReferrers ? await new ReferrerCopy(_source, _sink, (manifest, _) => CopyPartsAsync(manifest, 0)).RunAsync(root, _stop.Token) : default;
        return new CopyResult(root.Descriptor, unchanged && referrers == 0)
        {
            Referrers = referrers,
            ReferrersLeft = left,
            Sent = _outcomes[(int)BlobOutcome.Sent],
            Existed = _outcomes[(int)BlobOutcome.Existed],
            Copied = _outcomes[(int)BlobOutcome.Copied],
            BytesSent = _bytesSent,
        };
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

    private async Task CopyRootAsync(Manifest root)
    {
        var stored = await _sink.HasManifestAsync(root, _stop.Token);
        if (!stored)
            await CopyPartsAsync(root, 0);
        await _sink.CommitAsync(root, stored, _stop.Token);
    }

    private Task CopyPartsAsync(Manifest manifest, int depth)
    {
        if (manifest.Manifests.Count + _manifests.Count > GraphLimits.MaxManifests)
            throw new PailException(Failure.BadContent, $"{_source.Name}: its indexes name more than {GraphLimits.MaxManifests} manifests, the most one copy may hold.");
        if (manifest.IsIndex)
            return AllAsync(manifest.Manifests.Select(child => _manifests.GetOrAdd(child.Digest, _ => new(() => CopyManifestAsync(child, depth + 1))).Value));
        TryExpect([.. manifest.Blobs]);
        return AllAsync(manifest.Blobs.Select(blob => _blobs[(blob.Digest, blob.Size)].Value));
    }

    // Whether any of these blobs comes for the first time.
    private bool TryExpect(params IReadOnlyList<Descriptor> blobs)
    {
        var fresh = blobs.Where(blob => _blobs.TryAdd((blob.Digest, blob.Size), new(() => CopyBlobAsync(blob)))).ToList();
        _progress.Expect(fresh);
        return fresh.Count > 0;
    }

    private async Task CopyManifestAsync(Descriptor descriptor, int depth)
    {
        if (depth > GraphLimits.MaxDepth)
            throw new PailException(Failure.BadContent, $"{_source.Name}: indexes are nested more than {GraphLimits.MaxDepth} deep.");
        if (!MediaTypes.IsManifest(descriptor.MediaType))
            throw new PailException(Failure.BadContent, $"{_source.Name}: an index names {descriptor.Digest} of type {SafeText.OneLine(descriptor.MediaType)}, which is no manifest Pail knows.");
        Manifest manifest;
        await _slots.WaitAsync(_stop.Token);
        try
        {
            manifest = await _source.GetManifestAsync(descriptor, _stop.Token);
            if (await _sink.HasManifestAsync(manifest, _stop.Token))
                return;
        }
        finally
        {
            _slots.Release();
        }
        await CopyPartsAsync(manifest, depth);
        await _sink.PutManifestAsync(manifest, _stop.Token);
    }

    private async Task CopyBlobAsync(Descriptor blob)
    {
        var cancel = _stop.Token;
        blob = blob with { DiffId = (_source as IDiffIdSource)?.DiffIdOf(blob.Digest) };
        await _slots.WaitAsync(cancel);
        try
        {
            var progress = _progress.Begin(blob);
            var outcome = await _sink.PutBlobAsync(blob, (offset, token) => _source.OpenBlobAsync(blob, offset, token), progress, cancel);
            progress.Done(outcome);
            Interlocked.Increment(ref _outcomes[(int)outcome]);
            if (outcome == BlobOutcome.Sent)
                Interlocked.Add(ref _bytesSent, blob.Size);
        }
        finally
        {
            _slots.Release();
        }
    }

    // The first failure stops the others, and is the one that is told; all have ended when this returns.
    private async Task AllAsync(IEnumerable<Task> tasks)
    {
        var running = tasks.Select(async task =>
        {
            try
            {
                await task;
            }
            catch
            {
                await _stop.CancelAsync();
                throw;
            }
        }).ToList();
        var all = Task.WhenAll(running);
        try
        {
            await all;
        }
        catch (Exception) when (all.Exception?.InnerExceptions.FirstOrDefault(e => e is not OperationCanceledException) is { } cause)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(cause);
        }
    }
}
