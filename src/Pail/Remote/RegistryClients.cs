using System.Collections.Concurrent;
using Pail.Oci;
using Pail.Remote.Access;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>
/// The registries of one run. However many images of a repository are read or written, connections and tokens are the same: who we
/// are is proved once. Used by several threads at once.
/// </summary>
/// <param name="options">How registries are reached.</param>
/// <param name="engine">What moves the bytes.</param>
internal sealed class RegistryClients(RegistryOptions options, TransferEngine engine) : IDisposable
{
    private readonly ConcurrentDictionary<(string Host, RepositoryName Repository, string Actions), Lazy<RegistryClient>> _open = new();
    private readonly ConcurrentDictionary<string, RootChallenge> _roots = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>How registries are reached.</summary>
    public RegistryOptions Options => options;

    /// <summary>What moves the bytes.</summary>
    public TransferEngine Engine => engine;

    /// <summary>Closes the connections. What was read or written by them must be disposed before.</summary>
    public void Dispose()
    {
        foreach (var client in _open.Values)
            client.Value.Dispose();
    }

    /// <summary>The client for a repository and what shall be done there. It is disposed with this.</summary>
    internal RegistryClient Of(string host, RepositoryName repository, string actions) =>
        _open.GetOrAdd((host, repository, actions), key => new(() => new RegistryClient(key.Host, key.Repository, key.Actions, options, engine.Retry.Time, root: _roots.GetOrAdd(key.Host, _ => new RootChallenge())))).Value;
}
