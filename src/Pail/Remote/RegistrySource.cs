using Pail.Images;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>An image in a registry. Source: OCI distribution-spec, "Pull".</summary>
internal sealed class RegistrySource : IImageSource, IReferrerSource
{
    private readonly TransferEngine _engine;
    private readonly RegistryClient _client;
    private readonly Reference _reference;
    private readonly ShortReadLimiter _crumbs = new();
    private readonly RegistryManifests _manifests;
    private readonly RegistryReferrers _referrers;

    /// <summary>Makes a source. No request is made yet.</summary>
    /// <param name="host">The registry's host, with its port if it has one.</param>
    /// <param name="repository">The repository.</param>
    /// <param name="reference">The tag or digest.</param>
    /// <param name="clients">What the registry is reached by; must outlive this.</param>
    public RegistrySource(string host, RepositoryName repository, Reference reference, RegistryClients clients)
    {
        Name = $"docker://{host}/{repository}{(reference.Digest is null ? ":" : "@")}{reference}";
        (_engine, _reference, _client) = (clients.Engine, reference, clients.Of(host, repository, "pull"));
        _manifests = new RegistryManifests(_client, _engine);
        _referrers = new RegistryReferrers(_client, _manifests, _engine);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SourceAbilities Abilities => new() { Referrers = this };

    /// <inheritdoc/>
    public async Task<Manifest> GetRootAsync(CancellationToken cancel)
    {
        try
        {
            return await _manifests.GetAsync(_reference, null, cancel);
        }
        catch (PailException e) when (e.Failure == Failure.NotFound)
        {
            throw new PailException(Failure.NotFound, $"{Name}: there is no such image. {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => descriptor.Size > Manifest.MaxSize
        ? throw new PailException(Failure.BadContent, $"{Name}: manifest {descriptor.Digest} has {descriptor.Size} bytes; at most {Manifest.MaxSize} are taken.")
        : _manifests.GetAsync(Reference.Of(descriptor.Digest), descriptor, cancel);

    /// <inheritdoc/>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) =>
        Task.FromResult(RegistryBlob.Open(_client, _engine, blob, offset, _crumbs));

    /// <inheritdoc/>
    public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => _referrers.ListAsync(subject, cancel);

    /// <inheritdoc/>
    public Task<Manifest?> FindTagAsync(string tag, CancellationToken cancel) => _manifests.FindAsync(Reference.Parse(tag), cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _referrers.Dispose();
        return ValueTask.CompletedTask;
    }
}
