using Pail.Compression;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Images;

/// <summary>A sink that can say what a copy would write, and what that would cost, without writing.</summary>
public interface IForecastingSink : IImageSink, IReferrerSink, ILayerLookup
{
    /// <summary>What <see cref="IImageSink.PutBlobAsync"/> would do; counts the requests that writing would take, where they cost something.</summary>
    Task<BlobOutcome> ForecastBlobAsync(RequestMeter meter, Descriptor blob, CancellationToken cancel);

    /// <summary>Counts the requests that storing a manifest would take, and a tag if it is to have one.</summary>
    void ForecastManifest(RequestMeter meter, Manifest manifest, string? tag);

    /// <summary>Counts the requests that <see cref="IImageSink.CommitAsync"/> would make.</summary>
    void ForecastRoot(RequestMeter meter, Manifest root, bool isStored);
}

/// <summary>Stands for a sink and looks at it, but writes nothing: what would be written is counted.</summary>
/// <param name="inner">The sink.</param>
/// <param name="meter">Counts the requests that writing would take.</param>
/// <param name="before">What would be there by dry runs before this one; learns what would be by this.</param>
public sealed class DryRunSink(IForecastingSink inner, RequestMeter meter, DryRunState before) : IImageSink, IReferrerSink, ILayerLookup
{
    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public bool HoldsIndexes => inner.HoldsIndexes;

    /// <inheritdoc/>
    public Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) => inner.HasRootAsync(root, cancel);

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => before.Holds(manifest.Digest) ? Task.FromResult(true) : inner.HasManifestAsync(manifest, cancel);

    /// <inheritdoc/>
    public async Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (before.Holds(blob.Digest))
            return BlobOutcome.Existed;
        var outcome = await inner.ForecastBlobAsync(meter, blob, cancel);
        before.Add(blob.Digest);
        return outcome;
    }

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => Forecast(manifest, null);

    /// <inheritdoc/>
    public Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        inner.ForecastRoot(meter, root, isStored);
        before.Add(root.Digest);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => inner.ListReferrersAsync(subject, cancel);

    /// <inheritdoc/>
    public Task PutReferrerAsync(Manifest referrer, CancellationToken cancel) => Forecast(referrer, null);

    /// <inheritdoc/>
    public Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel) => inner.HasTagAsync(manifest, tag, cancel);

    /// <inheritdoc/>
    public Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel) => Forecast(manifest, tag);

    /// <inheritdoc/>
    public Task<Manifest?> GetNamedAsync(CancellationToken cancel) => inner.GetNamedAsync(cancel);

    /// <inheritdoc/>
    public Task<Descriptor?> FindLayerAsync(Digest diffId, CompressionKind kind, CancellationToken cancel) => inner.FindLayerAsync(diffId, kind, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private Task Forecast(Manifest manifest, string? tag)
    {
        inner.ForecastManifest(meter, manifest, tag);
        before.Add(manifest.Digest);
        return Task.CompletedTask;
    }
}
