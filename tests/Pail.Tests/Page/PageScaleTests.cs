using System.Buffers;
using AngleSharp.Dom;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Page;

/// <summary>Ten thousand repositories, and ten thousand tags in one: each view shows a part, and takes few requests.</summary>
[Trait("Needs", "Time")]
public sealed class PageScaleTests
{
    private const int Many = 10_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Makes a repository with many tags of one image, and many repositories with one tag each, whose manifests are all the same.</summary>
    internal static async Task FillAsync(PageBench bench)
    {
        var image = await bench.Images.PushAsync("0.0.0", [PageImages.Tar(("a", "b"))]);
        var body = new ReadOnlySequence<byte>(image.Bytes);
        var headers = Pail.Buckets.Layouts.BucketLayout.ManifestHeaders(image, Reference.Parse("1"));
        await Parallel.ForAsync(1, Many, Cancel, async (i, cancel) => await bench.Store.PutAsync($"v2/team/app/manifests/1.{i / 100}.{i % 100}", body, headers, PutCondition.None, cancel));
        await Parallel.ForAsync(0, Many, Cancel, async (i, cancel) => await bench.Store.PutAsync($"v2/group-{i / 1000}/part-{i / 100 % 10}/app-{i:00000}/manifests/1.0", body, headers, PutCondition.None, cancel));
    }

    [Fact]
    public async Task Views_OfMany_ShowAPart_WithFewRequests()
    {
        await using var bench = await PageBench.StartAsync();
        await FillAsync(bench);
        await using var server = await bench.AnotherAsync();
        // The page: a LIST of 1,000 keys, and one for the size of each of 50.
        var first = await LookAsync(server, "/", 1 + 50);
        Assert.Equal(50, first.QuerySelectorAll("tbody tr").Length);
        var next = first.QuerySelector(".pages a")!.GetAttribute("href")!;
        var second = await LookAsync(server, next, 1 + 50);
        Assert.Empty(Names(first).Intersect(Names(second)));
        // A search passes all of them: a LIST for each 1,000 tags, and two to pass over the large one.
        var found = await LookAsync(server, "/?q=app-09999", 12 + 1);
        Assert.Equal(["group-9/part-9/app-09999"], Names(found));
        // Ten LISTs for ten thousand tags and the digests, two GETs for each of the 50 shown but those with one config.
        var tags = await LookAsync(server, "/-/tags/team/app", 11);
        Assert.Contains("Page 1 of 200", tags.QuerySelector(".pages")!.TextContent, StringComparison.Ordinal);
        Assert.Equal("1.99.99", Names(tags)[0]);
        Assert.Equal(["1.0.1", "0.0.0"], Names(await LookAsync(server, "/-/tags/team/app?page=200", 11))[^2..]);
        Assert.Equal(["1.42.7"], Names(await LookAsync(server, "/-/tags/team/app?q=1.42.7", 11)).Where(name => name == "1.42.7"));
    }

    private static async Task<IDocument> LookAsync(TestServer server, string path, long lists)
    {
        IDocument page = null!;
        var cost = await server.CostAsync(async () => page = PageBench.Read((await server.GetAsync(path)).Is(200)));
        Assert.True(lists == cost.A, $"{path}: {lists} LISTs expected, {cost.A} found");
        Assert.InRange(cost.B, 0, 100);
        return page;
    }

    private static List<string> Names(IDocument page) => [.. page.QuerySelectorAll("tbody th").Select(cell => cell.TextContent)];
}
