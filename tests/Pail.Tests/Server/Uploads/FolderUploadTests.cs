using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Tests.Server.Uploads;

/// <summary>Uploads to a folder.</summary>
public sealed class FolderUploadTests : UploadContract
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-uploads-");

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private protected override Task<IObjectStore> NewBucketAsync() => Task.FromResult<IObjectStore>(new FolderStore(_folder.FullName, Meter));
}
