using Pail.Stores;

namespace Pail.Tests.Stores;

public abstract partial class ObjectStoreContract
{
    private async Task PutAllAsync(params IEnumerable<string> keys) => await Parallel.ForEachAsync(keys, Cancel, async (key, _) => await PutAsync(key, key));

    private async Task<(List<string> Items, List<int> Pages)> ListAllAsync(ListQuery query)
    {
        List<string> items = [];
        List<int> pages = [];
        for (string? token = null; ;)
        {
            var page = await Store.ListAsync(query with { Continuation = token }, Cancel);
            items.AddRange(page.Objects.Select(o => o.Key).Concat(page.Prefixes.Select(p => p + "*")).Order(Comparer<string>.Create(ByBytes)));
            pages.Add(page.Objects.Count + page.Prefixes.Count);
            if ((token = page.Continuation) is null)
                return (items, pages);
        }
    }

    [Fact]
    public async Task List_EmptyBucket_IsOneEmptyPage()
    {
        var page = await Store.ListAsync(new(""), Cancel);
        Assert.Empty(page.Objects);
        Assert.Empty(page.Prefixes);
        Assert.Null(page.Continuation);
    }

    [Fact]
    public async Task List_AllKeys_AreInOrderOfTheirBytes()
    {
        // U+FFFD sorts before U+1F433 in UTF-8 but after it in UTF-16; '/' sorts after '-' and '.'.
        string[] keys = ["B", "a", "a-b", "a.b", "a/", "a/b", "a/b-c", "a/b/c", "a0", "ab", "\uFFFD", "🐳", "é"];
        await PutAllAsync(keys);
        var page = await Store.ListAsync(new(""), Cancel);
        Assert.Equal(["B", "a", "a-b", "a.b", "a/", "a/b", "a/b-c", "a/b/c", "a0", "ab", "é", "\uFFFD", "🐳"], page.Objects.Select(o => o.Key));
        Assert.Empty(page.Prefixes);
    }

    [Fact]
    public async Task List_Entry_IsWhatHeadSays()
    {
        await PutAsync("k", "text");
        var entry = Assert.Single((await Store.ListAsync(new(""), Cancel)).Objects);
        var head = await Store.HeadAsync("k", Cancel);
        Assert.Equal((4, head!.ETag), (entry.Size, entry.ETag));
        Assert.InRange(entry.Modified, head.Modified.AddSeconds(-2), head.Modified.AddSeconds(2));
    }

    [Theory]
    [InlineData("", "a,a-b,a/b,a/b/c,ab,b/c")]
    [InlineData("a", "a,a-b,a/b,a/b/c,ab")]
    [InlineData("a/", "a/b,a/b/c")]
    [InlineData("a/b", "a/b,a/b/c")]
    [InlineData("a/b/", "a/b/c")]
    [InlineData("a-", "a-b")]
    [InlineData("c", "")]
    [InlineData("a/b/c/", "")]
    [InlineData("no/such", "")]
    public async Task List_Prefix_ReturnsKeysThatBeginSo(string prefix, string expected)
    {
        await PutAllAsync("a", "a-b", "a/b", "a/b/c", "ab", "b/c");
        var page = await Store.ListAsync(new(prefix), Cancel);
        Assert.Equal(expected, string.Join(',', page.Objects.Select(o => o.Key)));
    }

    [Theory]
    [InlineData("", "/", "a,a-b,a/*,ab,b/*")]
    [InlineData("a", "/", "a,a-b,a/*,ab")]
    [InlineData("a/", "/", "a/,a/b,a/b/*")]
    [InlineData("a/b/", "/", "a/b/c")]
    [InlineData("", "b", "a,a-b*,a/,a/b*,ab*,b*")]
    [InlineData("", "b/", "a,a-b,a/,a/b,a/b/*,ab,b/*")]
    [InlineData("", "-", "a,a-*,a/,a/b,a/b/c,ab,b/c")]
    public async Task List_Delimiter_FoldsWhatGoesOn(string prefix, string delimiter, string expected)
    {
        await PutAllAsync("a", "a-b", "a/", "a/b", "a/b/c", "ab", "b/c");
        Assert.Equal(expected, string.Join(',', (await ListAllAsync(new(prefix, delimiter))).Items));
    }

    [Fact]
    public async Task List_ColonAsDelimiter_TellsTagsFromDigests()
    {
        var digests = Enumerable.Range(0, 30).Select(n => $"v2/app/manifests/sha256:{n:x64}");
        string[] tags = ["1.0", "A", "latest", "sha256", "sha256-abc", "sha256.x", "sha512", "v1", "zeta"];
        await PutAllAsync([.. digests, .. tags.Select(t => "v2/app/manifests/" + t), "v2/app/manifests/sha512:00", "v2/app-b/manifests/x", "v2/app/tags/list"]);
        var query = new ListQuery("v2/app/manifests/", ":");
        var page = await Store.ListAsync(query, Cancel);
        Assert.Equal(tags, page.Objects.Select(o => o.Key["v2/app/manifests/".Length..]));
        Assert.Equal(["v2/app/manifests/sha256:", "v2/app/manifests/sha512:"], page.Prefixes);
        Assert.Null(page.Continuation);
        // The pages of a registry: n tags after the last one.
        for (var size = 1; size <= 4; size++)
        {
            var (items, pages) = await ListAllAsync(query with { Limit = size });
            Assert.Equal(11, items.Count);
            Assert.Equal(11, items.Distinct().Count());
            Assert.All(pages[..^1], count => Assert.Equal(size, count));
        }
        var after = await Store.ListAsync(query with { StartAfter = "v2/app/manifests/latest" }, Cancel);
        Assert.Equal(["sha256", "sha256-abc", "sha256.x", "sha512", "v1", "zeta"], after.Objects.Select(o => o.Key["v2/app/manifests/".Length..]));
    }

    [Theory]
    [InlineData("", "a,a-b,a/b,a/b/c,ab,b/c")]
    [InlineData("a", "a-b,a/b,a/b/c,ab,b/c")]
    [InlineData("a-b", "a/b,a/b/c,ab,b/c")]
    [InlineData("a/", "a/b,a/b/c,ab,b/c")]
    [InlineData("a/b", "a/b/c,ab,b/c")]
    [InlineData("a/b/b", "a/b/c,ab,b/c")]
    [InlineData("a/z", "ab,b/c")]
    [InlineData("b/c", "")]
    [InlineData("z", "")]
    public async Task List_StartAfter_ReturnsKeysStrictlyAfter(string after, string expected)
    {
        await PutAllAsync("a", "a-b", "a/b", "a/b/c", "ab", "b/c");
        Assert.Equal(expected, string.Join(',', (await ListAllAsync(new("", StartAfter: after))).Items));
        Assert.Equal(expected, string.Join(',', (await ListAllAsync(new("", StartAfter: after, Limit: 2))).Items));
    }

    [Fact]
    public async Task List_StartAfterWithPrefix_RespectsBoth()
    {
        await PutAllAsync("a/1", "a/2", "a/3", "b/1");
        Assert.Equal(["a/3"], (await Store.ListAsync(new("a/", StartAfter: "a/2"), Cancel)).Objects.Select(o => o.Key));
        Assert.Equal(["a/1", "a/2", "a/3"], (await Store.ListAsync(new("a/", StartAfter: "A"), Cancel)).Objects.Select(o => o.Key));
        Assert.Empty((await Store.ListAsync(new("a/", StartAfter: "b"), Cancel)).Objects);
    }

    [Fact]
    public async Task List_Pages_ReturnEachKeyOnce()
    {
        var keys = Enumerable.Range(0, 25).Select(n => $"d{n % 3}/k{n:00}").Concat(Enumerable.Range(0, 12).Select(n => $"t{n:00}")).ToArray();
        await PutAllAsync(keys);
        var sorted = keys.Order(Comparer<string>.Create(ByBytes)).ToArray();
        foreach (var limit in (int[])[1, 5, 36, 37, 38, 1000])
        {
            var (items, pages) = await ListAllAsync(new("", Limit: limit));
            Assert.Equal(sorted, items);
            Assert.All(pages[..^1], count => Assert.Equal(limit, count));
            Assert.Equal((sorted.Length + limit - 1) / limit, pages.Count);
        }
    }

    [Fact]
    public async Task List_PagesWithDelimiter_ReturnEachPrefixOnce()
    {
        await PutAllAsync([.. Enumerable.Range(0, 20).Select(n => $"d{n % 4}/k{n:00}"), "a", "d", "d1", "d1-", "z"]);
        string[] expected = ["a", "d", "d0/*", "d1", "d1-", "d1/*", "d2/*", "d3/*", "z"];
        for (var limit = 1; limit <= 9; limit++)
            Assert.Equal(expected, (await ListAllAsync(new("", "/", Limit: limit))).Items);
    }

    [Fact]
    public async Task List_OverAThousandKeys_PagesByItself()
    {
        await PutAllAsync(Enumerable.Range(0, 1005).Select(n => $"k{n:0000}"));
        var (items, pages) = await ListAllAsync(new(""));
        Assert.Equal(Enumerable.Range(0, 1005).Select(n => $"k{n:0000}"), items);
        Assert.Equal([1000, 5], pages);
    }

    [Fact]
    public async Task List_AfterDelete_HasNoEmptyPrefix()
    {
        await PutAllAsync("a/b/c", "d/e");
        await Store.DeleteAsync("a/b/c", Cancel);
        Assert.Equal(["d/*"], (await ListAllAsync(new("", "/"))).Items);
    }
}
