using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Tests.Stores;

/// <summary>Stores whose lists do not advance as they should: what is listed is whole, or an error that says what the store does.</summary>
public sealed class AdvancingStoreTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-lists-");
    private readonly FolderStore _store;

    public AdvancingStoreTests() => _store = new FolderStore(_folder.FullName, new RequestMeter());

    /// <summary>What a store may do wrong.</summary>
    public enum Flaw
    {
        None,
        StartAfterIsInclusive,
        StartAfterIsIgnored,
        TokenIsRepeated,
        TokensAlternate,
        TokenIsMissing,
        FirstPageIsRepeated,
        EmptyPages,
        EmptyPagesForEver,
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(Flaw.None, true)]
    [InlineData(Flaw.StartAfterIsInclusive, true)]
    [InlineData(Flaw.StartAfterIsIgnored, true)]
    [InlineData(Flaw.EmptyPages, true)]
    [InlineData(Flaw.TokenIsRepeated, false)]
    [InlineData(Flaw.TokensAlternate, false)]
    [InlineData(Flaw.TokenIsMissing, false)]
    [InlineData(Flaw.FirstPageIsRepeated, false)]
    [InlineData(Flaw.EmptyPagesForEver, false)]
    public async Task List_OfAStoreWithAFlaw_IsWholeOrAnError(Flaw flaw, bool whole)
    {
        string[] keys = [.. Enumerable.Range(10, 30).Select(n => $"a/{n}"), "a/99:x", "a/99:y", "b"];
        foreach (var key in keys)
            await _store.PutAsync(key, new((byte[])[1]), new("text/plain"), PutCondition.None, Cancel);
        var store = new AdvancingStore(new FlawedStore(_store, flaw));
        foreach (var after in (string?[])[null, "a/10", "a/17", "a/39"])
            foreach (var delimiter in (string?[])[null, ":"])
            {
                async Task<List<string>> NamesAsync() => [.. (await store.ListPagesAsync(new("a/", delimiter, after, Limit: 4), Cancel).ToListAsync(Cancel)).SelectMany(page => page.Objects.Select(item => item.Key).Concat(page.Prefixes))];
                if (!whole && (after is null || flaw is not Flaw.FirstPageIsRepeated))
                {
                    if (after == "a/39")
                        continue; // one page holds all there is
                    var error = await Assert.ThrowsAsync<StoreException>(NamesAsync);
                    Assert.Equal(StoreError.Rejected, error.Error);
                    Assert.Contains("can't be read whole", error.Message, StringComparison.Ordinal);
                }
                else if (whole)
                {
                    var expected = keys.Where(key => key != "b" && string.CompareOrdinal(key, after ?? "") > 0).Select(key => delimiter is null ? key : key.Split(':') is [var first, _] ? first + ":" : key).Distinct();
                    Assert.Equal(expected, await NamesAsync());
                }
            }
    }

    [Theory]
    [InlineData(Flaw.TokenIsRepeated)]
    [InlineData(Flaw.TokenIsMissing)]
    public async Task ListUploads_OfAStoreWithAFlaw_IsAnError(Flaw flaw)
    {
        await _store.CreateUploadAsync("a", new("text/plain"), Cancel);
        var store = new AdvancingStore(new FlawedStore(_store, flaw));
        Assert.Contains("can't be read whole", (await Assert.ThrowsAsync<StoreException>(() => store.ListUploadsAsync("", Cancel))).Message, StringComparison.Ordinal);
    }

    private sealed class FlawedStore(IObjectStore inner, Flaw flaw) : StoreLayer(inner)
    {
        private int _pages;

        public override async Task<ListPage> ListAsync(ListQuery query, CancellationToken cancel = default)
        {
            _pages++;
            var asked = query with { Continuation = query.Continuation?.TrimEnd('!') };
            if (flaw == Flaw.StartAfterIsIgnored)
                asked = asked with { StartAfter = null };
            if (flaw == Flaw.StartAfterIsInclusive && query is { StartAfter: { } after, Continuation: null })
                asked = asked with { StartAfter = after[..^1] + (char)(after[^1] - 1) + "~" };
            if (flaw == Flaw.FirstPageIsRepeated && query.Continuation is not null)
                return (await Inner.ListAsync(query with { Continuation = null }, cancel)) with { Continuation = $"token {_pages}" };
            if (flaw == Flaw.EmptyPages && query.Continuation?.EndsWith('!') != true)
                return new([], [], query.Continuation is null ? "!" : query.Continuation + "!");
            if (flaw == Flaw.EmptyPagesForEver)
                return new([], [], $"token {_pages}");
            if (asked.Continuation is { Length: 0 } or "same" or "odd" or "even")
                asked = asked with { Continuation = null };
            var page = await Inner.ListAsync(asked, cancel);
            return page.Continuation is null ? page : flaw switch
            {
                Flaw.TokenIsRepeated => page with { Continuation = "same" },
                Flaw.TokensAlternate => page with { Continuation = _pages % 2 == 0 ? "even" : "odd" },
                Flaw.TokenIsMissing => page with { Continuation = "" },
                _ => page,
            };
        }

        public override async Task<UploadPage> ListUploadsAsync(string prefix, UploadId? after, CancellationToken cancel = default) =>
            new((await Inner.ListUploadsAsync(prefix, null, cancel)).Uploads, flaw == Flaw.TokenIsMissing ? new UploadId("", "") : new UploadId("a", "1"));
    }
}
