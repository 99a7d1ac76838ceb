using System.Text.Json.Nodes;
using AngleSharp.Dom;
using Pail.Buckets.Layouts;

namespace Pail.Tests.Page;

/// <summary>What each view shows, and the requests that it takes.</summary>
public sealed class PageViewTests
{
    private static readonly byte[] Base = PageImages.Tar(("etc/", ""), ("etc/os-release", "ID=whale\n"), ("bin/sh", "\0ELF"), ("bin/ash", "->sh"));

    [Fact]
    public async Task Repositories_ShowsWhatTagsTell_AndSizes()
    {
        await using var bench = await PageBench.StartAsync();
        Assert.Contains("no repository here", (await bench.GetAsync("/")).Body!.TextContent, StringComparison.Ordinal);
        await bench.Images.PushAsync("1.0", [Base]);
        await bench.Images.PushAsync("1.1", [Base]);
        await new PageImages(bench.Server, "team/app/sub").PushAsync("a", [Base]);
        await new PageImages(bench.Server, "zoo").PushAsync("a", [Base]);
        var page = await bench.GetAsync("/");
        Assert.Equal(["team/app", "team/app/sub", "zoo"], page.QuerySelectorAll("tbody th").Select(cell => cell.TextContent));
        Assert.Equal(["2", "1", "1"], page.QuerySelectorAll("td[data-label=Tags]").Select(cell => cell.TextContent));
        Assert.All(page.QuerySelectorAll("td[data-label=Size]"), cell => Assert.EndsWith("B", cell.TextContent, StringComparison.Ordinal));
        Assert.All(page.QuerySelectorAll("td time"), time => Assert.Equal("just now", time.TextContent));
        Assert.Equal(["team/app/sub"], (await bench.GetAsync("/?q=SUB")).QuerySelectorAll("tbody th").Select(cell => cell.TextContent));
        Assert.Contains("has “none”", (await bench.GetAsync("/?q=none")).Body!.TextContent, StringComparison.Ordinal);
        Assert.Equal(["team/app/sub", "zoo"], (await bench.GetAsync("/?after=team/app")).QuerySelectorAll("tbody th").Select(cell => cell.TextContent));
    }

    [Fact]
    public async Task Tags_VersionsFirst_HighestFirst_ThenTheNewest()
    {
        await using var bench = await PageBench.StartAsync();
        var image = await bench.Images.PushAsync("latest", [Base]);
        foreach (var tag in new[] { "1.2.0", "v1.10.0", "1.10.0-rc.1", "0.9.0", "main" })
            await bench.Images.TagAsync(image, tag);
        await bench.Images.IndexAsync("2.0.0", (image, "amd64"), (await bench.Images.PushAsync(null, [PageImages.Tar(("arm", "1"))]), "arm64"));
        var page = await bench.GetAsync("/-/tags/team/app");
        Assert.Equal(["2.0.0", "v1.10.0", "1.10.0-rc.1", "1.2.0", "0.9.0", "main", "latest"], page.QuerySelectorAll("tbody th").Select(cell => cell.TextContent));
        Assert.Equal(["linux/amd64 linux/arm64", "linux/amd64"], page.QuerySelectorAll("td[data-label=Platforms]").Take(2).Select(cell => cell.TextContent.Trim()));
        Assert.Equal(image.Digest.ToString(), page.QuerySelectorAll("td .digest")[1].GetAttribute("data-copy"));
        Assert.Equal(["1.10.0-rc.1", "v1.10.0"], (await bench.GetAsync("/-/tags/team/app?q=1.10")).QuerySelectorAll("tbody th").Select(cell => cell.TextContent).Order(StringComparer.Ordinal));
        Assert.Contains("no such repository", (await bench.GetAsync("/-/tags/none", 404)).Body!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_ShowsConfigLayersAndHowItIsPulled()
    {
        await using var bench = await PageBench.StartAsync();
        var image = await bench.Images.PushAsync("1.0", [Base, PageImages.Tar(("app", "1"))], config =>
        {
            config["config"] = JsonNode.Parse("""{"Env":["PATH=/bin","EMPTY"],"Entrypoint":["/app","a b"],"Labels":{"org.example":"yes"},"ExposedPorts":{"80/tcp":{}},"User":"1000"}""");
            config["history"] = JsonNode.Parse("""[{"created_by":"/bin/sh -c #(nop) ADD base"},{"created_by":"ENV A=1","empty_layer":true},{"created_by":"COPY app / # buildkit"}]""");
        }, new() { ["org.opencontainers.image.source"] = "https://example.com/x" });
        var page = await bench.GetAsync("/-/image/team/app:1.0");
        Assert.Equal(["ADD base", "COPY app / # buildkit"], page.QuerySelectorAll(".layers .command").Select(command => command.TextContent));
        Assert.Equal(3, page.QuerySelectorAll(".steps li").Length);
        var text = page.Body!.TextContent;
        foreach (var part in new[] { "linux/amd64", "/app 'a b'", "80/tcp", "org.example", "https://example.com/x", "PATH", "EMPTY", $"docker pull {bench.Server.Host}/team/app:1.0", $"podman pull --tls-verify=false {bench.Server.Host}/team/app:1.0", $"ctr images pull --plain-http {bench.Server.Host}/team/app:1.0", $"pail pull docker://{bench.Server.Host}/team/app:1.0" })
            Assert.Contains(part, text, StringComparison.Ordinal);
        Assert.Contains(page.QuerySelectorAll("[data-copy]"), element => element.GetAttribute("data-copy") == image.Digest.ToString());
        // What refers elsewhere is text, not a link.
        Assert.DoesNotContain(page.QuerySelectorAll("a"), link => link.GetAttribute("href")!.Contains("example.com", StringComparison.Ordinal));
        Assert.Contains("no such manifest", (await bench.GetAsync("/-/image/team/app:none", 404)).Body!.TextContent, StringComparison.Ordinal);
        await bench.GetAsync($"/-/image/team/app@{image.Digest}");
    }

    [Fact]
    public async Task Image_OfAnIndex_ShowsItsPlatforms_AndOneOfThem()
    {
        await using var bench = await PageBench.StartAsync();
        var arm = await bench.Images.PushAsync(null, [PageImages.Tar(("arm", "1"))]);
        var amd = await bench.Images.PushAsync(null, [Base]);
        await bench.Images.IndexAsync("1.0", (arm, "arm64"), (amd, "amd64"));
        var page = await bench.GetAsync("/-/image/team/app:1.0");
        var rows = page.QuerySelectorAll("tbody tr");
        Assert.Equal(["linux/arm64", "linux/amd64"], rows.Select(row => row.QuerySelector("th")!.TextContent));
        Assert.Equal(["", "shown below"], rows.Select(row => row.QuerySelector("td[data-label=Note]")!.TextContent));
        Assert.Contains("for linux/amd64", page.Body!.TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_ShowsReferrersForWhatTheyAre_WithTheirContent()
    {
        await using var bench = await PageBench.StartAsync();
        var image = await bench.Images.PushAsync("1.0", [Base]);
        await bench.Images.ReferAsync(image, "application/spdx+json", "application/spdx+json", """{"spdxVersion":"SPDX-2.3","name":"<b>whale</b>"}"""u8.ToArray());
        var payload = Convert.ToBase64String("""{"predicateType":"https://slsa.dev/provenance/v1"}"""u8);
        await bench.Images.ReferAsync(image, "application/vnd.in-toto+json", "application/vnd.dsse.envelope.v1+json", System.Text.Encoding.UTF8.GetBytes($$"""{"payloadType":"application/vnd.in-toto+json","payload":"{{payload}}","signatures":[]}"""));
        await bench.Images.ReferAsync(image, "application/vnd.example.thing", "application/octet-stream", [0, 1, 2]);
        await bench.Images.PushAsync($"sha256-{image.Digest.Hex}.sig", [], annotations: new() { ["dev.cosignproject.cosign/signature"] = "MEUC" });
        var page = await bench.GetAsync("/-/image/team/app:1.0");
        Assert.Equal(["Artifact", "Attestation", "SBOM", "Signature"], page.QuerySelectorAll(".referrer h3").Select(title => title.TextContent.Split(' ')[0]).Order(StringComparer.Ordinal));
        var contents = page.QuerySelectorAll(".referrer pre").Select(content => content.TextContent).ToList();
        Assert.Contains(contents, content => content.Contains("\"name\": \"<b>whale</b>\"", StringComparison.Ordinal));
        Assert.Contains(contents, content => content.Contains("\"predicateType\": \"https://slsa.dev/provenance/v1\"", StringComparison.Ordinal));
        Assert.Contains("it is no text", page.Body!.TextContent, StringComparison.Ordinal);
        // Such tags are no images.
        Assert.Equal(["1.0"], (await bench.GetAsync("/-/tags/team/app")).QuerySelectorAll("tbody th").Select(cell => cell.TextContent));
    }

    [Fact]
    public async Task Image_ShowsWhatItSharesWithOtherTags()
    {
        await using var bench = await PageBench.StartAsync();
        await bench.Images.PushAsync("1.0", [Base, PageImages.Tar(("app", "1"))]);
        await bench.Images.PushAsync("1.1", [Base, PageImages.Tar(("app", "2"))]);
        await bench.Images.PushAsync("other", [PageImages.Tar(("x", "y"))]);
        var page = await bench.GetAsync("/-/image/team/app:1.1");
        var row = Assert.Single(page.QuerySelectorAll("table tbody tr"));
        Assert.Equal("1.0", row.QuerySelector("th")!.TextContent);
        Assert.Equal("1 of 2", row.QuerySelector("td")!.TextContent);
        Assert.Equal("/-/compare/team/app?a=1.0&b=1.1", row.QuerySelector("td a")!.GetAttribute("href"));
    }

    [Fact]
    public async Task Compare_ShowsConfigLayersAndFiles()
    {
        await using var bench = await PageBench.StartAsync();
        await bench.Images.PushAsync("1.0", [Base, PageImages.Tar(("app", "1"), ("gone", "x"))], config => config["config"] = JsonNode.Parse("""{"Env":["A=1"]}"""));
        await bench.Images.PushAsync("1.1", [Base, PageImages.Tar(("app", "22"), ("<new>", "x"))], config => config["config"] = JsonNode.Parse("""{"Env":["A=2"]}"""));
        var page = await bench.GetAsync("/-/compare/team/app?a=1.0&b=1.1");
        Assert.Contains("1 layer of", page.Body!.TextContent, StringComparison.Ordinal);
        Assert.Equal(["env A", "<new>", "app", "gone"], page.QuerySelectorAll("tbody th").Select(cell => cell.TextContent));
        Assert.Equal(["added", "changed: content", "removed"], page.QuerySelectorAll("td[data-label=Change]").Select(cell => cell.TextContent));
        await bench.GetAsync("/-/compare/team/app?a=1.0", 400);
        Assert.Contains("can't be compared", (await bench.GetAsync("/-/compare/team/app?a=1.0&b=none")).Body!.TextContent, StringComparison.Ordinal);
        Assert.Contains("are the same", (await bench.GetAsync("/-/compare/team/app?a=1.0&b=1.0")).Body!.TextContent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Files_ShowsFoldersAndContent_OfLayersAndOfTheImage(bool plain)
    {
        await using var bench = await PageBench.StartAsync();
        await bench.Images.PushAsync("1.0", [Base, PageImages.Tar(("etc/motd", "hello\n<b>\u202E"), (".wh.bin", ""), ("odd \\ name/x", "1"))], plain: plain);
        const string path = "/-/files/team/app:1.0";
        var root = await bench.GetAsync(path);
        Assert.Equal(["etc/", "odd \\ name/"], Names(root));
        var etc = await bench.GetAsync(Link(root, "etc/"));
        Assert.Equal(["motd", "os-release"], Names(etc));
        var motd = await bench.GetAsync(Link(etc, "motd"));
        Assert.Equal("hello\n<b>⟨U+202E⟩", motd.QuerySelector("pre")!.TextContent);
        Assert.Equal("ID=whale\n", (await bench.GetAsync(Link(etc, "os-release"))).QuerySelector("pre")!.TextContent);
        Assert.Equal(["x"], Names(await bench.GetAsync(Link(root, "odd \\ name/"))));
        var layer = await bench.GetAsync($"{path}?layer=2");
        Assert.Equal(["etc/", "odd \\ name/", ".wh.bin"], Names(layer));
        var first = await bench.GetAsync($"{path}?layer=1&path=bin");
        Assert.Equal(["ash", "sh"], Names(first));
        Assert.Contains("link to", first.Body!.TextContent, StringComparison.Ordinal);
        Assert.Contains("This file is binary", (await bench.GetAsync(Link(first, "sh"))).Body!.TextContent, StringComparison.Ordinal);
        Assert.Contains("no such file", (await bench.GetAsync($"{path}?path=none")).Body!.TextContent, StringComparison.Ordinal);
        await bench.GetAsync($"{path}?layer=99&path=../../../etc/passwd");

        static string[] Names(IDocument page) => [.. page.QuerySelectorAll("tbody th a").Select(cell => cell.TextContent)];

        static string Link(IDocument page, string name) => page.QuerySelectorAll("tbody th a").Single(cell => cell.TextContent == name).GetAttribute("href")!;
    }

    [Fact]
    public async Task History_ShowsWhatATagNamed()
    {
        await using var bench = await PageBench.StartAsync();
        var first = await bench.Images.PushAsync("1.0", [Base]);
        var second = await bench.Images.PushAsync("1.0", [PageImages.Tar(("x", "y"))]);
        var page = await bench.GetAsync("/-/history/team/app:1.0");
        Assert.Equal([second.Digest.ToString(), first.Digest.ToString()], page.QuerySelectorAll(".digest").Select(digest => digest.GetAttribute("data-copy")));
        await bench.GetAsync("/-/history/team/app:none", 404);
    }

    [Fact]
    public async Task State_ShowsTheLastRuns()
    {
        await using var bench = await PageBench.StartAsync();
        Assert.Contains("No run is known", (await bench.GetAsync("/-/state")).Body!.TextContent, StringComparison.Ordinal);
        var (_, run) = await Pail.Collect.CollectSchedule.TryTakeAsync(bench.Server.Bucket, retains: true, TimeSpan.FromHours(1), TestContext.Current.CancellationToken);
        await Pail.Collect.CollectSchedule.EndAsync(bench.Server.Bucket, retains: true, run! with { DroppedTags = 3, FreedBytes = 2048, FreedObjects = 4, Warnings = 0 }, TestContext.Current.CancellationToken);
        var text = (await bench.GetAsync("/-/state")).Body!.TextContent;
        Assert.Contains("3 tags", text, StringComparison.Ordinal);
        Assert.Contains("2.0 KiB in 4 objects", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public async Task Views_OfEitherLayout_Work(LayoutKind layout)
    {
        await using var bench = await PageBench.StartAsync(layout);
        await bench.Images.PushAsync("1.0", [Base]);
        await bench.Images.PushAsync("1.1", [Base]);
        await new PageImages(bench.Server, "team/app/sub").PushAsync("a", [Base]);
        Assert.Equal(["team/app", "team/app/sub"], (await bench.GetAsync("/")).QuerySelectorAll("tbody th").Select(cell => cell.TextContent));
        Assert.Equal(["1.1", "1.0"], (await bench.GetAsync("/-/tags/team/app")).QuerySelectorAll("tbody th").Select(cell => cell.TextContent).OrderDescending(StringComparer.Ordinal));
        foreach (var path in new[] { "/-/image/team/app:1.0", "/-/files/team/app:1.0", "/-/history/team/app:1.0", "/-/compare/team/app?a=1.0&b=1.1", "/-/state" })
            await bench.GetAsync(path);
    }

    [Fact]
    public async Task Views_SayTheRequestsTheyTook_AndTakeNoMore()
    {
        await using var bench = await PageBench.StartAsync();
        await bench.Images.PushAsync("1.0", [Base]);
        await bench.Images.PushAsync("1.1", [Base], config => config["author"] = "somebody");
        await bench.Images.IndexAsync("2.0", (await bench.Images.PushAsync(null, [PageImages.Tar(("x", "y"))]), "amd64"));
        await using var server = await bench.AnotherAsync();
        // Each view: requests of the A class and of the B class, first on a server that knows nothing, then again.
        foreach (var (path, first, again) in new[]
        {
            ("/", (2L, 0L), (1L, 0L)),
            ("/-/tags/team/app", (1, 6), (1, 0)),
            ("/-/tags/team/app?q=1.0", (1, 0), (1, 0)),
            ("/-/history/team/app:1.0", (0, 1), (0, 1)),
            ("/-/state", (0, 1), (0, 1)),
            ("/-/image/team/app:1.0", (1, 7), (1, 7)),
            ("/-/files/team/app:1.0", (0, 2), (0, 1)),
            ("/-/files/team/app:1.0?path=etc/os-release", (0, 2), (0, 2)),
        })
            foreach (var expected in new[] { first, again })
            {
                AngleSharp.Dom.IDocument page = null!;
                var cost = await server.CostAsync(async () => page = PageBench.Read((await server.GetAsync(path)).Is(200)));
                Assert.True(expected == cost, $"{path}: {expected} expected, {cost} found");
                Assert.Contains(cost.A + cost.B == 0 ? "took no S3 request" : $"{cost.A} PUT or LIST, {cost.B} GET or HEAD", page.QuerySelector("footer")!.TextContent, StringComparison.Ordinal);
            }
    }

    [Fact]
    public async Task Page_LeavesTheApiAlone_AndIsGoneWhereItIsNotWanted()
    {
        await using var bench = await PageBench.StartAsync();
        (await bench.Server.GetAsync("/v2/")).Is(200);
        Assert.Null((await bench.Server.GetAsync("/v2/"))["Content-Security-Policy"]);
        (await bench.Server.GetAsync("/v3")).Is(404, "NOT_FOUND");
        foreach (var path in new[] { "/-/none", "/-/tags", "/-/image/team/app", "/-/tags/UPPER", "/-/untag/team/app:1", "/-/sign-in" })
            PageBench.Read((await bench.Server.GetAsync(path)).Is(404));
        Assert.Equal("GET, HEAD", (await bench.Server.SendAsync(HttpMethod.Post, "/")).Is(405)["Allow"]);
        Assert.Empty((await bench.Server.HeadAsync("/")).Is(200).Body);
        await using var without = await PageBench.StartAsync(change: options => options with { Page = null });
        (await without.Server.GetAsync("/")).Is(404, "NOT_FOUND");
        (await without.Server.GetAsync("/-/state")).Is(404, "NOT_FOUND");
    }

    [Fact]
    public async Task Assets_AreKeptForEver_UnderTheirHash()
    {
        await using var bench = await PageBench.StartAsync();
        var page = await bench.GetAsync("/");
        foreach (var path in page.QuerySelectorAll("link, script").Select(element => element.GetAttribute("href") ?? element.GetAttribute("src")!))
        {
            var answer = (await bench.Server.GetAsync(path)).Is(200);
            PageBench.AssertProtected(answer);
            Assert.Equal("public, max-age=31536000, immutable", answer["Cache-Control"]);
            Assert.Contains(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(answer.Body))[..16], path, StringComparison.Ordinal);
            (await bench.Server.GetAsync(path.Replace(".", ".0", StringComparison.Ordinal))).Is(404);
        }
        Assert.Equal("no-store", (await bench.Server.GetAsync("/"))["Cache-Control"]);
    }

    [Theory]
    [InlineData("127.0.0.1:1234", 200)]
    [InlineData("localhost", 200)]
    [InlineData("[::1]:80", 200)]
    [InlineData("evil.example", 421)]
    [InlineData("127.0.0.1.evil.example", 421)]
    [InlineData("10.0.0.1", 421)]
    public async Task LoopbackNamesOnly_RefusesOtherHosts(string host, int status)
    {
        await using var bench = await PageBench.StartAsync(page: page => page with { LoopbackNamesOnly = true });
        (await bench.Server.GetAsync("/", ("Host", host))).Is(status);
        (await bench.Server.GetAsync("/v2/", ("Host", host))).Is(status);
    }
}
