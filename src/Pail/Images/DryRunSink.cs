using Pail.Io;
using Pail.Oci;

namespace Pail.Images;

/// <summary>Stands for a sink and reads it, but writes nothing.</summary>
/// <param name="inner">The sink, which has <see cref="SinkAbilities.Forecast"/>.</param>
/// <param name="before">What would be there by dry runs before this one; learns what would be by this.</param>
internal sealed class DryRunSink(IImageSink inner, DryRunState before) : IImageSink, IReferrerSink
{
    private readonly IForecast _forecast = inner.Abilities.Forecast ?? throw new InvalidOperationException($"{inner.Name} can't say what it would write.");

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public SinkAbilities Abilities => inner.Abilities with { TakesEarlyBlobs = false, Referrers = inner.Abilities.Referrers is null ? null : this };

    /// <inheritdoc/>
    public Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) => inner.HasRootAsync(root, cancel);

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => before.Holds(manifest.Digest) ? Task.FromResult(true) : inner.HasManifestAsync(manifest, cancel);

    /// <inheritdoc/>
    public async Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (before.Holds(blob.Digest))
            return BlobOutcome.Existed;
        var outcome = await _forecast.ForecastBlobAsync(blob, cancel);
        before.Add(blob.Digest);
        return outcome;
    }

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => Remember(manifest);

    /// <inheritdoc/>
    public Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel) => Remember(root);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => inner.Abilities.Referrers!.ListReferrersAsync(subject, cancel);

    /// <inheritdoc/>
    public Task PutReferrerAsync(Manifest referrer, CancellationToken cancel) => Remember(referrer);

    /// <inheritdoc/>
    public Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel) => inner.Abilities.Referrers!.HasTagAsync(manifest, tag, cancel);

    /// <inheritdoc/>
    public Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel) => Remember(manifest);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private Task Remember(Manifest manifest)
    {
        before.Add(manifest.Digest);
        return Task.CompletedTask;
    }
}
