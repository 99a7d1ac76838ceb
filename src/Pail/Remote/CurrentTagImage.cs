using Pail.Compression;
using Pail.Images;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>
/// The image that a tag of a registry names before it is pushed to: what is in it need not be compressed or sent anew. Asked for at
/// most once, and so is its config, which tells by the digests of their tars what its layers are.
/// </summary>
/// <remarks>
/// Whoever may push to the repository wrote that config, so it may lie about which layer a tar became. Nobody is taken in for long:
/// what is pushed has a config of its own, with which every engine compares each layer it unpacks.
/// </remarks>
internal sealed class CurrentTagImage(RegistryClient client, RegistryManifests manifests, TransferEngine engine, Reference reference)
{
    private readonly Lock _lock = new();
    private Task<Manifest?>? _manifest;
    private Task<IReadOnlyDictionary<Digest, Descriptor>>? _layers;

    /// <summary>Its manifest, if that has been asked for; null before.</summary>
    public Task<Manifest?>? Asked => _manifest;

    /// <summary>Its manifest; null if there is none, or none that can be used.</summary>
    public Task<Manifest?> GetAsync(CancellationToken cancel)
    {
        lock (_lock)
            return _manifest ??= AskAsync(cancel);
    }

    /// <summary>The blob that a tar is there as, compressed so; null if there is none.</summary>
    public async Task<Descriptor?> FindLayerAsync(Digest diffId, CompressionKind kind, CancellationToken cancel)
    {
        Task<IReadOnlyDictionary<Digest, Descriptor>> layers;
        lock (_lock)
            layers = _layers ??= ReadLayersAsync(cancel);
        // Docker's name for a compression becomes OCI's, as in all manifests made here.
        return (await layers).GetValueOrDefault(diffId) is { } layer && LayerCompression.KindOf(layer.MediaType) == kind
            ? new Descriptor(LayerCompression.MediaTypeOf(kind), layer.Digest, layer.Size) { DiffId = diffId }
            : null;
    }

    private async Task<Manifest?> AskAsync(CancellationToken cancel)
    {
        try
        {
            return await manifests.FindAsync(reference, cancel);
        }
        catch (PailException e) when (e.Failure is Failure.BadContent or Failure.Denied or Failure.BadInput)
        {
            // Damaged, of a kind that is past, or not for a login that may only push: what is pushed takes its place.
            return null;
        }
    }

    private async Task<IReadOnlyDictionary<Digest, Descriptor>> ReadLayersAsync(CancellationToken cancel)
    {
        var found = new Dictionary<Digest, Descriptor>();
        if (await GetAsync(cancel) is not { IsIndex: false } named || !MediaTypes.IsImageConfig(named.Config?.MediaType))
            return found;
        try
        {
            var crumbs = new ShortReadLimiter();
            var config = await ImageConfig.ReadAsync(client.Host, (blob, offset, _) => Task.FromResult(RegistryBlob.Open(client, engine, blob, offset, crumbs)), named, cancel);
            var diffIds = ImageConfig.DiffIdsOf(client.Host, config);
            if (diffIds.Count == named.Layers.Count)
                foreach (var (diffId, layer) in diffIds.Zip(named.Layers).Where(pair => pair.Second.Urls.Count == 0))
                    found.TryAdd(diffId, layer);
        }
        catch (PailException e) when (e.Failure is Failure.BadContent or Failure.NotFound)
        {
            // An image without a config that can be read tells nothing.
        }
        return found;
    }
}
