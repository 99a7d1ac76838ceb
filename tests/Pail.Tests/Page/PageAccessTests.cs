using System.Net;
using Pail.Buckets.Layouts;
using Pail.Server;
using Pail.Server.Page;
using Pail.Tests.Access;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Page;

/// <summary>The page where there are rules: what it shows to whom, and how people sign in and out.</summary>
public sealed class PageAccessTests : IAsyncLifetime
{
    private DoorBench _bench = null!;

    private TestServer Server => _bench.Server;

    public async ValueTask InitializeAsync()
    {
        _bench = await StartAsync();
        foreach (var repository in new[] { "public/app", "team-a/app", "team-b/app" })
            await _bench.PushAsync(repository, "1", repository);
    }

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    private static async Task<DoorBench> StartAsync(LayoutKind layout = LayoutKind.V2, Func<ServerOptions, ServerOptions>? change = null)
    {
        var meter = new Pail.Stores.RequestMeter();
        return await DoorBench.StartAsync(layout, change: options => (change ?? (same => same))(options with { Page = new PageOptions(meter) { Actions = true } }));
    }

    [Theory]
    [InlineData(null, "public/app")]
    [InlineData("alice", "public/app team-a/app")]
    [InlineData("dave", "public/app team-a/app team-b/app")]
    [InlineData("root", "public/app team-a/app team-b/app")]
    public async Task Repositories_AreThoseThatTheSubjectMayList(string? user, string names)
    {
        var browser = await BrowserAsync(user);
        Assert.Equal(names, string.Join(' ', (await browser.GetAsync("/")).QuerySelectorAll("tbody th").Select(cell => cell.TextContent)));
        Assert.Equal(user ?? "", (await browser.GetAsync("/")).QuerySelector(".user")?.TextContent ?? "");
    }

    [Theory]
    [InlineData(null, "/-/image/team-a/app:1", 303)]
    [InlineData(null, "/-/tags/team-a/app", 303)]
    [InlineData(null, "/-/tags/none", 303)]
    [InlineData(null, "/-/image/public/app:1", 200)]
    [InlineData("alice", "/-/image/team-a/app:1", 200)]
    [InlineData("alice", "/-/image/team-b/app:1", 403)]
    [InlineData("alice", "/-/image/team-b/none:1", 403)]
    [InlineData("alice", "/-/files/team-b/app:1", 403)]
    [InlineData("alice", "/-/history/team-b/app:1", 403)]
    [InlineData("alice", "/-/compare/team-b/app?a=1&b=1", 403)]
    [InlineData("alice", "/-/tags/team-b/app", 403)]
    [InlineData("alice", "/-/untag/team-a/app:1", 403)]
    [InlineData("alice", "/-/move/team-a/app:1", 200)]
    [InlineData("carol", "/-/image/team-a/app:1", 403)]
    [InlineData("carol", "/-/tags/team-a/app", 403)]
    [InlineData("dave", "/-/tags/team-b/app", 200)]
    [InlineData("dave", "/-/image/team-b/app:1", 403)]
    [InlineData("root", "/-/untag/team-a/app:1", 200)]
    public async Task Views_AreRefused_AsTheApiRefuses(string? user, string path, int status)
    {
        var answer = (await (await BrowserAsync(user)).SendAsync("GET", path)).Is(status);
        PageBench.AssertProtected(answer);
        if (status == 303)
            Assert.Equal($"/-/sign-in?to={Uri.EscapeDataString(path)}", answer["Location"]);
        else
            PageBench.Read(answer);
    }

    [Fact]
    public async Task Tags_WhereTheSubjectMayListAndNotPull_AreNamesAlone()
    {
        var page = await (await BrowserAsync("dave")).GetAsync("/-/tags/team-b/app");
        Assert.Equal("1", page.QuerySelector("tbody th")!.TextContent);
        Assert.Empty(page.QuerySelectorAll(".digest"));
    }

    [Fact]
    public async Task SignIn_LeadsToWhereOneWanted_WithASafeCookie()
    {
        var browser = new PageBrowser(Server);
        var answer = await browser.SignInAsync("alice", DoorBench.PasswordOf("alice"), "/-/image/team-a/app:1");
        Assert.Equal("/-/image/team-a/app:1", answer.Is(303)["Location"]);
        Assert.Matches("^pail-page=[A-Za-z0-9_-]+; path=/; samesite=lax; httponly$", answer["Set-Cookie"]!);
        await browser.GetAsync("/-/image/team-a/app:1");
        // Elsewhere it leads nowhere.
        Assert.Equal("/", (await new PageBrowser(Server).SignInAsync("alice", DoorBench.PasswordOf("alice"), "https://evil.example/")).Is(303)["Location"]);
        Assert.Equal("/", (await new PageBrowser(Server).SignInAsync("alice", DoorBench.PasswordOf("alice"), "//evil.example/")).Is(303)["Location"]);
    }

    [Fact]
    public async Task SignIn_BehindTls_HasASecureCookieOfThisHostAlone()
    {
        await using var bench = await StartAsync(change: options => options with { TrustedProxies = [IPNetwork.Parse("127.0.0.0/8")] });
        var answer = await bench.Server.GetAsync("/-/sign-in", ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "registry.example"));
        Assert.Matches("^__Host-pail-page=[A-Za-z0-9_-]+; path=/; secure; samesite=lax; httponly$", answer.Is(200)["Set-Cookie"]!);
    }

    [Fact]
    public async Task SignIn_WrongPassword_IsRefused_AndSlowedDown()
    {
        var browser = new PageBrowser(Server);
        var answer = (await browser.SignInAsync("alice", "wrong")).Is(401);
        Assert.Equal("The name or the password is wrong.", PageBench.Read(answer).QuerySelector("[role=alert]")!.TextContent);
        (await browser.SendAsync("GET", "/-/tags/team-a/app")).Is(303);
        for (var i = 0; i < 4; i++)
            (await browser.SignInAsync("alice", "wrong")).Is(401);
        // The clock stands still: a few wait their turn, and those that would wait too long are sent away.
        var many = Enumerable.Range(0, 60).Select(_ => browser.SignInAsync("alice", "wrong")).ToList();
        await Eventually.TrueAsync(() => Task.FromResult(many.Count(task => task.IsCompleted) >= 20), () => $"{many.Count(task => task.IsCompleted)} logins were sent away");
        Assert.All(many.Where(task => task.IsCompleted), task => Assert.Equal(429, task.Result.Status));
        await Eventually.TrueAsync(
            () =>
            {
                _bench.Time.Advance(TimeSpan.FromSeconds(1));
                return Task.FromResult(many.TrueForAll(task => task.IsCompleted));
            },
            () => $"{many.Count(task => !task.IsCompleted)} logins wait");
        Assert.All(await Task.WhenAll(many), answer => Assert.True(answer.Status is 401 or 429, answer.Text));
    }

    [Theory]
    [InlineData("no token")]
    [InlineData("other token")]
    [InlineData("no session")]
    [InlineData("other session")]
    [InlineData("other origin")]
    [InlineData("origin null")]
    [InlineData("no origin")]
    [InlineData("cross-site")]
    [InlineData("JSON")]
    public async Task Form_ThatIsNotOfThisPage_ChangesNothing(string attack)
    {
        var browser = await BrowserAsync("root");
        var other = await BrowserAsync("root");
        const string path = "/-/untag/team-a/app:1";
        var token = (await browser.GetAsync(path)).QuerySelector("[name=token]")!.GetAttribute("value")!;
        (string, string)[] own = [("Origin", $"http://{Server.Host}")];
        var answer = attack switch
        {
            "no token" => await browser.PostAsync(path, own),
            "other token" => await browser.PostAsync(path, own, ("token", (await other.GetAsync(path)).QuerySelector("[name=token]")!.GetAttribute("value")!)),
            "no session" => await new PageBrowser(Server).PostAsync(path, own, ("token", token)),
            "other session" => await other.PostAsync(path, own, ("token", token)),
            "other origin" => await browser.PostAsync(path, [("Origin", "http://evil.example")], ("token", token)),
            "origin null" => await browser.PostAsync(path, [("Origin", "null")], ("token", token)),
            "no origin" => await browser.PostAsync(path, [], ("token", token)),
            "cross-site" => await browser.PostAsync(path, [("Sec-Fetch-Site", "cross-site")], ("token", token)),
            _ => await browser.SendAsync("POST", path, new StringContent($"{{\"token\":\"{token}\"}}", null, "text/plain"), own),
        };
        PageBench.Read(answer.Is(403));
        (await Server.GetAsync("/v2/team-a/app/manifests/1", DoorBench.Basic("root"))).Is(200);
        // The same form, sent by the page itself.
        (await browser.PostAsync(path, [("Sec-Fetch-Site", "same-origin")], ("token", token))).Is(303);
        (await Server.GetAsync("/v2/team-a/app/manifests/1", DoorBench.Basic("root"))).Is(404);
    }

    [Fact]
    public async Task Session_EndsWithTime_WithThePassword_AndWhenSignedOut()
    {
        var (one, two, three) = (await BrowserAsync("alice"), await BrowserAsync("alice"), await BrowserAsync("bob"));
        Assert.Equal("/", (await one.PostFormAsync("/-/sign-out")).Is(303)["Location"]);
        (await one.SendAsync("GET", "/-/tags/team-a/app")).Is(303);
        await two.GetAsync("/-/tags/team-a/app");
        // Another replica knows the session too.
        await using (var other = await _bench.AnotherAsync(default, options => options with { Page = new PageOptions(new()) }))
            (await two.SendAsync("GET", "/-/tags/team-a/app", server: other)).Is(200);
        await File.WriteAllTextAsync(_bench.PasswordFile, $"alice:{BCrypt.Net.BCrypt.HashPassword("new", 4)}\nbob:{BCrypt.Net.BCrypt.HashPassword("new", 4)}\n", TestContext.Current.CancellationToken);
        var services = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<RegistryServices>(Server.App.Services);
        await services.Door!.RereadAsync(TestContext.Current.CancellationToken);
        (await two.SendAsync("GET", "/-/tags/team-a/app")).Is(303);
        (await three.SendAsync("GET", "/-/tags/team-b/app")).Is(303);
        var fresh = new PageBrowser(Server);
        (await fresh.SignInAsync("alice", "new")).Is(303);
        await fresh.GetAsync("/-/tags/team-a/app");
        _bench.Time.Advance(TimeSpan.FromHours(12));
        (await fresh.SendAsync("GET", "/-/tags/team-a/app")).Is(303);
    }

    [Fact]
    public async Task Session_Changed_IsNone()
    {
        var browser = await BrowserAsync("alice");
        var cookie = browser.Cookie!;
        foreach (var at in new[] { 0, 10, cookie.Length / 2, cookie.Length - 1 })
        {
            browser.Cookie = $"{cookie[..at]}{(cookie[at] == 'A' ? 'B' : 'A')}{cookie[(at + 1)..]}";
            (await browser.SendAsync("GET", "/-/tags/team-a/app")).Is(303);
        }
        // Nor is a token of the API one, or the other way round.
        browser.Cookie = await _bench.TokenAsync("alice", "repository:team-a/app:pull");
        (await browser.SendAsync("GET", "/-/tags/team-a/app")).Is(303);
        (await Server.GetAsync("/v2/", DoorBench.Bearer(cookie))).Is(401);
        // A password in a header is for the API.
        (await Server.GetAsync("/-/tags/team-a/app", DoorBench.Basic("alice"))).Is(303);
    }

    [Fact]
    public async Task Pool_ShowsOnlyWhatTheRepositoryHolds()
    {
        await using var bench = await StartAsync(LayoutKind.Pool);
        var (blob, secret, _) = await bench.PushAsync("team-b/app", "1", "secret");
        await bench.PushAsync("team-a/app", "1", "open");
        var browser = new PageBrowser(bench.Server);
        await browser.SignInAsync("alice", DoorBench.PasswordOf("alice"));
        await browser.GetAsync("/-/image/team-a/app:1");
        (await browser.SendAsync("GET", $"/-/image/team-a/app@{secret}")).Is(404);
        (await browser.SendAsync("GET", $"/-/files/team-a/app@{secret}")).Is(404);
        Assert.Contains("can't be compared", (await browser.GetAsync($"/-/compare/team-a/app?a=1&b={secret}")).Body!.TextContent, StringComparison.Ordinal);
        Assert.NotEqual(blob, secret);
    }

    private async Task<PageBrowser> BrowserAsync(string? user)
    {
        var browser = new PageBrowser(Server);
        if (user is not null)
            (await browser.SignInAsync(user, DoorBench.PasswordOf(user))).Is(303);
        return browser;
    }
}
