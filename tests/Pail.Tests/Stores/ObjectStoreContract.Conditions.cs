using System.Text;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Tests.Stores;

public abstract partial class ObjectStoreContract
{
    private Task<string?> PutIfAsync(PutCondition condition, string key, string text, string type = MediaTypes.Json) =>
        Store.PutAsync(key, Bytes(text), new(type), condition, Cancel);

    [Fact]
    public async Task PutIfAbsent_NewAndExistingKey_WritesOnce()
    {
        if (!Traits.PutIfAbsent)
        {
            await FailsAsync(StoreError.ConditionUnsupported, () => PutIfAsync(PutCondition.IfAbsent, "k", "one"));
            Assert.Null(await Store.HeadAsync("k", Cancel));
            return;
        }
        var etag = await PutIfAsync(PutCondition.IfAbsent, "k", "one");
        Assert.Equal(etag, (await Store.HeadAsync("k", Cancel))!.ETag);
        Assert.Null(await PutIfAsync(PutCondition.IfAbsent, "k", "two"));
        Assert.Null(await PutIfAsync(PutCondition.IfAbsent, "k", "two", MediaTypes.OciIndex));
        Assert.Equal("one", await TextAsync("k"));
        await Store.DeleteAsync("k", Cancel);
        Assert.NotNull(await PutIfAsync(PutCondition.IfAbsent, "k", "three"));
    }

    [Fact]
    public async Task PutIfMatch_RightAndStaleETag_ReplacesOnlyThatVersion()
    {
        var first = (await PutAsync("k", "one", new(MediaTypes.OciManifest)))!;
        if (!Traits.PutIfMatch)
        {
            await FailsAsync(StoreError.ConditionUnsupported, () => PutIfAsync(PutCondition.IfMatch(first), "k", "two"));
            Assert.Equal("one", await TextAsync("k"));
            return;
        }
        var second = await PutIfAsync(PutCondition.IfMatch(first), "k", "two", MediaTypes.OciIndex);
        Assert.NotNull(second);
        Assert.Null(await PutIfAsync(PutCondition.IfMatch(first), "k", "three"));
        Assert.Equal("two", await TextAsync("k"));
        Assert.Equal(second, (await Store.HeadAsync("k", Cancel))!.ETag);
        Assert.NotNull(await PutIfAsync(PutCondition.IfMatch(second), "k", "four", MediaTypes.OciManifest));
    }

    [Fact]
    public async Task PutIfMatch_MissingKey_WritesNothing()
    {
        if (!Traits.PutIfMatch)
            return;
        Assert.Null(await PutIfAsync(PutCondition.IfMatch("0123456789abcdef0123456789abcdef"), "k", "x"));
        Assert.Null(await Store.HeadAsync("k", Cancel));
    }

    [Fact]
    public async Task PutIfMatch_ObjectOfAnUpload_Matches()
    {
        if (!Traits.PutIfMatch)
            return;
        var upload = new UploadId("k", await Store.CreateUploadAsync("k", Plain, Cancel));
        var part = await Store.UploadPartAsync(upload, 1, 0, Bytes("part"), Cancel);
        await Store.CompleteUploadAsync(upload, [new(1, part, 4)], Cancel);
        var etag = (await Store.HeadAsync("k", Cancel))!.ETag;
        Assert.NotNull(await PutIfAsync(PutCondition.IfMatch(etag), "k", "next"));
    }

    [Fact]
    public async Task PutIfAbsent_ManyAtOnce_ExactlyOneWins()
    {
        if (!Traits.PutIfAbsent)
            return;
        for (var round = 0; round < 5; round++)
        {
            var key = $"race/{round}";
            var etags = await Task.WhenAll(Enumerable.Range(0, 16).Select(n => Task.Run(() => PutIfAsync(PutCondition.IfAbsent, key, $"writer {n}", KnownTypes[n % KnownTypes.Length]))));
            var winner = Assert.Single(Enumerable.Range(0, 16), n => etags[n] is not null);
            Assert.Equal($"writer {winner}", await TextAsync(key));
            Assert.Equal(KnownTypes[winner % KnownTypes.Length], (await Store.HeadAsync(key, Cancel))!.ContentType);
        }
    }

    [Fact]
    public async Task PutIfMatch_ManyWritersOfOneList_LoseNothing()
    {
        if (!Traits.PutIfMatch)
            return;
        const int writers = 32;
        await PutAsync("list", "", new(MediaTypes.Json));
        await Task.WhenAll(Enumerable.Range(0, writers).Select(n => Task.Run(() => AddAsync($"<{n}>", KnownTypes[n % KnownTypes.Length]))));
        var text = await TextAsync("list");
        Assert.All(Enumerable.Range(0, writers), n => Assert.Contains($"<{n}>", text));
        Assert.Equal(Enumerable.Range(0, writers).Sum(n => $"<{n}>".Length), text!.Length);
    }

    // An answer lost on the way (a 5xx) leaves open whether the write happened: the list itself tells.
    private async Task AddAsync(string item, string type)
    {
        while (true)
        {
            try
            {
                await using var content = await Store.GetAsync("list", null, Cancel);
                var text = Encoding.UTF8.GetString(await ReadAllAsync(content!));
                if (text.Contains(item, StringComparison.Ordinal) || await PutIfAsync(PutCondition.IfMatch(content!.Info.ETag), "list", text + item, type) is not null)
                    return;
            }
            catch (StoreException e) when (e.IsTransient)
            {
                await Task.Delay(5, Cancel);
            }
        }
    }
}
