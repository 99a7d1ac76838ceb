using Pail.Oci;

namespace Pail.Images;

/// <summary>A sink on this machine, which costs no requests. <see cref="IImageSink.HasRootAsync"/> of one writes nothing.</summary>
public interface ILocalSink : IImageSink
{
    /// <summary>True if <see cref="IImageSink.PutBlobAsync"/> would find the blob there.</summary>
    bool HasBlob(Descriptor blob);
}

/// <summary>Stands for a sink on this machine and looks at it, but writes nothing.</summary>
/// <param name="inner">The sink.</param>
public class LocalDryRunSink(ILocalSink inner) : IImageSink
{
    /// <summary>Stands for a sink; holds what refers to an image if that does.</summary>
    public static LocalDryRunSink Of(ILocalSink inner) => inner is IReferrerSink holder ? new WithReferrers(inner, holder) : new LocalDryRunSink(inner);

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public bool HoldsIndexes => inner.HoldsIndexes;

    /// <inheritdoc/>
    public Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) => inner.HasRootAsync(root, cancel);

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => inner.HasManifestAsync(manifest, cancel);

    /// <inheritdoc/>
    public Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel) =>
        Task.FromResult(inner.HasBlob(blob) ? BlobOutcome.Existed : BlobOutcome.Sent);

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task PutRootAsync(Manifest root, bool isStored, CancellationToken cancel) => Task.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return inner.DisposeAsync();
    }

    private sealed class WithReferrers(ILocalSink inner, IReferrerSink holder) : LocalDryRunSink(inner), IReferrerSink
    {
        public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => holder.ListReferrersAsync(subject, cancel);

        public Task PutReferrerAsync(Manifest referrer, CancellationToken cancel) => Task.CompletedTask;

        public Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel) => holder.HasTagAsync(manifest, tag, cancel);

        public Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel) => Task.CompletedTask;
    }
}
