using System.Text.Json.Nodes;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Proxy;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Care;

/// <summary>Removing and bringing back on Ceph RGW.</summary>
[NeedsServers]
public sealed class CephRemovalTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private TestLayout Layout(string name)
    {
        var layout = new TestLayout(_folder[name]);
        layout.Tag(layout.Image());
        return layout;
    }

    [Fact]
    public async Task Rm_PatternOfAPublicBucket_DeletesInBatchesAndComesBack()
    {
        await using var bucket = await TestBucket.TakeAsync();
        await using var proxy = S3Proxy.Start();
        var cli = new PailCli(proxy.Endpoint);
        await cli.DoAsync("init", "--public", bucket.Address);
        await cli.DoAsync("push", Layout("one").Address(), $"{bucket.Address}/team/app:1");
        await cli.DoAsync(["tag", $"{bucket.Address}/team/app:1", .. Enumerable.Range(0, 30).Select(n => $"pr-{n}")]);
        var before = await bucket.KeysAsync();
        proxy.Take();
        await cli.DoAsync("rm", "--dry-run", $"{bucket.Address}/team/*:pr-*");
        Assert.DoesNotContain(proxy.Requests, request => request.Method is "PUT" or "POST" or "DELETE");
        Assert.Equal(before, await bucket.KeysAsync());
        proxy.Take();
        await cli.DoAsync("rm", "--yes", $"{bucket.Address}/team/*:pr-*");
        Assert.Single(proxy.Requests, request => request.Method == "POST");
        Assert.Equal(["1"], (await cli.DoAsync("tags", $"{bucket.Address}/team/app")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(["1"], JsonNode.Parse(await bucket.ReadAsync("v2/team/app/tags/list"))!["tags"]!.AsArray().Select(tag => tag!.GetValue<string>()));
        await cli.DoAsync("undelete", $"{bucket.Address}/team/app:pr-*");
        Assert.Equal(before, await bucket.KeysAsync());
        await cli.DoAsync("rm", "--yes", $"{bucket.Address}/team/app");
        Assert.DoesNotContain(await bucket.KeysAsync("v2/"), key => key.Contains("/manifests/", StringComparison.Ordinal) || key.Contains("/tags/", StringComparison.Ordinal));
        await cli.DoAsync("undelete", $"{bucket.Address}/team/app");
        Assert.Equal(before, await bucket.KeysAsync());
    }

    [Fact]
    public async Task Rm_OfARegistry_RemovesTagsByPattern()
    {
        await using var server = await PailServer.StartAsync(PailCli.Direct, [_folder["served"]]);
        var repository = $"docker://{server.Host}/team/app";
        foreach (var tag in new[] { "1", "pr-1", "pr-2" })
            await PailCli.Direct.DoAsync("push", Layout(tag).Address(), $"{repository}:{tag}");
        Assert.Equal(2, (await PailCli.Direct.RunAsync("rm", $"{repository}:pr-*")).ExitCode);
        await PailCli.Direct.DoAsync("rm", "--dry-run", $"{repository}:pr-*");
        Assert.Equal("1\npr-1\npr-2\n", (await PailCli.Direct.DoAsync("tags", repository)).Output);
        await PailCli.Direct.DoAsync("rm", "--yes", $"{repository}:pr-*");
        Assert.Equal("1\n", (await PailCli.Direct.DoAsync("tags", repository)).Output);
        Assert.Equal(3, (await PailCli.Direct.RunAsync("rm", $"{repository}:2")).ExitCode);
        await PailCli.Direct.DoAsync("rm", $"{repository}:1");
    }

    [Fact]
    public async Task Push_Moved_CostsNoRequestMoreAndIsRemembered()
    {
        await using var bucket = await TestBucket.TakeAsync();
        await using var proxy = S3Proxy.Start();
        var cli = new PailCli(proxy.Endpoint) { Variables = new Dictionary<string, string> { ["PAIL_USER"] = "ann" } };
        await cli.DoAsync("init", bucket.Address);
        var one = Layout("one");
        await cli.DoAsync("push", one.Address(), $"{bucket.Address}/app:1");
        proxy.Take();
        await cli.DoAsync("push", Layout("two").Address(), $"{bucket.Address}/app:2");
        var ofNew = proxy.Requests.Count;
        proxy.Take();
        await cli.DoAsync("push", Layout("three").Address(), $"{bucket.Address}/app:1");
        Assert.Equal(ofNew, proxy.Requests.Count);
        var rows = (await cli.DoAsync("history", $"{bucket.Address}/app:1")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, rows.Length);
        Assert.All(rows, row => Assert.EndsWith("ann", row, StringComparison.Ordinal));
        await cli.DoAsync("rollback", $"{bucket.Address}/app:1");
        Assert.Equal(one.Root.Digest.ToString(), (await cli.DoAsync("digest", $"{bucket.Address}/app:1")).Output.Trim());
    }
}
