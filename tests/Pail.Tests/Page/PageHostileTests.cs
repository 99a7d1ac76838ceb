using System.Formats.Tar;
using System.Text;
using System.Text.Json.Nodes;
using Pail.Oci;

namespace Pail.Tests.Page;

/// <summary>Images whose every text is an attack. Each view that is read obeys <see cref="PageBench.AssertClean"/>.</summary>
public sealed class PageHostileTests
{
    public const string Markup = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'</td></table></main><style>*{display:none}</style>&lt;b&gt;{{7*7}}<!--";
    public const string Bidi = "safe\u202Egnp.exe\u2066\u200B\0\u001b[2J";

    /// <summary>Pushes such an image, with a referrer.</summary>
    internal static async Task<Manifest> PushAsync(PageImages images, string tag = "hostile")
    {
        var megabyte = string.Concat(Enumerable.Repeat("<b>", 1 << 18));
        var layer = PageImages.Tar((Markup.Replace("/", "_", StringComparison.Ordinal), Markup), (Bidi.Replace("\0", "", StringComparison.Ordinal), Bidi), ("link", "->javascript:alert(1)"), (new string('a', 200) + "/" + new string('b', 200), "x"));
        var image = await images.PushAsync(tag, [layer, layer], config =>
        {
            config["config"] = new JsonObject
            {
                ["Env"] = new JsonArray($"A={Markup}", Markup, $"B={Bidi}", $"C={megabyte}"),
                ["Labels"] = new JsonObject { [Markup] = Markup, [Bidi] = Bidi, ["url"] = "javascript:alert(1)", ["long"] = megabyte },
                ["Entrypoint"] = new JsonArray(Markup, Bidi),
                ["User"] = Markup,
                ["ExposedPorts"] = new JsonObject { [Markup] = new JsonObject() },
            };
            config["author"] = Markup;
            config["architecture"] = Markup;
            config["os"] = Bidi;
            config["history"] = new JsonArray([.. new[] { Markup, Bidi }.Select(text => new JsonObject { ["created_by"] = text })]);
        }, new() { [Markup] = Markup, [Bidi] = Bidi, ["org.opencontainers.image.url"] = "javascript:alert(1)" });
        await images.ReferAsync(image, Markup, Markup, Encoding.UTF8.GetBytes(new JsonObject { ["name"] = Markup, ["bidi"] = Bidi }.ToJsonString()), new() { [Markup] = Bidi });
        return image;
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/-/tags/team/app")]
    [InlineData("/-/image/team/app:hostile")]
    [InlineData("/-/image/team/app:index")]
    [InlineData("/-/files/team/app:hostile")]
    [InlineData("/-/files/team/app:hostile?layer=1")]
    [InlineData("/-/compare/team/app?a=hostile&b=other")]
    [InlineData("/-/history/team/app:hostile")]
    [InlineData("/-/state")]
    public async Task View_OfAHostileImage_HoldsNoneOfItAsMarkup(string path)
    {
        await using var bench = await PageBench.StartAsync(page: page => page with { Actions = true });
        var image = await PushAsync(bench.Images);
        await bench.Images.PushAsync("other", [PageImages.Tar(("a", "b"))]);
        await bench.Images.IndexAsync("index", (image, Markup.Replace("\"", "\\\"", StringComparison.Ordinal)));
        var answer = await bench.Server.GetAsync(path);
        var page = PageBench.Read(answer.Is(200));
        foreach (var odd in new[] { '\u202E', '\u2066', '\u200B', '\0', '\u001b' })
            Assert.DoesNotContain(odd, answer.Text);
        Assert.True(answer.Body.Length < 512 << 10, $"{answer.Body.Length} bytes");
        if (path.Contains(":hostile", StringComparison.Ordinal) && !path.Contains("history", StringComparison.Ordinal))
            Assert.Contains("<script>alert(1)<", page.Body!.TextContent, StringComparison.Ordinal);
        if (path.StartsWith("/-/image", StringComparison.Ordinal))
            Assert.Contains("more characters)", page.Body!.TextContent, StringComparison.Ordinal);
        foreach (var link in page.QuerySelectorAll("tbody th a").Select(link => link.GetAttribute("href")!).Where(link => link.Contains("path=", StringComparison.Ordinal)))
            await bench.GetAsync(link);
    }

    [Theory]
    [InlineData("/?q=")]
    [InlineData("/?after=")]
    [InlineData("/-/tags/team/app?q=")]
    [InlineData("/-/tags/team/app?page=")]
    [InlineData("/-/compare/team/app?b=other&a=")]
    [InlineData("/-/files/team/app:other?path=")]
    [InlineData("/-/files/team/app:other?layer=")]
    [InlineData("/-/files/team/app:other?from=")]
    [InlineData("/-/image/team/app:")]
    [InlineData("/-/")]
    public async Task Query_ThatIsAnAttack_IsText(string path)
    {
        await using var bench = await PageBench.StartAsync();
        await bench.Images.PushAsync("other", [PageImages.Tar(("a", "b"))]);
        foreach (var attack in new[] { Markup, Bidi, "\\DC80\\", new string('a', 5000), "-1", "99999999999999999999", "%" })
        {
            var answer = await bench.Server.GetAsync(path + Uri.EscapeDataString(path.Contains('?', StringComparison.Ordinal) ? attack : attack.Replace("\0", "", StringComparison.Ordinal)));
            Assert.True(answer.Status is 200 or 400 or 404, answer.Text);
            PageBench.Read(answer);
        }
    }

    [Fact]
    public async Task Files_OfAHundredThousand_AreShownAFewAtATime()
    {
        await using var bench = await PageBench.StartAsync();
        using var many = new MemoryStream();
        using (var tar = new TarWriter(many, TarEntryFormat.Ustar, leaveOpen: true))
            for (var i = 0; i < 100_000; i++)
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"many/file-{i:000000}"));
        await bench.Images.PushAsync("1.0", [many.ToArray()]);
        var page = await bench.GetAsync("/-/files/team/app:1.0?path=many");
        Assert.Equal(500, page.QuerySelectorAll("tbody tr").Length);
        Assert.Contains("1 to 500 of 100,000", page.Body!.TextContent, StringComparison.Ordinal);
        page = await bench.GetAsync(page.QuerySelector(".pages a")!.GetAttribute("href")!);
        Assert.Equal("file-000500", page.QuerySelector("tbody th")!.TextContent);
    }

    [Theory]
    [InlineData("config")]
    [InlineData("layer")]
    [InlineData("referrer")]
    public async Task Image_WhoseBlobIsDamaged_IsShownAllTheSame(string what)
    {
        await using var bench = await PageBench.StartAsync();
        var image = await bench.Images.PushAsync("1.0", [PageImages.Tar(("a", "b"))]);
        var referrer = await bench.Images.ReferAsync(image, "application/spdx+json", "text/plain", "hello"u8.ToArray());
        var blob = what switch { "config" => image.Config!, "layer" => image.Layers[0], _ => referrer.Layers[0] };
        var key = bench.Server.Layout.BlobKey(RepositoryName.Parse("team/app"), blob.Digest);
        await bench.Store.PutAsync(key, new(new byte[blob.Size]), new("application/octet-stream"), default, TestContext.Current.CancellationToken);
        var page = await bench.GetAsync("/-/image/team/app:1.0");
        if (what == "config")
            Assert.Contains("can't be read", page.QuerySelector("[role=alert]")!.TextContent, StringComparison.Ordinal);
        var files = await bench.GetAsync("/-/files/team/app:1.0");
        if (what == "layer")
            Assert.NotNull(files.QuerySelector("[role=alert], .problem, .empty"));
        await bench.GetAsync("/-/tags/team/app");
    }
}
