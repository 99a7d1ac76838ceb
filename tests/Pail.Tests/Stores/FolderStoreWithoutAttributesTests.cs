using Pail.Oci;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit;

namespace Pail.Tests.Stores;

/// <summary>The contract on a file system that keeps no extended attributes.</summary>
[NeedsServers]
public sealed class FolderStoreWithoutAttributesTests : ObjectStoreContract
{
    private Mount _mount = null!;

    protected override StoreTraits Traits => new() { KeepsMetadata = false, KeepsAnyContentType = false };

    [Fact]
    public async Task Head_LargeObject_HasTheETagOfItsWriting()
    {
        var etag = await Store.PutAsync("k", new(Pattern(5 << 20, 1)), new(MediaTypes.OctetStream), PutCondition.None, Cancel);
        Assert.Equal(etag, (await Store.HeadAsync("k", Cancel))!.ETag);
        var next = await Store.PutAsync("k", new(Pattern((5 << 20) + 1, 2)), new(MediaTypes.OctetStream), PutCondition.IfMatch(etag!), Cancel);
        Assert.NotNull(next);
        Assert.NotEqual(etag, next);
    }

    protected override async Task<IObjectStore> OpenEmptyAsync(RequestMeter meter)
    {
        _mount = await Mount.MakeAsync("ramfs");
        return new FolderStore(_mount.Directory, meter);
    }

    protected override Task<IObjectStore> OpenMissingAsync(RequestMeter meter) =>
        Task.FromResult<IObjectStore>(new FolderStore(Path.Combine(_mount.Directory, "missing"), meter));

    public override ValueTask DisposeAsync() => _mount.DisposeAsync();
}
