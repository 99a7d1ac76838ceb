using Pail.Images;
using Pail.Oci;

namespace Pail.Server.Page;

/// <summary>An image of the bucket, as far as its repository holds it.</summary>
internal sealed class PageSource(PageReader reader, RepositoryName repository, Reference reference) : IImageSource
{
    /// <inheritdoc/>
    public string Name { get; } = $"{repository}{(reference.Digest is null ? ":" : "@")}{reference}";

    /// <inheritdoc/>
    public async Task<Manifest> GetRootAsync(CancellationToken cancel) => await reader.FindAsync(repository, reference, cancel) ?? throw new PailException(Failure.NotFound, $"{Name}: there is no such image.");

    /// <inheritdoc/>
    public async Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel)
    {
        var manifest = await reader.FindAsync(repository, Reference.Of(descriptor.Digest), cancel) ?? throw new PailException(Failure.NotFound, $"{Name}: the manifest {descriptor.Digest}, named by an index, is missing.");
        return Manifest.Parse(manifest.Bytes, descriptor);
    }

    /// <inheritdoc/>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) => reader.OpenAsync(repository, blob, offset, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
