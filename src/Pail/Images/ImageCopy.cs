using System.Collections.Concurrent;
using Pail.Compression;
using Pail.Oci;

namespace Pail.Images;

/// <summary>What to copy of an index.</summary>
/// <param name="Platforms">One: only the image for it. Several: an index of just those. Null for the whole, or the host's where the sink holds one image.</param>
/// <param name="All">The whole index, and an error if the sink can't hold it.</param>
/// <param name="Referrers">Also what refers to it: signatures, SBOMs, attestations.</param>
/// <param name="Compression">How layers shall be compressed; null to leave what is compressed as it is.</param>
public sealed record CopyOptions(IReadOnlyList<Platform>? Platforms = null, bool All = false, bool Referrers = false, LayerCompression? Compression = null);

/// <summary>What a copy did.</summary>
/// <param name="Root">The manifest the sink's address names now.</param>
/// <param name="Unchanged">True if it named that before: nothing was written.</param>
public sealed record CopyResult(Descriptor Root, bool Unchanged)
{
    /// <summary>The index that the root was made of, where that holds some of its platforms only; what refers to it does not refer to the root.</summary>
    public Digest? CutFrom { get; init; }

    /// <summary>Blobs whose bytes were sent.</summary>
    public int Sent { get; init; }

    /// <summary>Blobs that were there.</summary>
    public int Existed { get; init; }

    /// <summary>Blobs that the store copied within itself.</summary>
    public int Copied { get; init; }

    /// <summary>Bytes of the blobs sent.</summary>
    public long BytesSent { get; init; }

    /// <summary>Manifests copied because they refer to the image, or to what refers to it.</summary>
    public int Referrers { get; init; }

    /// <summary>Referrers that the sink can't hold.</summary>
    public int ReferrersLeft { get; init; }
}

/// <summary>
/// The one copy operation: any source to any sink. Blobs first, several at once; then the manifests that name them,
/// children before parents; the root, and with it the name, last.
/// </summary>
public sealed class ImageCopy : IDisposable
{
    /// <summary>How deep indexes may be nested.</summary>
    public const int MaxDepth = 16;

    /// <summary>How many manifests one copy may hold.</summary>
    public const int MaxManifests = 5000;

    // Blobs wait for connections in the engine; these many are open at the source at once.
    private const int BlobsAtOnce = 8;

    private readonly IImageSource _source;
    private readonly IImageSink _sink;
    private readonly ICopyProgress _progress;
    private readonly SemaphoreSlim _slots = new(BlobsAtOnce);
    // By size too: a second descriptor that lies about the size is found out as the first would be.
    private readonly ConcurrentDictionary<(Digest Digest, long Size), Lazy<Task>> _blobs = new();
    private readonly ConcurrentDictionary<Digest, Lazy<Task>> _manifests = new();
    private readonly int[] _outcomes = new int[3];
    private long _bytesSent;

    private ImageCopy(IImageSource source, IImageSink sink, ICopyProgress progress) => (_source, _sink, _progress) = (source, sink, progress);

    /// <summary>Copies an image, index or artifact.</summary>
    /// <exception cref="PailException">What is wrong, in one line. The sink's address names what it named before.</exception>
    public static async Task<CopyResult> RunAsync(IImageSource source, IImageSink sink, CopyOptions options, ICopyProgress progress, CancellationToken cancel)
    {
        if (source is ILayerMaker maker && sink is ILayerMemory memory)
        {
            if (options is { Platforms: null or [], Referrers: false } && await maker.IdentifyAsync(cancel) is { } id && await FindUnchangedAsync(id, maker.Compression, memory, cancel) is { } there)
                return new CopyResult(there.Descriptor, Unchanged: true);
            maker.Memory = memory;
        }
        var whole = await source.GetRootAsync(cancel);
        var root = await PlatformChoice.ChooseAsync(source, whole, sink, options, cancel);
        Digest? cutFrom = root.IsIndex && root.Digest != whole.Digest ? whole.Digest : null;
        if (options.Compression is not { } compression || (!root.IsIndex && compression.Fits(root)))
            return (await CopyAsync(root, source, sink, options, progress, cancel)) with { CutFrom = cutFrom };
        // A config stands for an image only if it says what the layers are.
        if (MediaTypes.IsImageConfig(root.Config?.MediaType) && sink is ILayerMemory other
            && ImageConfig.DiffIdsOf(await ImageConfig.ReadAsync(source, root, cancel)).Count == root.Layers.Count
            && await FindUnchangedAsync(root.Config!.Digest, compression, other, cancel) is { } same)
            return new CopyResult(same.Descriptor, Unchanged: true);
        await using var recompressed = new Recompression(source, compression, sink as ILayerMemory);
        return (await CopyAsync(await recompressed.ConvertAsync(root, cancel), recompressed, sink, options, progress, cancel)) with { CutFrom = cutFrom };
    }

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();

    private static async Task<CopyResult> CopyAsync(Manifest root, IImageSource source, IImageSink sink, CopyOptions options, ICopyProgress progress, CancellationToken cancel)
    {
        var unchanged = await sink.HasRootAsync(root, cancel);
        if (unchanged && !options.Referrers)
            return new CopyResult(root.Descriptor, Unchanged: true);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var copy = new ImageCopy(source, sink, progress);
        if (!unchanged)
            await copy.CopyRootAsync(root, stop);
        var (referrers, left) = options.Referrers ? await new ReferrerCopy(source, sink, (manifest, _) => copy.CopyPartsAsync(manifest, 0, stop)).RunAsync(root, stop.Token) : default;
        return new CopyResult(root.Descriptor, unchanged && referrers == 0)
        {
            Referrers = referrers,
            ReferrersLeft = left,
            Sent = copy._outcomes[(int)BlobOutcome.Sent],
            Existed = copy._outcomes[(int)BlobOutcome.Existed],
            Copied = copy._outcomes[(int)BlobOutcome.Copied],
            BytesSent = copy._bytesSent,
        };
    }

    // The same config, and layers compressed as they would be: the same image, so nothing has to be read to find that out.
    private static async Task<Manifest?> FindUnchangedAsync(Digest id, LayerCompression compression, ILayerMemory memory, CancellationToken cancel) =>
        await memory.GetNamedAsync(cancel) is { } named && (named.Digest == id || (named.Config?.Digest == id && MediaTypes.IsImageConfig(named.Config.MediaType) && compression.Fits(named))) ? named : null;

    private async Task CopyRootAsync(Manifest root, CancellationTokenSource stop)
    {
        var stored = await _sink.HasManifestAsync(root, stop.Token);
        if (!stored)
            await CopyPartsAsync(root, 0, stop);
        await _sink.PutRootAsync(root, stored, stop.Token);
    }

    private Task CopyPartsAsync(Manifest manifest, int depth, CancellationTokenSource stop)
    {
        if (manifest.Manifests.Count + _manifests.Count > MaxManifests)
            throw new PailException(Failure.BadContent, $"{_source.Name}: its indexes name more than {MaxManifests} manifests, the most one copy may hold.");
        if (manifest.IsIndex)
            return AllAsync(manifest.Manifests.Select(child => _manifests.GetOrAdd(child.Digest, _ => new(() => CopyManifestAsync(child, depth + 1, stop))).Value), stop);
        var fresh = new List<Descriptor>();
        foreach (var blob in manifest.Blobs)
            if (_blobs.TryAdd((blob.Digest, blob.Size), new(() => CopyBlobAsync(blob, stop.Token))))
                fresh.Add(blob);
        _progress.Expect(fresh);
        return AllAsync(manifest.Blobs.Select(blob => _blobs[(blob.Digest, blob.Size)].Value), stop);
    }

    private async Task CopyManifestAsync(Descriptor descriptor, int depth, CancellationTokenSource stop)
    {
        if (depth > MaxDepth)
            throw new PailException(Failure.BadContent, $"{_source.Name}: indexes are nested more than {MaxDepth} deep.");
        if (!MediaTypes.IsManifest(descriptor.MediaType))
            throw new PailException(Failure.BadContent, $"{_source.Name}: an index names {descriptor.Digest} of type {Printable.Line(descriptor.MediaType)}, which is no manifest Pail knows.");
        Manifest manifest;
        await _slots.WaitAsync(stop.Token);
        try
        {
            manifest = await _source.GetManifestAsync(descriptor, stop.Token);
            if (await _sink.HasManifestAsync(manifest, stop.Token))
                return;
        }
        finally
        {
            _slots.Release();
        }
        await CopyPartsAsync(manifest, depth, stop);
        await _sink.PutManifestAsync(manifest, stop.Token);
    }

    private async Task CopyBlobAsync(Descriptor blob, CancellationToken cancel)
    {
        blob = blob with { DiffId = (_source as IKnowsTars)?.DiffIdOf(blob.Digest) };
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
    private static async Task AllAsync(IEnumerable<Task> tasks, CancellationTokenSource stop)
    {
        var running = tasks.Select(async task =>
        {
            try
            {
                await task;
            }
            catch
            {
                await stop.CancelAsync();
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
