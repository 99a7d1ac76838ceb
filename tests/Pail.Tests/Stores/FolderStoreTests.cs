using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Tests.Stores;

/// <summary>The contract on the local folder.</summary>
public sealed class FolderStoreTests : ObjectStoreContract
{
    private readonly string _directory = Directory.CreateTempSubdirectory("pail-test-").FullName;

    protected override StoreTraits Traits => new();

    protected override Task<IObjectStore> OpenEmptyAsync(RequestMeter meter) => Task.FromResult<IObjectStore>(new FolderStore(_directory, meter));

    protected override Task<IObjectStore> OpenMissingAsync(RequestMeter meter) =>
        Task.FromResult<IObjectStore>(new FolderStore(Path.Combine(_directory, "missing"), meter));

    public override ValueTask DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return default;
    }
}
