using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Pail.Access;
using Pail.Buckets.Layouts;
using Pail.Server;
using Pail.Server.Access;
using Pail.Server.Watching;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit.Servers;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Watching;

/// <summary>Where metrics are, who may read them, and what is never in them.</summary>
[Collection("Metrics")]
public sealed class MetricsEndpointTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-metrics-");

    public void Dispose() => _folder.Delete(recursive: true);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Task<TestServer> StartServerAsync(MetricsOptions? metrics) =>
        TestServer.StartAsync(new FolderStore(_folder.FullName, new RequestMeter()), new RequestMeter(), LayoutKind.V2, options => options with { Metrics = metrics });

    [Fact]
    public async Task Metrics_Off_IsNoPath()
    {
        await using var server = await StartServerAsync(null);
        (await server.GetAsync("/metrics")).Is(404);
    }

    [Fact]
    public async Task Metrics_WithoutRules_AreShown_ForGetAlone()
    {
        await using var server = await StartServerAsync(new());
        (await server.GetAsync("/v2/")).Is(200);
        var answer = (await server.GetAsync("/metrics")).Is(200);
        Assert.StartsWith("text/plain", answer["Content-Type"], StringComparison.Ordinal);
        Assert.Equal("no-store", answer["Cache-Control"]);
        Assert.Contains("pail_build_info", Scrape.Parse(answer.Text).Names);
        (await server.PutAsync("/metrics", [])).Is(405);
    }

    [Fact]
    public async Task Metrics_AtTheirOwnAddress_AreThereAlone()
    {
        var own = new IPEndPoint(IPAddress.Loopback, PailServer.FreePort());
        await using var server = await StartServerAsync(new(own));
        (await server.GetAsync("/metrics")).Is(404);
        Assert.Contains("pail_build_info", Scrape.Parse((await server.GetAsync($"http://{own}/metrics")).Is(200).Text).Names);
        foreach (var path in new[] { "/v2/", "/v2/_catalog", "/healthz", "/readyz", "/token", "/" })
            (await server.GetAsync($"http://{own}{path}")).Is(404);
        (await server.SendAsync("POST", $"http://{own}/v2/x/blobs/uploads/")).Is(404);
        (await server.SendAsync("POST", $"http://{own}/metrics")).Is(404);
    }

    [Fact]
    public async Task Metrics_WithRules_NeedListOfAllRepositories()
    {
        var rules = """
            rules:
              - {subjects: "user:alice", repositories: "**", allow: list}
              - {subjects: "user:bob", repositories: "team-b/**", allow: admin}
              - {subjects: "user:carol", repositories: "**", except-repositories: "hidden/**", allow: admin}
              - {subjects: "user:dave", repositories: "**", allow: admin}
              - {subjects: "user:dave", repositories: "hidden/**", deny: list}
            """;
        await using var bench = await StartAsync(
            change: options => options with { Metrics = new() }, door: options => options with { Rules = AccessRules.Parse(rules, "rules") });
        var refused = (await bench.Server.GetAsync("/metrics")).Is(401);
        Assert.StartsWith("Basic ", refused["WWW-Authenticate"], StringComparison.Ordinal);
        (await bench.Server.GetAsync("/metrics", Basic("alice", "wrong"))).Is(401);
        (await bench.Server.GetAsync("/metrics", Basic("nobody"))).Is(401);
        (await bench.Server.GetAsync("/metrics", Basic("bob"))).Is(403);
        (await bench.Server.GetAsync("/metrics", Basic("carol"))).Is(403);
        var scrape = Scrape.Parse((await bench.Server.GetAsync("/metrics", Basic("alice"))).Is(200).Text);
        Assert.True(scrape.Sum("pail_access_refusals_total", ("reason", "login-failed")) >= 2);
        Assert.True(scrape.Sum("pail_access_refusals_total", ("reason", "denied")) >= 2);
        // A token is not for this: it is not good for all repositories.
        (await bench.Server.GetAsync("/metrics", Bearer(await bench.TokenAsync("alice", "repository:team-a/app:pull")))).Is(401);
    }

    [Fact]
    public async Task Metrics_RulesThatBreak_AreTrouble()
    {
        var rules = "rules: [{subjects: \"user:alice\", repositories: \"**\", allow: list}]";
        await using var bench = await StartAsync(
            change: options => options with { Metrics = new(new(IPAddress.Loopback, PailServer.FreePort())) },
            door: options => options with { Rules = AccessRules.Parse(rules, "rules"), Reread = _ => Task.FromResult(AccessRules.Parse(rules, "rules")) });
        var services = bench.Server.App.Services.GetRequiredService<RegistryServices>();
        var watch = new RuleWatch(services);
        Assert.Equal(0, await TroubleAsync());
        rules = "rules: [";
        await watch.TryRunAsync(Cancel);
        Assert.Equal(1, await TroubleAsync());
        rules = "rules: [{subjects: \"user:bob\", repositories: \"**\", allow: list}]";
        await watch.TryRunAsync(Cancel);
        Assert.Equal(0, await TroubleAsync());

        async Task<double> TroubleAsync()
        {
            // What is shown is as old as a moment.
            await Task.Delay(400, Cancel);
            return Scrape.Parse((await bench.Server.GetAsync($"http://{services.Options.Metrics!.Address}/metrics")).Is(200).Text).Sum("pail_access_trouble");
        }
    }

    [Fact]
    public async Task Metrics_WhateverIsAskedFor_HaveNoMoreSeries_AndNoNames()
    {
        await using var server = await StartServerAsync(new());
        await AskAsync("alpha");
        var before = await SeriesAsync();
        foreach (var word in new[] { "bravo", "charlie", "delta" })
            await AskAsync(word);
        var after = await SeriesAsync();
        // The first scrape is itself a request that the second one shows.
        Assert.DoesNotContain(after.Except(before), series => !series.Contains("/metrics", StringComparison.Ordinal));
        foreach (var word in new[] { "alpha", "bravo", "charlie", "delta", "sha256" })
            Assert.DoesNotContain(after, series => series.Contains(word, StringComparison.Ordinal));

        async Task<HashSet<string>> SeriesAsync()
        {
            await Task.Delay(400, Cancel);
            return [.. (await server.GetAsync("/metrics")).Is(200).Text.Split('\n').Where(line => line.StartsWith("pail_", StringComparison.Ordinal) || line.StartsWith("http_", StringComparison.Ordinal)).Select(line => line[..line.LastIndexOf(' ')])];
        }

        async Task AskAsync(string word)
        {
            await server.PushAsync($"repo-{word}/app", $"tag-{word}");
            (await server.GetAsync($"/v2/repo-{word}/app/manifests/tag-{word}")).Is(200);
            (await server.GetAsync($"/v2/repo-{word}/app/manifests/tag-{word}-none")).Is(404);
            (await server.GetAsync($"/{word}?{word}=1")).Is(404);
            (await server.GetAsync($"/v2/UPPER-{word}/manifests/x")).Is(400);
            (await server.SendAsync($"X{word.ToUpperInvariant()}", "/v2/")).Is(405);
            (await server.GetAsync($"/v2/repo-{word}/app/blobs/uploads/{word}")).Is(404);
            (await server.GetAsync("/v2/", ("User-Agent", word), ("X-Request-Id", word), ("Host", $"{word}.example"))).Is(200);
        }
    }
}
