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
        var result = await RegistryKit.CopyAsync(MemoryImage.Plain(layers: 1), _kit.Sink(server.Host));
        Assert.Equal((0, 2), (result.Sent, result.Copied));
        Assert.Equal(["HEAD", "HEAD", "HEAD", "HEAD", "POST", "POST", "PUT"], server.Requests.Select(request => request.Method).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Upload_RegistryThatBeginsOneInstead_CostsNoMoreRequests()
    {
        await using var server = Server("202 Accepted\r\nLocation: /v2/team/app/blobs/uploads/1");
        var result = await RegistryKit.CopyAsync(MemoryImage.Plain(layers: 1), _kit.Sink(server.Host));
        Assert.Equal((2, 0), (result.Sent, result.Copied));
        Assert.Equal(["HEAD", "HEAD", "HEAD", "HEAD", "POST", "POST", "PUT", "PUT", "PUT"], server.Requests.Select(request => request.Method).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Upload_RegistryThatCallsItAnError_IsAskedNoMore()
    {
        await using var server = Server("400 Bad Request");
        await using var sink = _kit.Sink(server.Host);
        foreach (var seed in (int[])[1, 2])
            Assert.Equal(1, (await Copying.RunAsync(MemoryImage.Plain(seed, layers: 0), sink)).Sent);
        Assert.Single(server.Requests, request => request.Path.Contains("mount=", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("400 Bad Request", 1)]
    [InlineData("401 Unauthorized", 1)]
    [InlineData("403 Forbidden", 1)]
    [InlineData("404 Not Found", 2)] // it may have another blob
    [InlineData("405 Method Not Allowed", 1)]
    [InlineData("409 Conflict", 1)]
    [InlineData("429 Too Many Requests", 2)]
    [InlineData("500 Internal Server Error", 2)]
    [InlineData("501 Not Implemented", 1)]
    [InlineData("503 Service Unavailable", 2)]
    [InlineData("307 Temporary Redirect\r\nLocation: /elsewhere", 2)]
    [InlineData("200 OK", 2)]
    [InlineData("202 Accepted", 2)]
    [InlineData("202 Accepted\r\nLocation: /v2/team/app/blobs/uploads/2", 2)]
    [InlineData("201 Created\r\nLocation: /v2/team/app/blobs/uploads/2", 2)] // an upload, all the same
    public async Task Mount_NotDone_IsSentInTheUsualWay(string toMount, int mounts)
    {
        await using var server = Server(toMount);
        await using var sink = _kit.Sink(server.Host, mountFrom: "team/base");
        foreach (var seed in (int[])[1, 2])
            Assert.Equal(1, (await Copying.RunAsync(MemoryImage.Plain(seed, layers: 0), sink)).Sent);
        Assert.Equal(mounts, server.Requests.Count(request => request.Path.Contains("from=", StringComparison.Ordinal)));
        Assert.Equal(2, server.Requests.Count(request => request is { Method: "PUT" } && request.Path.Contains("/uploads/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Mount_WithoutALocation_IsDone()
    {
        await using var server = Server("201 Created");
        var result = await RegistryKit.CopyAsync(MemoryImage.Plain(layers: 1), _kit.Sink(server.Host, mountFrom: "team/base"));
        Assert.Equal((0, 2), (result.Sent, result.Copied));
    }

    [Theory]
    [InlineData("401 Unauthorized")]
    [InlineData("403 Forbidden")]
    [InlineData("400 Bad Request")]
    [InlineData("404 Not Found")]
    public async Task Mount_TokenServiceRefusesTheOtherRepository_IsAskedWithoutIt(string refusal)
    {
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Path: var path } when path.StartsWith("/token", StringComparison.Ordinal) => path.Contains("base", StringComparison.Ordinal)
                ? RawServer.WriteAsync(stream, refusal, "", default)
                : RawServer.WriteAsync(stream, "200 OK", "", "{\"token\":\"own\"}"u8.ToArray()),
            _ when request["Authorization"] is null => RawServer.WriteAsync(stream, "401 Unauthorized", "WWW-Authenticate: Bearer realm=\"/token\"\r\n", default),
            { Method: "HEAD" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
            { Method: "POST", Path: var path } when path.Contains("from=", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "401 Unauthorized", "WWW-Authenticate: Bearer realm=\"/token\",scope=\"repository:team/base:pull\",error=\"insufficient_scope\"\r\n", default),
            { Method: "POST" } => RawServer.WriteAsync(stream, "202 Accepted", "Location: /v2/team/app/blobs/uploads/1\r\n", default),
            _ => RawServer.WriteAsync(stream, "201 Created", "", default),
        });
        var result = await RegistryKit.CopyAsync(MemoryImage.Plain(layers: 1), _kit.Sink(server.Host, mountFrom: "team/base"));
        Assert.Equal((2, 0), (result.Sent, result.Copied));
    }

    private static RawServer Server(string toMount) => new((request, stream, _) => request switch
    {
        { Method: "HEAD" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
        { Method: "POST", Path: var path } when path.Contains("mount=sha256%3A", StringComparison.Ordinal) => RawServer.WriteAsync(stream, toMount, "", default),
        { Method: "POST" } => RawServer.WriteAsync(stream, "202 Accepted", "Location: /v2/team/app/blobs/uploads/1\r\n", default),
        _ => RawServer.WriteAsync(stream, "201 Created", "", default),
    });
}
