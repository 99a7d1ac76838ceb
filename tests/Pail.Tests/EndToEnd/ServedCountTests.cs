using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Proxy;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.EndToEnd;

/// <summary>
/// What <c>pail serve</c> asks of S3 when Skopeo pushes and pulls, counted between the two. Skopeo is redirected past
/// where it is counted. docs/costs.md promises these numbers.
/// </summary>
[UsesDebian13]
[NeedsServers]
public sealed class ServedCountTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;

    private readonly string _bucket = S3Server.NewName();
    private readonly TestFolder _folder = new();
    private readonly S3Proxy _proxy = S3Proxy.Start();
    private PailServer _server = null!;
    private ContainerClient _skopeo = null!;

    private string Reference => $"{_server.Host}/team/app:1";

    [Theory]
    [InlineData("skopeo")]
    [InlineData("skopeo 1.18")]
    public async Task ImageOfTwoBlobs_Pushed_PushedAgain_Pulled(string client)
    {
        _skopeo = ContainerClient.Of(client, _folder);
        var layout = Image(100_000);
        var pushed = await CountAsync(() => _skopeo.PushAsync(layout, Reference));
        Assert.True(pushed is { A: <= 4, B: <= 2 }, Told);
        var again = await CountAsync(() => _skopeo.PushAsync(layout, Reference));
        Assert.True(again is { A: 0, B: <= 3 }, Told);
        // The tag; the manifest and where its blobs are is known.
        Assert.Equal((0, 1), await CountAsync(() => _skopeo.PullAsync(Reference)));
        await RestartAsync();
        Assert.Equal((0, 1), await CountAsync(() => _skopeo.PullAsync(Reference)));
        await RestartAsync();
        Assert.Equal((0, 1), await CountAsync(() => _skopeo.PullAsync(Reference.Replace(":1", $"@{layout.Root.Digest}", StringComparison.Ordinal))));
        await RestartAsync();
        Assert.Equal((0, 3), await CountAsync(() => _skopeo.PushAsync(layout, Reference)));
    }

    // Skopeo says neither size nor digest before the end: parts of 8, 16, and then 32 MiB, and a copy.
    [Theory]
    [InlineData("skopeo")]
    [InlineData("skopeo 1.18")]
    public Task LayerOf100MiB_DigestLast_CostsItsPartsAndThreeMore(string client) => CountPartsAsync(client, 100 * MiB, 5);

    [Fact]
    [Trait("Category", "Long")]
    public Task LayerOf1GiB_DigestLast_CostsItsPartsAndThreeMore() => CountPartsAsync("skopeo", 1L << 30, 34);

    public async ValueTask InitializeAsync()
    {
        await PailCli.Direct.DoAsync("init", $"s3://{_bucket}");
        await RestartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _proxy.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
        _folder.Dispose();
    }

    private async Task CountPartsAsync(string client, long size, int parts)
    {
        _skopeo = ContainerClient.Of(client, _folder);
        var layout = Image(size);
        var pushed = await CountAsync(() => _skopeo.PushAsync(layout, Reference));
        // The layer; the config; the manifest and its tag.
        Assert.Equal(parts + 3 + 1 + 2, pushed.A);
        Assert.True(pushed is { A: <= 40, B: <= 2 }, Told);
        Assert.Equal((0, 1), await CountAsync(() => _skopeo.PullAsync(Reference)));
    }

    private string Told => string.Join('\n', _proxy.Requests);

    // A server that remembers nothing.
    private async Task RestartAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _server = await PailServer.StartAsync(new PailCli(_proxy.Endpoint), [$"s3://{_bucket}", "--log", "off", "--public-endpoint", TestEnvironment.S3.ToString()]);
    }

    private async Task<(int A, int B)> CountAsync(Func<Task> work)
    {
        _proxy.Take();
        await work();
        return (_proxy.Requests.Count(request => request.IsClassA), _proxy.Requests.Count(request => request.IsClassB));
    }

    private TestLayout Image(long bytes)
    {
        var layout = new TestLayout(_folder[Guid.NewGuid().ToString("n")]);
        layout.Tag(layout.Image(bytes: bytes));
        return layout;
    }
}
