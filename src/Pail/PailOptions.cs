using Pail.Places;
using Pail.Remote;
using Pail.Transfer;

namespace Pail;

/// <summary>Says how much a <see cref="PailClient"/> may use, and how it reaches stores and registries.</summary>
public sealed record PailOptions
{
    /// <summary>Bounds the memory and the connections of all copies together, and says how failed requests are retried.</summary>
    public TransferOptions Transfer { get; init; } = new();

    /// <summary>Says how registries are reached.</summary>
    public RegistryOptions Registries { get; init; } = new();

    /// <summary>Replaces registered stores of the same scheme in this client, for other endpoints, profiles or credentials.</summary>
    public IReadOnlyList<IStoreProvider> Stores { get; init; } = [];

    /// <summary>Replaces <see cref="Stores"/> for the addresses that are copied from; null for the same.</summary>
    public IReadOnlyList<IStoreProvider>? SourceStores { get; init; }
}
