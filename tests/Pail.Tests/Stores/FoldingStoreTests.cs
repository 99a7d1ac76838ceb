using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Tests.Stores;

/// <summary>Lists with a delimiter, of stores that know only <c>/</c> or whose lists with another do not advance.</summary>
public sealed class FoldingStoreTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-fold-");
    private readonly FolderStore _inner;

    public FoldingStoreTests() => _inner = new FolderStore(_folder.FullName, new RequestMeter());

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(nameof(Lack.None))]
    [InlineData(nameof(Lack.OtherDelimiters))]
    [InlineData(nameof(Lack.DelimitersThatAdvance))]
    public async Task List_WithADelimiter_IsWholeAndInOrder(string lack)
    {
        string[] keys = ["a/0", "a/1:", "a/1:a", "a/1:b", "a/2", .. Enumerable.Range(10, 12).Select(n => $"a/sha256:{n}"), "a/y", "a/z:1", "a/é:2", "b"];
        foreach (var key in keys)
            await _inner.PutAsync(key, new((byte[])[1]), new("text/plain"), PutCondition.None, Cancel);
        var lesser = new LesserStore(_inner, Enum.Parse<Lack>(lack));
        var store = RetryingStore.Over(lesser, new Retry(new()));
        string[] folded = ["a/0", "a/1:", "a/2", "a/sha256:", "a/y", "a/z:", "a/é:"];
        foreach (var limit in (int[])[1, 2, 3, 5, 1000])
            foreach (var after in (string?[])[null, "a/0", "a/2", "a/y"])
            {
                var pages = await store.ListPagesAsync(new("a/", ":", after, Limit: limit), Cancel).ToListAsync(Cancel);
                Assert.Equal(folded.Where(name => string.CompareOrdinal(name, after ?? "") > 0), pages.SelectMany(page => page.Objects.Select(item => item.Key).Concat(page.Prefixes).Order(StringComparer.Ordinal)));
            }
        Assert.True(lesser.Refused <= 1, "asked again for what it can't do");
    }

    [Fact]
    public async Task List_RefusedWithoutADelimiterToo_IsTheError()
    {
        var store = RetryingStore.Over(new LesserStore(_inner, Lack.Listing | Lack.OtherDelimiters), new Retry(new()));
        Assert.Equal(StoreError.AccessDenied, (await Assert.ThrowsAsync<StoreException>(() => store.ListAsync(new("a/", ":"), Cancel))).Error);
    }
}
