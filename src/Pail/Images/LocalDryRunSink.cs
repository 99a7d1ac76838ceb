using Pail.Io;
using Pail.Oci;

namespace Pail.Images;

/// <summary>A sink on this machine, which costs no requests. <see cref="IImageSink.HasRootAsync"/> of one writes nothing.</summary>
public interface IPeekableSink : IImageSink
{
    /// <summary>True if <see cref="IImageSink.PutBlobAsync"/> would find the blob there.</summary>
    bool HasBlob(Descriptor blob);
}

/// <summary>Stands for a sink on this machine and looks at it, but writes nothing.</summary>
/// <param name="inner">The sink.</param>
/// <param name="before">What would be there by dry runs before this one; learns what would be by this.</param>
public class LocalDryRunSink(IPeekableSink inner, DryRunState before) : IImageSink
{
    /// <summary>Stands for a sink; holds what refers to an image if that does.</summary>
    public static LocalDryRunSink Of(IPeekableSink inner, DryRunState before) => inner is IReferrerSink holder ? new WithReferrers(inner, holder, before) : new LocalDryRunSink(inner, before);

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public bool HoldsIndexes => inner.HoldsIndexes;

    /// <inheritdoc/>
    public Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) => inner.HasRootAsync(root, cancel);

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => before.Holds(manifest.Digest) ? Task.FromResult(true) : inner.HasManifestAsync(manifest, cancel);

    /// <inheritdoc/>
    public Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (before.Holds(blob.Digest) || inner.HasBlob(blob))
            return Task.FromResult(BlobOutcome.Existed);
        before.Add(blob.Digest);
        return Task.FromResult(BlobOutcome.Sent);
    }

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => Forecast(manifest);

    /// <inheritdoc/>
    public Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel) => Forecast(root);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return inner.DisposeAsync();
    }

    private Task Forecast(Manifest manifest)
    {
        before.Add(manifest.Digest);
        return Task.CompletedTask;
    }

    private sealed class WithReferrers(IPeekableSink inner, IReferrerSink holder, DryRunState before) : LocalDryRunSink(inner, before), IReferrerSink
    {
        public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => holder.ListReferrersAsync(subject, cancel);

        public Task PutReferrerAsync(Manifest referrer, CancellationToken cancel) => Forecast(referrer);

        public Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel) => holder.HasTagAsync(manifest, tag, cancel);

        public Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel) => Forecast(manifest);
    }
}
