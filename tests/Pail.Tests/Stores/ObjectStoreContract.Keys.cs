using System.Text;
using Pail.Stores;

namespace Pail.Tests.Stores;

public abstract partial class ObjectStoreContract
{
    /// <summary>Keys that paths, addresses or XML make hard. S3 takes them all.</summary>
    public static TheoryData<string> OddKeys =>
    [
        "a b", "a+b", "a%2Fb", "a%b", "a@b", "a@", "@", "%", "a.@json", ".@blob", ".pail", ".pail/tmp/x", ".hidden",
        "a:b", "a?b=c&d", "a#b", "a;b", "a=b,c", "a'b\"c", "<a>&amp;", "a*b[c]{d}|e", "a\\b", "~", "-rf", "$HOME", "!x",
        "Ünïcödé/日本語/ключ", "🐳/whale", "e\u0301", "é", "a\u00a0b", "v2/", "dir/", "v2/app/manifests/sha256:abc",
        "v2/a/tags/list", "v2/a/tags/list/manifests/x", "CON", "aux.txt",
    ];

    [Theory]
    [MemberData(nameof(OddKeys))]
    public async Task OddKey_EveryCall_TakesItAsItIs(string key)
    {
        await PutAsync(key, key);
        Assert.Equal(key, await TextAsync(key));
        Assert.NotNull(await Store.HeadAsync(key, Cancel));
        Assert.Equal([key], (await Store.ListAsync(new(""), Cancel)).Objects.Select(o => o.Key));
        Assert.Equal([key], (await Store.ListAsync(new(key), Cancel)).Objects.Select(o => o.Key));
        if (Store is IServerSideCopy copier)
        {
            Assert.True(await copier.CopyAsync(key, key + "2", Plain, Cancel));
            Assert.Equal(key, await TextAsync(key + "2"));
        }
        var upload = new UploadId(key, await Store.CreateUploadAsync(key, Plain, Cancel));
        Assert.Equal([key], (await Store.ListUploadsAsync(key, Cancel)).Select(u => u.Upload.Key));
        var etag = await Store.UploadPartAsync(upload, 1, 0, Bytes("part"), Cancel);
        await Store.CompleteUploadAsync(upload, [new(1, etag, 4)], Cancel);
        Assert.Equal("part", await TextAsync(key));
        await Store.DeleteAsync(key, Cancel);
        Assert.Null(await Store.HeadAsync(key, Cancel));
    }

    [Fact]
    public async Task SimilarKeys_AreDifferentObjects()
    {
        string[] keys = ["a", "a/", "a/b", "a%2Fb", "a%2fb", "a+b", "a b", "a%20b", "a.b", "a-b", "A", "a@", "a@/b", "e\u0301", "é", "a.@json", "a/.@json", "a/b/"];
        foreach (var key in keys)
            await PutAsync(key, "text of " + key);
        foreach (var key in keys)
            Assert.Equal("text of " + key, await TextAsync(key));
        var listed = (await Store.ListAsync(new(""), Cancel)).Objects.Select(o => o.Key);
        Assert.Equal(keys.Order(Comparer<string>.Create(ByBytes)), listed);
    }

    [Fact]
    public async Task LongKeys_UpTo1024Bytes_Work()
    {
        string[] keys =
        [
            new string('a', 1024),
            new string('a', 1020) + "/b/c",
            string.Concat(Enumerable.Repeat("é", 512)),
            string.Concat(Enumerable.Repeat("日本", 170)) + "/x",
            string.Concat(Enumerable.Repeat("d/", 512)),
            "v2/" + new string('r', 255) + "/manifests/" + new string('t', 128),
            "v2/r/manifests/sha512:" + new string('0', 128),
            new string('x', 239), new string('x', 240), new string('x', 255), new string('x', 256),
        ];
        foreach (var key in keys)
        {
            await PutAsync(key, key);
            Assert.Equal(key, await TextAsync(key));
        }
        var listed = (await Store.ListAsync(new(""), Cancel)).Objects.Select(o => o.Key);
        Assert.Equal(keys.Order(Comparer<string>.Create(ByBytes)), listed);
        foreach (var key in keys)
            await Store.DeleteAsync(key, Cancel);
        Assert.Empty((await Store.ListAsync(new(""), Cancel)).Objects);
    }

    [Fact]
    public async Task Put_KeyOver1024Bytes_IsRejected() =>
        await FailsAsync(StoreError.Rejected, () => PutAsync(new string('k', 1025), "x"));

    private protected static int ByBytes(string a, string b) =>
        Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b));
}
