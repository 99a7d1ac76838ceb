using FsCheck;
using FsCheck.Fluent;
using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Tests.Stores;

/// <summary>Listings of the folder against a model: all keys, sorted, filtered and folded in memory.</summary>
public sealed class FolderListingTests : IDisposable
{
    // Thousands of small files: in memory where there is such a place, as nothing here must last.
    private readonly string _directory = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"pail-test-{Guid.NewGuid():n}")).FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void List_AnyKeysAndQuery_IsWhatTheModelSays()
    {
        var some = Keys.Close.Generator;
        var queries =
            from prefix in Gen.OneOf(Gen.Constant(""), some.Select(key => key[..((key.Length + 1) / 2)]), some)
            from delimiter in Gen.Elements(null, "/", ":", "-", "a/", "é")
            from after in Gen.OneOf(Gen.Constant<string?>(null), some.Select(key => (string?)key))
            from limit in Gen.Choose(1, 6)
            select new ListQuery(prefix, delimiter, after, Limit: limit);
        var run = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200).WithQuietOnSuccess(true), Prop.ForAll(Keys.Sets, queries.ToArbitrary(), (keys, query) =>
        {
            // Written by hand rather than by the store, to be quick; empty directories and foreign files are no objects.
            var folder = Path.Combine(_directory, $"{run++}");
            Directory.CreateDirectory($"{folder}/.pail/tmp");
            Directory.CreateDirectory($"{folder}/a/empty/b");
            File.WriteAllText($"{folder}/a/foreign.txt", "");
            foreach (var (n, key) in keys.Index())
            {
                var path = $"{folder}/{FolderPaths.Of(key)}";
                Directory.CreateDirectory(path[..path.LastIndexOf('/')]);
                // Some keys have a stale file behind the one that counts.
                File.WriteAllText(path + FolderTypes.Suffixes[n % 4], key);
                if (n % 3 == 0)
                    File.WriteAllText(path + ".@json", "stale");
            }
            var store = new FolderStore(folder, new());
            Assert.Equal(Model(keys, query), Pages(store, query));
            Directory.Delete(folder, recursive: true);
        }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("k")]
    [InlineData("x123")]
    [InlineData("k*")]
    public async Task List_ForeignToken_IsRejected(string token)
    {
        var store = new FolderStore(_directory, new());
        Assert.Equal(StoreError.Rejected, (await Assert.ThrowsAsync<StoreException>(() => store.ListAsync(new("", Continuation: token), default))).Error);
    }

    private static List<string> Pages(FolderStore store, ListQuery query)
    {
        List<string> pages = [];
        for (string? token = null; ;)
        {
            var page = store.ListAsync(query with { Continuation = token }, default).GetAwaiter().GetResult();
            pages.Add(string.Join(" | ", page.Objects.Select(o => $"{o.Key} {o.Size}").Concat(page.Prefixes.Select(p => $"{p} *"))));
            if ((token = page.Continuation) is null)
                return pages;
        }
    }

    private static List<string> Model(string[] keys, ListQuery query)
    {
        var items = keys
            .Where(key => key.StartsWith(query.Prefix, StringComparison.Ordinal) && (query.StartAfter is null || Compare(key, query.StartAfter) > 0))
            .Order(Comparer<string>.Create(Compare))
            .Select(key => query.Delimiter is { } delimiter && key.IndexOf(delimiter, query.Prefix.Length, StringComparison.Ordinal) is var at and >= 0
                ? (Text: $"{key[..(at + delimiter.Length)]} *", IsPrefix: true)
                : (Text: $"{key} {System.Text.Encoding.UTF8.GetByteCount(key)}", IsPrefix: false))
            .Distinct()
            .Chunk(query.Limit)
            .Select(page => string.Join(" | ", page.OrderBy(item => item.IsPrefix).Select(item => item.Text)))
            .ToList();
        return items.Count == 0 ? [""] : items;
    }

    private static int Compare(string a, string b) => System.Text.Encoding.UTF8.GetBytes(a).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(b));
}
