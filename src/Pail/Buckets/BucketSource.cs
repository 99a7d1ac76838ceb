using Pail.Images;
using Pail.Oci;

namespace Pail.Buckets;

/// <summary>An image in a bucket, of either layout.</summary>
internal sealed class BucketSource(Repository repository, Reference reference) : IImageSource, IReferrerSource
{
    /// <inheritdoc/>
    public string Name { get; } = $"{repository.Bucket.Name}, {repository.Name}{(reference.Digest is null ? ":" : "@")}{reference}";

    /// <inheritdoc/>
    public SourceAbilities Abilities => new() { Referrers = this };

    /// <inheritdoc/>
    public async Task<Manifest> GetRootAsync(CancellationToken cancel) =>
        await repository.Manifests.GetAsync(reference, cancel)
            ?? throw new PailException(Failure.NotFound, $"{Name}: there is no such image. 'pail ls' and 'pail tags' show what there is.");

    /// <inheritdoc/>
    public async Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel)
    {
        var manifest = await repository.Manifests.GetAsync(Reference.Of(descriptor.Digest), cancel)
            ?? throw new PailException(Failure.BadContent, $"{Name}: the manifest {descriptor.Digest}, named by an index, is missing.");
        return Manifest.Parse(manifest.Bytes, descriptor);
    }

    /// <inheritdoc/>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) =>
        Task.FromResult(repository.Blobs.Open(blob, offset));

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel)
    {
        // What was pushed by clients that kept a list themselves is in a tag.
        var tagged = await FindTagAsync(ReferrerTags.List(subject), cancel);
        return [.. (await repository.Referrers.ListAsync(subject, cancel)).Concat(tagged?.Manifests ?? []).DistinctBy(entry => entry.Digest)];
    }

    /// <inheritdoc/>
    public Task<Manifest?> FindTagAsync(string tag, CancellationToken cancel) => repository.Manifests.GetAsync(Reference.Parse(tag), cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
