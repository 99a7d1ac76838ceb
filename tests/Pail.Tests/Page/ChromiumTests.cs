using System.Text.Json.Nodes;
using Microsoft.Playwright;
using Pail.Tests.Access;
using Pail.Tests.Kit;
using Pail.Server.Page;

namespace Pail.Tests.Page;

/// <summary>The page in a real browser: every view, light, dark and on a phone; by keyboard; without JavaScript.</summary>
[NeedsServers]
public sealed class ChromiumTests : IAsyncLifetime
{
    private PageBench _bench = null!;
    private Chromium _chromium = null!;

    private Uri Address => _bench.Server.Address;

    public async ValueTask InitializeAsync()
    {
        _bench = await PageBench.StartAsync(page: page => page with { Actions = true });
        _chromium = await Chromium.StartAsync();
        await FillAsync(_bench);
    }

    public async ValueTask DisposeAsync()
    {
        await _chromium.DisposeAsync();
        await _bench.DisposeAsync();
    }

    // A bucket as people have them, and one image that attacks.
    private static async Task FillAsync(PageBench bench)
    {
        var random = new Random(1);
        byte[] Layer(string name, int size) => PageImages.Tar((name, Convert.ToBase64String(Images.ImageBytes.Bytes(random, size))), ("etc/", ""), ("etc/os-release", "NAME=\"Debian GNU/Linux\"\nID=debian\n"), ("etc/link", "->os-release"));
        var (debian, runtime) = (Layer("usr/lib/libc.so.6", 900_000), Layer("usr/bin/dotnet", 400_000));
        Action<JsonObject> config = image =>
        {
            image["config"] = JsonNode.Parse("""{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/bin:/bin","ASPNETCORE_URLS=http://+:8080","DOTNET_RUNNING_IN_CONTAINER=true"],"Entrypoint":["dotnet","Shop.dll"],"WorkingDir":"/app","User":"app","ExposedPorts":{"8080/tcp":{}},"Labels":{"org.opencontainers.image.source":"https://git.example/shop/web","maintainer":"web@shop.example"}}""");
            image["history"] = JsonNode.Parse("""[{"created":"2026-10-01T08:00:00Z","created_by":"/bin/sh -c #(nop) ADD file:5e8a1b0f0d53e0a7 in / "},{"created":"2026-10-02T08:00:00Z","created_by":"ENV DOTNET_RUNNING_IN_CONTAINER=true","empty_layer":true},{"created":"2026-10-02T08:00:10Z","created_by":"RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends ca-certificates libicu72 libssl3 && rm -rf /var/lib/apt/lists/* # buildkit"},{"created":"2026-11-20T08:00:00Z","created_by":"COPY /app/publish . # buildkit"}]""");
        };
        foreach (var name in new[] { "shop/web", "shop/api", "shop/worker", "infrastructure/base/debian", "infrastructure/proxy", "tools" })
        {
            var images = new PageImages(bench.Server, name);
            foreach (var version in new[] { "1.0.0", "1.1.0", "1.2.0-rc.1", "1.2.0" })
                await images.PushAsync(version, [debian, runtime, Layer("app/Shop.dll", 50_000 + random.Next(50_000))], config, new() { ["org.opencontainers.image.revision"] = "4f0c6c9" });
        }
        var web = new PageImages(bench.Server, "shop/web");
        var amd = await web.PushAsync(null, [debian, runtime, Layer("app/Shop.dll", 60_000)], config);
        var arm = await web.PushAsync(null, [Layer("usr/lib/libc.so.6", 800_000)], config);
        var index = await web.IndexAsync("2.0.0", (amd, "amd64"), (arm, "arm64"));
        await web.TagAsync(index, "latest");
        await web.ReferAsync(index, "application/spdx+json", "application/spdx+json", """{"spdxVersion":"SPDX-2.3","name":"shop/web","packages":[{"name":"libssl3","versionInfo":"3.0.15"}]}"""u8.ToArray());
        await web.ReferAsync(index, "application/vnd.dev.cosign.artifact.sig.v1+json", "application/vnd.dev.cosign.simplesigning.v1+json", """{"critical":{"identity":{"docker-reference":"registry.example/shop/web"}}}"""u8.ToArray(), new() { ["dev.cosignproject.cosign/signature"] = "MEUCIQDx7f2bq8" });
        await PageHostileTests.PushAsync(bench.Images);
    }

    public static TheoryData<string, string> Views => new()
    {
        { "repositories", "/" },
        { "search-nothing", "/?q=nothing" },
        { "tags", "/-/tags/shop/web" },
        { "image", "/-/image/shop/web:1.2.0" },
        { "index", "/-/image/shop/web:2.0.0" },
        { "hostile", "/-/image/team/app:hostile" },
        { "compare", "/-/compare/shop/web?a=1.1.0&b=1.2.0" },
        { "compare-hostile", "/-/compare/shop/web?a=1.1.0&b=none" },
        { "files", "/-/files/shop/web:1.2.0" },
        { "files-hostile", "/-/files/team/app:hostile" },
        { "file", "/-/files/shop/web:1.2.0?path=etc/os-release" },
        { "history", "/-/history/shop/web:latest" },
        { "state", "/-/state" },
        { "untag", "/-/untag/shop/web:latest" },
        { "move", "/-/move/shop/web:latest" },
        { "removed", "/-/removed/shop/web" },
        { "missing", "/-/image/shop/web:none" },
    };

    [Theory]
    [InlineData(Look.Light)]
    [InlineData(Look.Dark)]
    [InlineData(Look.Phone)]
    public async Task Views_AreSoundAndAccessible(Look look)
    {
        await using var window = await _chromium.OpenAsync(Address, look);
        foreach (var (name, path) in Views.Select(row => row.Data))
        {
            await window.GoAsync(path, $"{name}-{look}".ToLowerInvariant());
            await window.AssertSoundAsync(Address);
            await window.AssertAccessibleAsync();
        }
    }

    [Fact]
    public async Task Views_WithoutJavaScript_Work()
    {
        await using var window = await _chromium.OpenAsync(Address, script: false);
        await window.GoAsync("/", "no-script-light");
        await window.Page.FillAsync("#q", "web");
        await window.Page.ClickAsync("form.search button");
        await window.Page.ClickAsync("text=shop/web");
        await window.Page.ClickAsync("th a:text-is('1.2.0')");
        await window.Page.ClickAsync("text=Browse files");
        await window.Page.ClickAsync("a.folder:has-text('etc')");
        await window.Page.ClickAsync("a.file:has-text('os-release')");
        Assert.Contains("ID=debian", await window.Page.InnerTextAsync("pre"), StringComparison.Ordinal);
        Assert.Equal(0, await window.Page.Locator(".copy").CountAsync());
        await window.GoAsync("/-/untag/shop/web:1.0.0");
        await window.Page.ClickAsync("form button");
        Assert.Equal(0, await window.Page.Locator("th a:text-is('1.0.0')").CountAsync());
        await window.AssertSoundAsync(Address);
    }

    [Fact]
    public async Task Script_CopiesAndFilters()
    {
        await using var window = await _chromium.OpenAsync(Address);
        await window.GoAsync("/");
        await window.Page.FillAsync("#q", "WEB");
        await Assertions.Expect(window.Page.Locator("tbody tr:visible")).ToHaveCountAsync(1);
        await window.GoAsync("/-/image/shop/web:1.2.0");
        await window.Page.Locator(".copy").First.ClickAsync();
        Assert.Matches("^sha256:[0-9a-f]{64}$", await window.Page.EvaluateAsync<string>("navigator.clipboard.readText()"));
        await window.Page.GetByRole(AriaRole.Button, new() { Name = "Copy the command for docker" }).ClickAsync();
        Assert.Equal($"docker pull {Address.Authority}/shop/web:1.2.0", await window.Page.EvaluateAsync<string>("navigator.clipboard.readText()"));
        await window.AssertSoundAsync(Address);
    }

    [Fact]
    public async Task Keyboard_Alone_ReachesAFile()
    {
        await using var window = await _chromium.OpenAsync(Address);
        await window.GoAsync("/");
        await window.Page.Keyboard.PressAsync("Tab");
        Assert.Equal("Skip to the content", await FocusedAsync(window));
        await window.GoAsync("/", null);
        foreach (var wanted in new[] { "shop/web", "1.2.0", "Browse files", "etc/", "os-release" })
        {
            var url = window.Page.Url;
            await TabToAsync(window, wanted);
            Assert.True(await window.Page.EvaluateAsync<bool>("getComputedStyle(document.activeElement).outlineStyle !== 'none'"), $"{wanted}: the focus can't be seen");
            await window.Page.Keyboard.PressAsync("Enter");
            await window.Page.WaitForURLAsync(now => now != url);
        }
        Assert.Contains("ID=debian", await window.Page.InnerTextAsync("pre"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignIn_InABrowser_Works()
    {
        await using var bench = await DoorBench.StartAsync(change: options => options with { Page = new PageOptions(new()) { Actions = true } });
        await bench.PushAsync("team-a/app", "1", "x");
        foreach (var look in Enum.GetValues<Look>())
        {
            await using var window = await _chromium.OpenAsync(bench.Server.Address, look);
            await window.GoAsync("/-/tags/team-a/app", $"sign-in-{look}".ToLowerInvariant());
            await window.AssertAccessibleAsync();
            await window.Page.FillAsync("#name", "root");
            await window.Page.FillAsync("#password", "wrong");
            await window.Page.Keyboard.PressAsync("Enter");
            await window.Page.WaitForSelectorAsync("[role=alert]");
            await window.AssertAccessibleAsync();
            await window.Page.FillAsync("#name", "root");
            await window.Page.FillAsync("#password", DoorBench.PasswordOf("root"));
            await window.Page.Keyboard.PressAsync("Enter");
            await window.Page.WaitForURLAsync("**/-/tags/team-a/app");
            Assert.Equal("root", await window.Page.InnerTextAsync(".user"));
            Assert.Equal("", await window.Page.EvaluateAsync<string>("document.cookie"));
            await window.AssertSoundAsync(bench.Server.Address);
            await window.Page.ClickAsync("text=Sign out");
            await window.Page.ClickAsync("form button");
            await window.Page.WaitForSelectorAsync("text=Sign in");
        }
    }

    private static async Task TabToAsync(Window window, string text)
    {
        for (var presses = 0; presses < 200; presses++)
        {
            await window.Page.Keyboard.PressAsync("Tab");
            if (await FocusedAsync(window) == text)
                return;
        }
        Assert.Fail($"{text} can't be reached by keyboard at {window.Page.Url}");
    }

    private static Task<string> FocusedAsync(Window window) => window.Page.EvaluateAsync<string>("document.activeElement.textContent.trim()");
}
