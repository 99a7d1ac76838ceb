using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using Pail.Buckets.Layouts;
using Pail.Server;
using Pail.Server.Page;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit.Servers;
using Microsoft.Extensions.Time.Testing;

namespace Pail.Tests.Page;

/// <summary>A server with the page over a folder, and a look at what it answers.</summary>
internal sealed class PageBench : IAsyncDisposable
{
    private readonly TestFolder _folder = new();

    public RequestMeter Meter { get; } = new();

    public IObjectStore Store { get; private set; } = null!;

    public TestServer Server { get; private set; } = null!;

    public PageImages Images => new(Server);

    public static async Task<PageBench> StartAsync(LayoutKind layout = LayoutKind.V2, Func<ServerOptions, ServerOptions>? change = null, Func<PageOptions, PageOptions>? page = null)
    {
        var bench = new PageBench();
        bench.Store = new FolderStore(bench._folder.Path, bench.Meter);
        var shown = (page ?? (same => same))(new PageOptions(bench.Meter));
        bench.Server = await TestServer.StartAsync(bench.Store, bench.Meter, layout, options => (change ?? (same => same))(options with { Page = shown }), new FakeTimeProvider(DateTimeOffset.UtcNow));
        return bench;
    }

    /// <summary>Another replica, that has seen nothing.</summary>
    public Task<TestServer> AnotherAsync(LayoutKind layout = LayoutKind.V2) =>
        TestServer.StartAsync(Store, Meter, layout, options => options with { Page = new PageOptions(Meter) }, new FakeTimeProvider(DateTimeOffset.UtcNow));

    /// <summary>Gets a view, which must be one.</summary>
    public async Task<IDocument> GetAsync(string path, int status = 200) => Read((await Server.GetAsync(path)).Is(status));

    /// <summary>Reads a view. It must obey what all views do.</summary>
    public static IDocument Read(Answer answer)
    {
        AssertProtected(answer);
        Assert.Equal("text/html; charset=utf-8", answer["Content-Type"]);
        var document = new HtmlParser().ParseDocument(answer.Text);
        AssertClean(document);
        return document;
    }

    /// <summary>An answer forbids the browser what is not the page's own.</summary>
    public static void AssertProtected(Answer answer)
    {
        Assert.Equal("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'", answer["Content-Security-Policy"]);
        Assert.Equal("nosniff", answer["X-Content-Type-Options"]);
        Assert.Equal("DENY", answer["X-Frame-Options"]);
        Assert.Equal("same-origin", answer["Referrer-Policy"]);
    }

    /// <summary>A document holds no markup but the page's own, and what assistive programs need.</summary>
    public static void AssertClean(IDocument document)
    {
        var scripts = document.QuerySelectorAll("script");
        Assert.Single(scripts);
        Assert.StartsWith("/-/page.", scripts[0].GetAttribute("src"), StringComparison.Ordinal);
        Assert.Equal("", scripts[0].TextContent);
        Assert.Empty(document.QuerySelectorAll("iframe, object, embed, base, style, svg, [style], [srcdoc], template"));
        foreach (var element in document.All)
            Assert.DoesNotContain(element.Attributes, attribute => attribute.Name.StartsWith("on", StringComparison.OrdinalIgnoreCase));
        foreach (var link in document.QuerySelectorAll("[href]"))
            Assert.Matches("^(/|#content)", link.GetAttribute("href")!);
        foreach (var form in document.QuerySelectorAll("form"))
            Assert.Matches("^(/.*)?$", form.GetAttribute("action") ?? "");
        var ids = document.QuerySelectorAll("[id]").Select(element => element.Id!).ToList();
        Assert.Equal(ids.Distinct(), ids);
        foreach (var input in document.QuerySelectorAll("input:not([type=hidden])"))
            Assert.NotNull(document.QuerySelector($"label[for='{input.Id}']"));
        Assert.Single(document.QuerySelectorAll("h1"));
        Assert.Equal("en", document.DocumentElement.GetAttribute("lang"));
        // Markup that was taken for text.
        Assert.DoesNotContain("class=\"", document.Body!.TextContent, StringComparison.Ordinal);
        Assert.DoesNotContain("</", document.QuerySelector("header")!.TextContent, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}
