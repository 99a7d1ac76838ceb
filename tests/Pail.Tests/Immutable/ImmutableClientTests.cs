using Pail.Cli;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Immutable;

/// <summary>Immutable tags on Ceph RGW, with command lines, servers and real clients.</summary>
[NeedsServers]
public sealed class ImmutableClientTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    private TestLayout Layout(string name)
    {
        var layout = new TestLayout(_folder[name]);
        layout.Tag(layout.Image());
        return layout;
    }

    private async Task SetAsync(TestBucket bucket)
    {
        await PailCli.Direct.DoAsync("init", bucket.Address);
        await File.WriteAllTextAsync(_folder["policy"], "immutable: [{repositories: '**', tags: 'v*'}]", Cancel);
        await PailCli.Direct.DoAsync("policy", "set", bucket.Address, _folder["policy"]);
    }

    [Fact]
    public async Task Writers_ToOneTag_FromCommandLinesAndTwoServers_ExactlyOneWins()
    {
        await using var bucket = await TestBucket.TakeAsync();
        await SetAsync(bucket);
        await using var one = await PailServer.StartAsync(PailCli.Direct, [bucket.Address]);
        await using var two = await PailServer.StartAsync(PailCli.Direct, [bucket.Address]);
        string[] places = [$"{bucket.Address}/app:v1", $"docker://{one.Host}/app:v1", $"docker://{two.Host}/app:v1"];
        var images = Enumerable.Range(0, 9).Select(n => (Layout: Layout($"image{n}"), To: places[n % places.Length])).ToList();
        var ended = await Task.WhenAll(images.Select(image => PailCli.Direct.RunAsync("push", image.Layout.Address(), image.To)));
        var winner = Assert.Single(images, image => ended[images.IndexOf(image)].ExitCode == 0);
        Assert.All(ended.Where(run => run.ExitCode != 0), run => Assert.Contains("v1 is immutable", run.Error, StringComparison.Ordinal));
        Assert.Equal(winner.Layout.Root.Digest.ToString(), (await PailCli.Direct.DoAsync("digest", places[0])).Output.Trim());
        // The winner pushes again, wherever.
        foreach (var place in places)
            await PailCli.Direct.DoAsync("push", winner.Layout.Address(), place);
        Assert.Equal(ExitCode.Conflict, (await PailCli.Direct.RunAsync("rm", "--yes", $"{bucket.Address}/app@{winner.Layout.Root.Digest}")).ExitCode);
        Assert.NotEqual(0, (await PailCli.Direct.RunAsync("rm", "--yes", places[1])).ExitCode);
    }

    [Theory]
    [InlineData("docker")]
    [InlineData("podman")]
    [InlineData("skopeo")]
    public async Task Client_ThatPushesAnother_ShowsWhy(string name)
    {
        await using var bucket = await TestBucket.TakeAsync();
        await SetAsync(bucket);
        await using var server = await PailServer.StartAsync(PailCli.Direct, [bucket.Address]);
        var client = ContainerClient.Of(name, _folder);
        await client.PushAsync(Layout("one"), $"{server.Host}/app:v1");
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => client.PushAsync(Layout("two"), $"{server.Host}/app:v1"));
        Assert.Contains("app:v1 is immutable (line 1 of the policy)", refused.Message, StringComparison.Ordinal);
        if (name != "skopeo")
            await client.RemoveAsync($"{server.Host}/app:v1");
    }
}
