using System.Net;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>Where a registry may send us, and what goes along.</summary>
public sealed class OriginTests : IDisposable
{
    private const string Host = "registry.example";

    private readonly RegistryKit _kit = new() { Options = new() { Patience = Eventually.Limit } };
    private readonly MemoryImage _image = MemoryImage.Plain();

    public void Dispose() => _kit.Dispose();

    [Theory]
    [InlineData("https://cdn.example/blob?signature=x", null)]
    [InlineData("/elsewhere", null)]
    [InlineData("https://10.0.0.5/blob", null)]
    [InlineData("file:///etc/passwd", "only http and https")]
    [InlineData("ftp://cdn.example/x", "only http and https")]
    [InlineData("http://cdn.example/blob", "not answered over HTTP")]
    [InlineData("https://user:secret@cdn.example/", "user name")]
    [InlineData("https://127.0.0.1/", "this machine")]
    [InlineData("https://localhost:9000/", "this machine")]
    [InlineData("https://[::1]/", "this machine")]
    [InlineData("https://[::ffff:127.0.0.1]/", "this machine")]
    [InlineData("https://169.254.169.254/latest/meta-data", "network")]
    [InlineData("https://[fe80::1]/", "network")]
    [InlineData("https://0.0.0.0/", "network")]
    [InlineData("", "no address")]
    public void Follow_Address_IsJudged(string named, string? refused)
    {
        var origins = new Origins(new Uri($"https://{Host}/v2/"));
        if (refused is null)
        {
            Assert.Equal(new Uri(new Uri($"https://{Host}/v2/a"), named), origins.Follow(new Uri($"https://{Host}/v2/a"), named, "a redirect"));
            return;
        }
        var error = Assert.Throws<PailException>(() => origins.Follow(new Uri($"https://{Host}/v2/a"), named, "a redirect"));
        Assert.Contains(refused, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Follow_OfALocalRegistry_MayStayLocal()
    {
        var origins = new Origins(new Uri("http://127.0.0.1:5000/v2/"));
        Assert.Equal(9000, origins.Follow(origins.Registry, "http://127.0.0.1:9000/x", "a redirect").Port);
        Assert.Throws<PailException>(() => origins.Follow(origins.Registry, "http://169.254.169.254/x", "a redirect"));
    }

    [Theory]
    [InlineData("http://127.0.0.1:1/secret")]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    public async Task Redirect_ToWhereOnlyWeCanReach_IsNotFollowed(string to)
    {
        // A proxy makes of this server whatever host it is asked for.
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "307 Temporary Redirect", $"Location: {to}\r\n", default));
        Through(server);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host)));
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Equal([$"http://{Host}/v2/team/app/manifests/1"], server.Requests.Select(request => request.Target));
    }

    [Fact]
    public async Task Redirect_ToANameThatLeadsHere_IsNotFollowed()
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", default));
        // One that looks like any other.
        var name = File.ReadLines("/etc/hosts").Select(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words is [var address, _, ..] && IPAddress.TryParse(address, out var ip) && IPAddress.IsLoopback(ip))
            .SelectMany(words => words[1..]).First(name => !new Uri($"http://{name}/").IsLoopback);
        var origins = new Origins(new Uri($"http://{Host}/v2/"));
        var address = origins.Follow(origins.Registry, $"http://{name}:{server.Host.Split(':')[1]}/secret", "a redirect");
        using var connections = new Connections(Host, origins, _kit.Effective);

        var error = await Assert.ThrowsAsync<HttpRequestException>(() => connections.Others.GetAsync(address, TestContext.Current.CancellationToken));

        Assert.Contains("an address of this machine", Assert.IsType<PailException>(error.InnerException).Message, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("cdn.example")]
    [InlineData(Host + ":8080")]
    [InlineData("a." + Host)]
    public async Task Redirect_ToAnotherHost_IsFollowedWithoutTheLogin(string other)
    {
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Target: var target } when target.StartsWith($"http://{other}/", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", "", Blob(request.Path)),
            _ when request["Authorization"] is null => RawServer.WriteAsync(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", default),
            { Path: var path } when path.Contains("/blobs/", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "307 Temporary Redirect", $"Location: http://{other}/{path[(path.LastIndexOf('/') + 1)..]}\r\n", default),
            _ => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes),
        });
        Through(server);
        _kit.LogIn(Host, "whale", "plankton");
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(Host)));
        var elsewhere = server.Requests.Where(request => request.Target.StartsWith($"http://{other}/", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, elsewhere.Count);
        Assert.All(elsewhere, request => Assert.Null(request["Authorization"]));
    }

    [Theory]
    [InlineData("401 Unauthorized", "WWW-Authenticate: Basic realm=\"give it to me\"\r\n")]
    [InlineData("401 Unauthorized", "WWW-Authenticate: Bearer realm=\"http://cdn.example/token\"\r\n")]
    public async Task Challenge_OfAnotherHost_IsNotAnswered(string status, string headers)
    {
        await using var server = new RawServer((request, stream, _) => request.Target.Contains("cdn.example", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, status, headers, default)
            : RawServer.WriteAsync(stream, "302 Found", "Location: http://cdn.example/x\r\n", default));
        Through(server);
        _kit.LogIn(Host, "whale", "plankton");
        Assert.Equal(Failure.Denied, (await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host)))).Failure);
        Assert.All(server.Requests, request => Assert.Null(request["Authorization"]));
        Assert.DoesNotContain(server.Requests, request => request.Target.Contains("token", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("http://realm.example/token")] // unencrypted, and another's
    [InlineData("http://127.0.0.1:1/token")]
    [InlineData("file:///etc/passwd")]
    public async Task Realm_OfAnotherHostUnencrypted_GetsNoLogin(string realm)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "401 Unauthorized", $"WWW-Authenticate: Bearer realm=\"{realm}\",service=\"x\"\r\n", default));
        Through(server);
        _kit.LogIn(Host, "whale", "plankton");
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host)))).Failure);
        Assert.All(server.Requests, request => Assert.Null(request["Authorization"]));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Redirects_InACircle_End()
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "302 Found", "Location: /again\r\n", default));
        Assert.Contains("redirects", (await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(server.Host)))).Message, StringComparison.Ordinal);
        Assert.Equal(6, server.Requests.Count);
    }

    [Fact]
    public async Task Redirect_FromHttpsToHttp_IsNotFollowed()
    {
        var certificates = new TestCertificates(_kit.Folder);
        _kit.Options = _kit.Options with { CaFile = certificates.Authorities };
        await using var victim = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", default));
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "302 Found", $"Location: http://{victim.Host}/\r\n", default), certificates.Issue());
        Assert.Contains("not answered over HTTP", (await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(server.Host)))).Message, StringComparison.Ordinal);
        Assert.Empty(victim.Requests);
    }

    [Fact]
    public async Task Upload_ToAnotherHost_GoesThereWithoutTheLogin()
    {
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Target: var target } when target.Contains("upload.example", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "201 Created", "", default),
            _ when request["Authorization"] is null => RawServer.WriteAsync(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", default),
            { Method: "HEAD" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
            { Method: "POST" } => RawServer.WriteAsync(stream, "202 Accepted", "Location: http://upload.example/here?state=1\r\n", default),
            _ => RawServer.WriteAsync(stream, "201 Created", "", default),
        });
        Through(server);
        _kit.LogIn(Host, "whale", "plankton");
        await RegistryKit.CopyAsync(_image, _kit.Sink(Host));
        var uploads = server.Requests.Where(request => request.Target.Contains("upload.example", StringComparison.Ordinal)).ToList();
        Assert.Equal(3, uploads.Count);
        Assert.All(uploads, request => Assert.Null(request["Authorization"]));
        Assert.All(uploads, request => Assert.StartsWith("http://upload.example/here?state=1&digest=sha256%3A", request.Target, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://127.0.0.1:1/upload")]
    [InlineData("http://169.254.169.254/upload")]
    public async Task Upload_ToWhereOnlyWeCanReach_IsNotSent(string location)
    {
        await using var server = new RawServer((request, stream, _) => request.Method == "HEAD"
            ? RawServer.WriteAsync(stream, "404 Not Found", "", default)
            : RawServer.WriteAsync(stream, "202 Accepted", $"Location: {location}\r\n", default));
        Through(server);
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(_image, _kit.Sink(Host)))).Failure);
        Assert.DoesNotContain(server.Requests, request => request.Method is "PUT" or "PATCH");
    }

    [Fact]
    public async Task DirectUpload_ToWhereOnlyWeCanReach_IsNotSent()
    {
        var image = new MemoryImage();
        image.AddManifest(ImageBuilder.ManifestOf(image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty), [image.Add(new byte[9 << 20], MediaTypes.OciLayerTar)]));
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Method: "GET" } => RawServer.WriteAsync(stream, "200 OK", "Pail-Extensions: direct-upload\r\n", default),
            { Method: "HEAD" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
            { Path: var path } when path.Contains("first=", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", "", "{\"urls\":[\"http://127.0.0.1:1/metadata\"]}"u8.ToArray()),
            { Path: var path } when path.EndsWith("_pail/uploads", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", "", "{\"state\":\"parts\",\"session\":\"/v2/team/app/_pail/uploads/1\"}"u8.ToArray()),
            { Method: "POST" } => RawServer.WriteAsync(stream, "202 Accepted", "Location: /v2/team/app/blobs/uploads/1\r\n", default),
            { Method: "PUT" } => RawServer.WriteAsync(stream, "201 Created", "", default),
            _ => RawServer.WriteAsync(stream, "204 No Content", "", default, length: false),
        });
        Through(server);
        var error = await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(image, _kit.Sink(Host)));
        Assert.Contains("this machine", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(server.Requests, request => request.Target.Contains("metadata", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Blob_ThatIsRedirectedTo_IsThereAndNotSent()
    {
        // Addresses of storage are often signed for GET alone.
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Method: "HEAD", Path: var path } when path.Contains("/blobs/", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "307 Temporary Redirect", "Location: http://cdn.example/signed\r\n", default),
            { Method: "HEAD" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
            _ => RawServer.WriteAsync(stream, "201 Created", "", default),
        });
        var result = await RegistryKit.CopyAsync(_image, _kit.Sink(server.Host));
        Assert.Equal((0, 3), (result.Sent, result.Existed));
        Assert.Equal(["HEAD", "HEAD", "HEAD", "HEAD", "HEAD", "PUT"], server.Requests.Select(request => request.Method));
    }

    [Fact]
    public async Task Upload_Redirected_IsNotFollowed()
    {
        await using var server = new RawServer((request, stream, _) => request.Method == "HEAD"
            ? RawServer.WriteAsync(stream, "404 Not Found", "", default)
            : RawServer.WriteAsync(stream, "307 Temporary Redirect", "Location: /v2/other\r\n", default));
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(_image, _kit.Sink(server.Host)))).Failure);
    }

    [Fact]
    public async Task ClientCertificate_IsShownToTheRegistryOnly()
    {
        var certificates = new TestCertificates(_kit.Folder);
        using var certificate = certificates.Issue();
        await using var other = new RawServer((request, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", Blob(request.Path)), certificate);
        await using var server = new RawServer(
            (request, stream, _) => request.Path.Contains("/blobs/", StringComparison.Ordinal)
                ? RawServer.WriteAsync(stream, "307 Temporary Redirect", $"Location: https://{other.Host}/{request.Path[(request.Path.LastIndexOf('/') + 1)..]}\r\n", default)
                : RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes),
            certificate);
        Directory.CreateDirectory(_kit.Folder["certs"]);
        File.Copy(certificates.Authorities, _kit.Folder["certs/ca.crt"]);
        using (var mine = certificates.Issue("me"))
            certificates.Write(mine, "certs/client");
        _kit.Options = _kit.Options with { CertificateFolder = _kit.Folder["certs"] };

        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
        Assert.All(server.Clients, name => Assert.Equal("CN=me", name));
        Assert.NotEmpty(other.Clients);
        Assert.All(other.Clients, Assert.Null);
    }

    [Theory]
    [InlineData("https://registry.example/", "", true)]
    [InlineData("http://registry.example/", "", false)]
    [InlineData("https://127.0.0.1:5000/", "", false)]
    [InlineData("https://169.254.169.254/latest", "", false)]
    [InlineData("https://[fe80::1]/", "", false)]
    [InlineData("https://169.255.1.1/", "", true)]
    [InlineData("https://a.registry.example/", "registry.example", false)]
    [InlineData("https://aregistry.example/", "registry.example", true)]
    [InlineData("https://registry.example/", ".registry.example", true)]
    [InlineData("https://registry.example:5000/", "registry.example:5000", false)]
    [InlineData("https://registry.example:5001/", "registry.example:5000", true)]
    [InlineData("https://10.1.2.3/", "10.0.0.0/8", false)]
    [InlineData("https://10.1.2.3/", "x, *", false)]
    public void Proxy_FromTheEnvironment_IsTakenAsDockerTakesIt(string address, string except, bool proxied)
    {
        var proxy = new EnvironmentProxy(name => name switch { "HTTPS_PROXY" => "http://user:p%40ss@proxy.example:3128", "no_proxy" => except, _ => null });
        Assert.Equal(proxied, !proxy.IsBypassed(new Uri(address)));
    }

    [Theory]
    [InlineData("HTTPS_PROXY", "proxy.example:3128", "http://proxy.example:3128/")]
    [InlineData("ALL_PROXY", "socks5h://proxy.example:1080", "socks5://proxy.example:1080/")]
    [InlineData("all_proxy", "SOCKS5H://proxy.example:1080", "socks5://proxy.example:1080/")]
    [InlineData("ALL_PROXY", "ftp://proxy.example", null)]
    [InlineData("HTTPS_PROXY", "gopher://proxy.example", null)]
    public void Proxy_AsOtherProgramsTakeIt_IsReadOrNamed(string variable, string value, string? expected)
    {
        string? Read(string name) => name == variable ? value : null;
        if (expected is not null)
            Assert.Equal(new Uri(expected), new EnvironmentProxy(Read).GetProxy(new Uri("https://registry.example/")));
        else
            Assert.Contains($"{variable} is not the address", Assert.Throws<PailException>(() => new EnvironmentProxy(Read).ThrowIfUnusable(new Uri("https://registry.example/"))).Message, StringComparison.Ordinal);
    }

    // One that can't be understood must not mean none, and stops those alone who would use it.
    [Theory]
    [InlineData("ALL_PROXY", "https://registry.example/", true)]
    [InlineData("ALL_PROXY", "http://registry.example/", true)]
    [InlineData("HTTPS_PROXY", "https://registry.example/", true)]
    [InlineData("HTTPS_PROXY", "http://registry.example/", false)]
    [InlineData("ALL_PROXY", "https://127.0.0.1:5000/", false)]
    [InlineData("ALL_PROXY", "http://localhost/", false)]
    [InlineData("ALL_PROXY", "https://here.example/", false)]
    public void Proxy_OfUnknownScheme_StopsOnlyRequestsThatWouldUseIt(string variable, string address, bool stops)
    {
        var proxy = new EnvironmentProxy(name => name == variable ? "weird://proxy.example" : name == "NO_PROXY" ? "here.example" : null);
        if (stops)
            Assert.Contains($"{variable} is not the address of a proxy", Assert.Throws<PailException>(() => proxy.ThrowIfUnusable(new(address))).Message, StringComparison.Ordinal);
        else
            proxy.ThrowIfUnusable(new(address));
        Assert.Equal(stops, !proxy.IsBypassed(new(address)));
    }

    [Fact]
    public void Proxies_FromTheEnvironment_GetTheirOwnLoginsOnly()
    {
        var proxy = new EnvironmentProxy(name => name switch { "HTTPS_PROXY" => "http://user:p%40ss@one.example:3128", "HTTP_PROXY" => "http://two.example:3128", _ => null });
        var login = proxy.Credentials!.GetCredential(new("http://one.example:3128/"), "Basic");
        Assert.Equal(("user", "p@ss"), (login?.UserName, login?.Password));
        Assert.Null(proxy.Credentials.GetCredential(new("http://two.example:3128/"), "Basic"));
        Assert.Null(proxy.Credentials.GetCredential(new("http://one.example:3129/"), "Basic"));
    }

    [Fact]
    public async Task Proxy_ThatWantsALogin_IsDeniedAtOnceAndNamedWithoutIt()
    {
        await using var proxy = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "407 Proxy Authentication Required", "", default));
        _kit["https_proxy"] = $"http://whale:plankton@{proxy.Host}";
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.Contains($"{Host} through the proxy {proxy.Host}: 407", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("plankton", error.Message, StringComparison.Ordinal);
        Assert.Single(proxy.Requests);
    }

    [Fact]
    public async Task Proxy_ThatIsNoHost_IsNamed()
    {
        _kit["https_proxy"] = "http://proxy.invalid:3128";
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host)));
        Assert.Contains($"{Host} through the proxy proxy.invalid:3128", error.Message, StringComparison.Ordinal);
    }

    private void Through(RawServer server)
    {
        _kit["http_proxy"] = $"http://{server.Host}";
        _kit.Options = _kit.Options with { PlainHttp = true };
    }

    private byte[] Blob(string path) => _image.Blobs[Digest.Parse(path[(path.LastIndexOf('/') + 1)..])];
}
