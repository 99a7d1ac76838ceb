using System.Text;
using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Tests.Stores;

/// <summary>A dry run writes nothing, counts what it would write, and reads it.</summary>
public sealed class DryRunStoreTests : IDisposable
{
    private static readonly ObjectHeaders Text = new("text/plain", "no-cache") { Metadata = new Dictionary<string, string> { ["name"] = "value" } };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-dry-");
    private readonly RequestMeter _meter = new();
    private readonly FolderStore _inner;
    private readonly DryRunStore _store;

    public DryRunStoreTests() => _store = new DryRunStore(_inner = new FolderStore(_folder.FullName, new RequestMeter()), _meter);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Writes_AreCountedAndReadAgain_AndNotMade()
    {
        foreach (var key in (string[])["a", "c", "e"])
            await _inner.PutAsync(key, Bytes(key), Text, PutCondition.None, Cancel);

        await _store.PutAsync("b", Bytes("new"), Text, PutCondition.IfAbsent, Cancel);
        Assert.Null(await _store.PutAsync("b", Bytes("newer"), Text, PutCondition.IfAbsent, Cancel));
        var etag = (await _store.HeadAsync("b", Cancel))!.ETag;
        Assert.Null(await _store.PutAsync("b", Bytes("newer"), Text, PutCondition.IfMatch("other"), Cancel));
        Assert.NotNull(await _store.PutAsync("b", Bytes("newer"), Text, PutCondition.IfMatch(etag), Cancel));
        await _store.DeleteAsync("c", Cancel);
        Assert.True(await _store.Abilities.Copy!.CopyAsync("e", "d/copy", Text, Cancel));
        var upload = new UploadId("z", await _store.CreateUploadAsync("z", Text, Cancel));
        var part = await _store.UploadPartAsync(upload, 1, 0, Bytes("12345"), Cancel);
        await _store.CompleteUploadAsync(upload, [new(1, part, 5)], Cancel);

        Assert.Equal("newer", await ReadAsync("b"));
        Assert.Equal("value", (await _store.HeadAsync("b", Cancel))!.Metadata["name"]);
        Assert.Null(await _store.HeadAsync("c", Cancel));
        Assert.Null(await _store.GetAsync("c", null, Cancel));
        Assert.Equal("e", await ReadAsync("d/copy"));
        Assert.Equal((1, 5), ((await _store.HeadAsync("d/copy", Cancel))!.Size, (await _store.HeadAsync("z", Cancel))!.Size));
        foreach (var limit in (int[])[1, 2, 1000])
        {
            var pages = await _store.ListPagesAsync(new("", Limit: limit), Cancel).ToListAsync(Cancel);
            Assert.Equal(["a", "b", "d/copy", "e", "z"], pages.SelectMany(page => page.Objects.Select(item => item.Key)));
            pages = await _store.ListPagesAsync(new("", "/", "a", Limit: limit), Cancel).ToListAsync(Cancel);
            Assert.Equal(["b", "e", "z"], pages.SelectMany(page => page.Objects.Select(item => item.Key)));
            Assert.Equal(["d/"], pages.SelectMany(page => page.Prefixes));
        }

        Assert.Equal((8, 1), (_meter.ClassA, _meter.Counts[StoreOperation.DeleteObject]));
        Assert.Equal(["a", "c", "e"], await _inner.ListObjectsAsync(new(""), Cancel).Select(item => item.Key).ToListAsync(Cancel));
        Assert.Empty(await _inner.ListUploadsAsync("", Cancel));
    }

    private static System.Buffers.ReadOnlySequence<byte> Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

    private async Task<string> ReadAsync(string key)
    {
        await using var content = (await _store.GetAsync(key, null, Cancel))!;
        using var reader = new StreamReader(content.Body);
        return await reader.ReadToEndAsync(Cancel);
    }
}
