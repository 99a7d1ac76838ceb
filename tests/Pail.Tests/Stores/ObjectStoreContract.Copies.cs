using Pail.Oci;
using Pail.Stores;

namespace Pail.Tests.Stores;

public abstract partial class ObjectStoreContract
{
    private IServerSideCopy Copier => Assert.IsType<IServerSideCopy>(Store, exactMatch: false);

    [Fact]
    public async Task Copy_Object_HasTheBytesAndTheNewHeaders()
    {
        await PutAsync("v2/a/blobs/x", "bytes", new(MediaTypes.OctetStream, "no-cache") { Metadata = new Dictionary<string, string> { ["old"] = "1" } });
        Assert.True(await Copier.CopyAsync("v2/a/blobs/x", "v2/b/c/blobs/x", new(MediaTypes.Json, "immutable") { Metadata = new Dictionary<string, string> { ["new"] = "2" } }, Cancel));
        Assert.Equal("bytes", await TextAsync("v2/b/c/blobs/x"));
        var info = await Store.HeadAsync("v2/b/c/blobs/x", Cancel);
        Assert.Equal(MediaTypes.Json, info!.ContentType);
        Assert.Equal(Traits.KeepsMetadata ? "immutable" : null, info.CacheControl);
        Assert.Equal(Traits.KeepsMetadata ? ["new"] : [], info.Metadata.Keys);
        var source = await Store.HeadAsync("v2/a/blobs/x", Cancel);
        Assert.Equal(Traits.KeepsMetadata ? "no-cache" : null, source!.CacheControl);
        Assert.Equal(MediaTypes.OctetStream, source.ContentType);
    }

    [Fact]
    public async Task Copy_ThenSourceReplacedAndDeleted_CopyStays()
    {
        var headers = new ObjectHeaders(MediaTypes.OctetStream, "immutable, no-transform");
        await PutAsync("from", "bytes", headers);
        Assert.True(await Copier.CopyAsync("from", "to", headers, Cancel));
        await PutAsync("from", "other", headers);
        Assert.Equal("bytes", await TextAsync("to"));
        await Store.DeleteAsync("from", Cancel);
        Assert.Equal("bytes", await TextAsync("to"));
    }

    [Fact]
    public async Task Copy_MissingSource_IsFalse()
    {
        await PutAsync("to", "old");
        Assert.False(await Copier.CopyAsync("none", "to", Plain, Cancel));
        Assert.Equal("old", await TextAsync("to"));
    }

    [Fact]
    public async Task Copy_OntoItself_ChangesHeaders()
    {
        await PutAsync("k", "bytes", new(MediaTypes.OciManifest));
        Assert.True(await Copier.CopyAsync("k", "k", new(MediaTypes.Json), Cancel));
        Assert.Equal("bytes", await TextAsync("k"));
        Assert.Equal(MediaTypes.Json, (await Store.HeadAsync("k", Cancel))!.ContentType);
    }

    [Fact]
    public async Task CopyPart_Ranges_MakeOneObject()
    {
        var source = Pattern(PartSize + 3000, 1);
        await Store.PutAsync("from", Segments.Of(source, 1 << 20), Plain, PutCondition.None, Cancel);
        var upload = await BeginAsync("to");
        var second = await Copier.CopyPartAsync("from", ByteRange.Of(PartSize, 3000), upload, 2, PartSize, Cancel);
        var first = await Copier.CopyPartAsync("from", ByteRange.Of(0, PartSize), upload, 1, 0, Cancel);
        Assert.Equal([new(1, first!, PartSize), new(2, second!, 3000)], await Store.ListPartsAsync(upload, Cancel));
        await Store.CompleteUploadAsync(upload, [new(1, first!, PartSize), new(2, second!, 3000)], Cancel);
        Assert.Equal(source, await ReadAsync("to"));
    }

    [Fact]
    public async Task CopyPart_MissingSource_IsNull()
    {
        var upload = await BeginAsync("to");
        Assert.Null(await Copier.CopyPartAsync("none", ByteRange.Of(0, 1), upload, 1, 0, Cancel));
        Assert.Empty(await Store.ListPartsAsync(upload, Cancel));
    }

    [Fact]
    public async Task Copies_AreOneRequestEach()
    {
        await PutAsync("from", "bytes");
        var upload = await BeginAsync("to");
        var scope = Meter.BeginScope();
        await Copier.CopyAsync("from", "copy", Plain, Cancel);
        await Copier.CopyPartAsync("from", ByteRange.Of(0, 5), upload, 1, 0, Cancel);
        Assert.Equal([(StoreOperation.CopyObject, 1L), (StoreOperation.UploadPartCopy, 1L)], scope.Counts.OrderBy(c => c.Key).Select(c => (c.Key, c.Value)));
    }
}
