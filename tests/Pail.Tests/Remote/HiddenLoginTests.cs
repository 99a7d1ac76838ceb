using Pail.Oci;
using Pail.Remote;
using Pail.Tests.Images;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>Registries that do not challenge where they refuse: what is private is hidden, and only <c>/v2/</c> asks for a login.</summary>
public sealed class HiddenLoginTests : IDisposable
{
    private readonly RegistryKit _kit = new();
    private readonly MemoryImage _image = MemoryImage.Plain(layers: 1);

    public void Dispose() => _kit.Dispose();

    [Theory]
    [InlineData("400 Bad Request", "Basic realm=\"Sonatype Nexus\"")]
    [InlineData("403 Forbidden", "Basic realm=\"x\"")]
    [InlineData("404 Not Found", "basic realm=x")]
    [InlineData("404 Not Found", "Negotiate, Basic realm=\"x\"")]
    [InlineData("404 Not Found", "Negotiate abc==, Bearer realm=\"/token\",service=\"x\"")]
    [InlineData("403 Forbidden", "Negotiate\r\nWWW-Authenticate: bearer realm=/token, service=x")]
    [InlineData("404 Not Found", "Basic realm=\"x\", Bearer realm=\"token?a=b\"")]
    [InlineData("401 Unauthorized", "Basic realm=\"x\"")] // and no challenge there
    [InlineData("401 Unauthorized", "Bearer realm=\"/token\"")]
    public async Task Read_LoginIsAskedForAtTheRootAlone_IsRead(string refusal, string challenge)
    {
        await using var server = Server(refusal, challenge);
        _kit.LogIn(server.Host, "whale", "plankton");
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
        Assert.Single(server.Requests, request => request.Path == "/v2/");
        // The manifest twice, each blob once.
        Assert.Equal(4, server.Requests.Count(request => request.Path.StartsWith("/v2/team/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Read_SeveralRepositories_AsksTheRootOnce()
    {
        await using var server = Server("404 Not Found", "Basic realm=\"x\"");
        _kit.LogIn(server.Host, "whale", "plankton");
        var clients = _kit.Clients;
        foreach (var repository in (string[])["team/one", "team/two"])
            await Copying.ReadAsync(new RegistrySource(server.Host, RepositoryName.Parse(repository), Reference.Parse("1"), clients));
        Assert.Single(server.Requests, request => request.Path == "/v2/");
    }

    [Theory]
    [InlineData("400 Bad Request")]
    [InlineData("403 Forbidden")]
    [InlineData("404 Not Found")]
    public async Task Write_LoginIsAskedForAtTheRootAlone_IsWritten(string refusal)
    {
        await using var server = Server(refusal, "Basic realm=\"x\"");
        _kit.LogIn(server.Host, "whale", "plankton");
        Assert.Equal(2, (await RegistryKit.CopyAsync(_image, _kit.Sink(server.Host))).Sent);
        Assert.Single(server.Requests, request => request.Path == "/v2/");
    }

    [Theory]
    [InlineData(false, 1, 0)] // nobody to log in
    [InlineData(true, 1, 1)] // nobody asks
    public async Task Read_WhatIsNotThere_CostsAtMostOneRequestMore(bool hasLogin, int manifests, int roots)
    {
        await using var server = new RawServer((request, stream, _) => RawServer.WriteAsync(stream, request.Path == "/v2/" ? "200 OK" : "404 Not Found", "", default));
        if (hasLogin)
            _kit.LogIn(server.Host, "whale", "plankton");
        Assert.Equal(Failure.NotFound, (await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(server.Host)))).Failure);
        Assert.Equal((manifests, roots), (server.Requests.Count(request => request.Path.Contains("/manifests/", StringComparison.Ordinal)), server.Requests.Count(request => request.Path == "/v2/")));
        Assert.All(server.Requests, request => Assert.Null(request["Authorization"]));
    }

    [Fact]
    public async Task Read_401WithoutAnyChallenge_SaysSo()
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "401 Unauthorized", "", default));
        _kit.LogIn(server.Host, "whale", "plankton");
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(server.Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.Contains("does not say how to log in", error.Message, StringComparison.Ordinal);
        Assert.All(server.Requests, request => Assert.Null(request["Authorization"]));
    }

    [Fact]
    public async Task Read_AnonymousTokenIsRefused_NamesTheLoginThatIsMissing()
    {
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Path: var path } when path.StartsWith("/token", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", "", "{\"token\":\"nobody\"}"u8.ToArray()),
            _ when request["Authorization"] is null => RawServer.WriteAsync(stream, "401 Unauthorized", "WWW-Authenticate: Bearer realm=\"/token\"\r\n", default),
            _ => RawServer.WriteAsync(stream, "403 Forbidden", "", "{\"errors\":[{\"code\":\"DENIED\"}]}"u8.ToArray()),
        });
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(server.Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.Contains($"pail login {server.Host}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"credsStore\":\"is-not-there\"}", "docker-credential-is-not-there")]
    [InlineData("{\"auths\":", "config.json")]
    public async Task Read_LoginsCannotBeRead_IsReadAsAnybodyAndSaid(string config, string warning)
    {
        Directory.CreateDirectory(_kit.Folder[".docker"]);
        await File.WriteAllTextAsync(_kit.Folder[".docker/config.json"], config, TestContext.Current.CancellationToken);
        var warnings = new List<string>();
        _kit.Options = new() { Warn = warnings.Add };
        var closed = false;
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Path: var path } when path.StartsWith("/token", StringComparison.Ordinal) => closed ? RawServer.WriteAsync(stream, "401 Unauthorized", "", default) : RawServer.WriteAsync(stream, "200 OK", "", "{\"token\":\"anybody\"}"u8.ToArray()),
            _ when request["Authorization"] is null => RawServer.WriteAsync(stream, "401 Unauthorized", "WWW-Authenticate: Bearer realm=\"/token\"\r\n", default),
            _ => TellAsync(request, stream),
        });
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
        Assert.Contains(warning, Assert.Single(warnings), StringComparison.Ordinal);

        closed = true;
        Assert.Contains(warning, (await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(server.Host)))).Message, StringComparison.Ordinal);
    }

    private RawServer Server(string refusal, string challenge) => new((request, stream, _) => request switch
    {
        { Path: var path } when path.Contains("/token", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", "", "{\"token\":\"good\"}"u8.ToArray()),
        _ when request["Authorization"] is not ("Bearer good" or "Basic d2hhbGU6cGxhbmt0b24=") => request.Path == "/v2/"
            ? RawServer.WriteAsync(stream, "401 Unauthorized", $"WWW-Authenticate: {challenge}\r\n", default)
            : RawServer.WriteAsync(stream, refusal, "", default),
        { Method: "HEAD" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
        { Method: "POST" } => RawServer.WriteAsync(stream, "202 Accepted", "Location: /v2/team/app/blobs/uploads/1\r\n", default),
        { Method: "PUT" } => RawServer.WriteAsync(stream, "201 Created", "", default),
        _ => TellAsync(request, stream),
    });

    private Task TellAsync(RawRequest request, Stream stream) => request.Path.Contains("/manifests/", StringComparison.Ordinal)
        ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes)
        : RawServer.WriteAsync(stream, "200 OK", "", _image.Blobs[Digest.Parse(request.Path[(request.Path.LastIndexOf('/') + 1)..])]);
}
