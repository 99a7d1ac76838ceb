using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace Pail.Tests.Page;

/// <summary>Debian's Chromium, and what it must not find in a page.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private const string Program = "/usr/bin/chromium";

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Chromium(IPlaywright playwright, IBrowser browser) => (_playwright, _browser) = (playwright, browser);

    public static async Task<Chromium> StartAsync()
    {
        var playwright = await Playwright.CreateAsync();
        // As root there is no sandbox; the machine is the tests' own.
        return new(playwright, await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Program, Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"], Timeout = (float)Kit.Eventually.Limit.TotalMilliseconds }));
    }

    /// <summary>Opens a window.</summary>
    public async Task<Window> OpenAsync(Uri address, Look look = Look.Light, bool script = true)
    {
        var context = await _browser.NewContextAsync(new()
        {
            BaseURL = address.ToString(),
            ColorScheme = look == Look.Dark ? ColorScheme.Dark : ColorScheme.Light,
            ViewportSize = look == Look.Phone ? new() { Width = 375, Height = 740 } : new() { Width = 1200, Height = 900 },
            JavaScriptEnabled = script,
            Permissions = ["clipboard-read", "clipboard-write"],
        });
        context.SetDefaultTimeout((float)Kit.Eventually.Limit.TotalMilliseconds);
        return new(context, await context.NewPageAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }
}

/// <summary>How a page is looked at.</summary>
public enum Look
{
    /// <summary>On a light screen.</summary>
    Light,

    /// <summary>On a dark screen.</summary>
    Dark,

    /// <summary>On a phone.</summary>
    Phone,
}

/// <summary>A window of the browser. Everything it complains about is kept.</summary>
internal sealed class Window : IAsyncDisposable
{
    private readonly IBrowserContext _context;

    public Window(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            // A view that is an error is said to be one.
            if (message.Type == "error" && !message.Text.StartsWith("Failed to load resource: the server responded with a status of 4", StringComparison.Ordinal))
                Complaints.Add(message.Text);
        };
        page.PageError += (_, error) => Complaints.Add(error);
        page.Dialog += (_, dialog) => Complaints.Add($"dialog: {dialog.Message}");
        page.Request += (_, request) => Requests.Add(request.Url);
    }

    public IPage Page { get; }

    public List<string> Complaints { get; } = [];

    public List<string> Requests { get; } = [];

    /// <summary>Opens a path, and keeps its picture where PAIL_SCREENSHOTS says, to be looked at.</summary>
    public async Task GoAsync(string path, string? picture = null)
    {
        await Page.GotoAsync(path);
        if (picture is not null && Environment.GetEnvironmentVariable("PAIL_SCREENSHOTS") is { Length: > 0 } folder)
            await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, picture + ".png"), FullPage = false });
    }

    /// <summary>Fails if the browser complained, asked somebody else for something, or must be scrolled sideways.</summary>
    public async Task AssertSoundAsync(Uri address)
    {
        Assert.Empty(Complaints);
        Assert.All(Requests, url => Assert.StartsWith(address.ToString(), url, StringComparison.Ordinal));
        Assert.True(await Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), $"{Page.Url} is wider than its window");
    }

    /// <summary>Fails if axe finds what keeps people from using the page.</summary>
    public async Task AssertAccessibleAsync()
    {
        var result = await Page.RunAxe();
        var serious = result.Violations.Where(rule => rule.Impact is "serious" or "critical").ToList();
        Assert.True(serious.Count == 0, $"{Page.Url}\n" + string.Join('\n', serious.SelectMany(rule => rule.Nodes.Select(node => $"{rule.Id}: {rule.Help}: {node.Html}"))));
        Assert.NotEmpty(result.Passes);
    }

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
