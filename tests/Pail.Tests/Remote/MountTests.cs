using Pail.Tests.Images;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>Blobs that a registry is asked to look for in its other repositories, by the request that begins an upload.</summary>
public sealed class MountTests : IDisposable
{
    private readonly RegistryKit _kit = new();

    public void Dispose() => _kit.Dispose();

    [Fact]
    public async Task Upload_RegistryThatFindsBlobs_IsSentNone()
    {
        await using var server = Server("201 Created\r\nLocation: /v2/team/app/blobs/there");
        var result = await RegistryKit.CopyAsync(RandomImage.Plain(layers: 1), _kit.Sink(server.Host));
        Assert.Equal((0, 2), (result.Sent, result.Copied));
        Assert.Equal(["HEAD", "HEAD", "HEAD", "HEAD", "POST", "POST", "PUT"], server.Requests.Select(request => request.Method).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Upload_RegistryThatBeginsOneInstead_CostsNoMoreRequests()
    {
        await using var server = Server("202 Accepted\r\nLocation: /v2/team/app/blobs/uploads/1");
        var result = await RegistryKit.CopyAsync(RandomImage.Plain(layers: 1), _kit.Sink(server.Host));
        Assert.Equal((2, 0), (result.Sent, result.Copied));
        Assert.Equal(["HEAD", "HEAD", "HEAD", "HEAD", "POST", "POST", "PUT", "PUT", "PUT"], server.Requests.Select(request => request.Method).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Upload_RegistryThatCallsItAnError_IsAskedNoMore()
    {
        await using var server = Server("400 Bad Request");
        await using var sink = _kit.Sink(server.Host);
        foreach (var seed in (int[])[1, 2])
            Assert.Equal(1, (await Copying.RunAsync(RandomImage.Plain(seed, layers: 0), sink)).Sent);
        Assert.Single(server.Requests, request => request.Path.Contains("mount=", StringComparison.Ordinal));
    }

    private static RawServer Server(string toMount) => new((request, stream, _) => request switch
    {
        { Method: "HEAD" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
        { Method: "POST", Path: var path } when path.Contains("mount=sha256%3A", StringComparison.Ordinal) => RawServer.WriteAsync(stream, toMount, "", default),
        { Method: "POST" } => RawServer.WriteAsync(stream, "202 Accepted", "Location: /v2/team/app/blobs/uploads/1\r\n", default),
        _ => RawServer.WriteAsync(stream, "201 Created", "", default),
    });
}
