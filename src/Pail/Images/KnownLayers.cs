using Pail.Compression;
using Pail.Oci;

namespace Pail.Images;

/// <summary>Which layers of an image the sink has already, asked once, when the first layer comes that is worth asking for.</summary>
/// <param name="memory">Whom to ask; null for nobody.</param>
/// <param name="kind">How layers are to be compressed.</param>
/// <param name="diffIds">The layers of the image, by the digests of their tars; empty if they are not known.</param>
internal sealed class KnownLayers(ILayerLookup? memory, CompressionKind kind, IReadOnlyCollection<Digest> diffIds)
{
    private Dictionary<Digest, Descriptor>? _found;

    /// <summary>True if a layer of this size may be known. Small ones are compressed and sent sooner than asked for.</summary>
    public async Task<bool> MayHoldAsync(long size, CancellationToken cancel)
    {
        if (memory is null || diffIds.Count == 0 || size <= LayerLimits.Remembered)
            return false;
        if (_found is null)
        {
            var asked = diffIds.Distinct().ToList();
            var answers = await Task.WhenAll(asked.Select(diffId => memory.FindLayerAsync(diffId, kind, cancel)));
            _found = asked.Zip(answers).Where(pair => pair.Second is not null).ToDictionary(pair => pair.First, pair => pair.Second!);
        }
        return _found.Count > 0;
    }

    /// <summary>The blob that a layer is there as; null if it is new.</summary>
    public Descriptor? Find(Digest diffId) => _found?.GetValueOrDefault(diffId);
}
