using Pail.Oci;
using Pail.Server;

namespace Pail.Tests.Page;

/// <summary>What people change through the page, where they may.</summary>
public sealed class PageActionTests : IAsyncLifetime
{
    private PageBench _bench = null!;
    private PageBrowser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        _bench = await PageBench.StartAsync(page: page => page with { Actions = true });
        _browser = new(_bench.Server);
    }

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    private static byte[] Layer(string content) => PageImages.Tar(("file", content));

    [Fact]
    public async Task Untag_TakesTheTagAlone_AndRestoreBringsItBack()
    {
        var image = await _bench.Images.PushAsync("1.0", [Layer("1")]);
        await _bench.Images.TagAsync(image, "latest");
        var form = await _browser.GetAsync("/-/untag/team/app:1.0");
        Assert.Contains("and nothing else", form.Body!.TextContent, StringComparison.Ordinal);
        Assert.Equal("/-/tags/team/app", (await _browser.PostFormAsync("/-/untag/team/app:1.0")).Is(303)["Location"]);
        Assert.Equal(["latest"], await TagsAsync());
        (await _browser.SendAsync("GET", "/-/image/team/app:1.0")).Is(404);
        var removed = await _browser.GetAsync("/-/removed/team/app");
        Assert.Equal(["1.0"], removed.QuerySelectorAll("tbody th").Select(cell => cell.TextContent));
        Assert.Equal("/-/image/team/app:1.0", (await _browser.PostFormAsync("/-/removed/team/app")).Is(303)["Location"]);
        await _browser.GetAsync("/-/image/team/app:1.0");
        // A form sent twice.
        (await _browser.PostAsync("/-/removed/team/app", [("Origin", $"http://{_bench.Server.Host}")], ("token", removed.QuerySelector("[name=token]")!.GetAttribute("value")!), ("what", "1.0"))).Is(404);
    }

    [Fact]
    public async Task Delete_SaysWhichTagsGoAlong_AndTakesThem()
    {
        var image = await _bench.Images.PushAsync("1.0", [Layer("1")]);
        await _bench.Images.TagAsync(image, "latest");
        await _bench.Images.PushAsync("other", [Layer("2")]);
        var path = $"/-/delete/team/app@{image.Digest}";
        Assert.Equal(["1.0", "latest"], (await _browser.GetAsync(path)).QuerySelectorAll("form li").Select(item => item.TextContent));
        (await _browser.PostFormAsync(path)).Is(303);
        Assert.Equal(["other"], await TagsAsync());
        (await _browser.SendAsync("GET", path)).Is(404);
        // With its tags.
        (await _browser.PostFormAsync("/-/removed/team/app", ("what", image.Digest.ToString()))).Is(303);
        Assert.Equal(["1.0", "latest", "other"], await TagsAsync());
    }

    [Fact]
    public async Task Move_MakesATagNameAnotherImage()
    {
        var first = await _bench.Images.PushAsync("1.0", [Layer("1")]);
        await _bench.Images.PushAsync("2.0", [Layer("2")]);
        Assert.Equal("/-/image/team/app:2.0", (await _browser.PostFormAsync("/-/move/team/app:2.0", ("to", "1.0"))).Is(303)["Location"]);
        Assert.Equal(first.Digest.ToString(), (await _browser.GetAsync("/-/image/team/app:2.0")).QuerySelector(".digest")!.GetAttribute("data-copy"));
        Assert.Equal(2, (await _browser.GetAsync("/-/history/team/app:2.0")).QuerySelectorAll("tbody tr").Length);
        (await _browser.PostFormAsync("/-/move/team/app:2.0", ("to", "none"))).Is(404);
        (await _browser.PostFormAsync("/-/move/team/app:2.0", ("to", "<b>"))).Is(404);
    }

    [Theory]
    [InlineData("/-/untag/team/app:1.0", true, true)]
    [InlineData("/-/delete/team/app@DIGEST", true, true)]
    [InlineData("/-/move/team/app:1.0", true, false)]
    [InlineData("/-/removed/team/app", true, false)]
    public async Task Actions_TheServerDoesNot_AreRefused(string path, bool readOnly, bool noDelete)
    {
        var image = await _bench.Images.PushAsync("1.0", [Layer("1")]);
        path = path.Replace("DIGEST", image.Digest.ToString(), StringComparison.Ordinal);
        foreach (var options in new Func<ServerOptions, ServerOptions>[] { same => same with { ReadOnly = readOnly }, same => same with { AllowDelete = !noDelete } })
        {
            await using var bench = await PageBench.StartAsync(change: options, page: page => page with { Actions = true });
            await bench.Images.PushAsync("1.0", [Layer("1")]);
            var expected = options(new()) is { ReadOnly: true } or { AllowDelete: false } ? 403 : 200;
            Assert.Equal(expected, (await bench.Server.GetAsync(path)).Status);
        }
        // Off by default: then there is no such path.
        await using var plain = await PageBench.StartAsync();
        (await plain.Server.GetAsync(path)).Is(404);
        (await plain.Server.SendAsync(HttpMethod.Post, path)).Is(404);
    }

    private async Task<List<string>> TagsAsync() =>
        await _bench.Server.Bucket.Repository(RepositoryName.Parse("team/app")).Tags.ListAsync(null, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken);
}
