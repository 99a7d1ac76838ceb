using System.Collections.Concurrent;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>Registries that say what they mean by another status or header than the specification's, or leave it out.</summary>
public sealed class OddStatusTests : IDisposable
{
    private readonly RegistryKit _kit = new();
    private readonly MemoryImage _image = MemoryImage.Plain(layers: 1);

    public void Dispose() => _kit.Dispose();

    [Theory]
    [InlineData("202 Accepted", "201 Created", "202 Accepted")] // Quay's manifests
    [InlineData("200 OK", "200 OK", "200 OK")]
    [InlineData("201 Created", "204 No Content", "204 No Content")]
    [InlineData("204 No Content", "202 Accepted", "201 Created")]
    public async Task Write_AnySuccess_IsSuccess(string toPost, string toBlob, string toManifest)
    {
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Method: "HEAD" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
            { Method: "POST" } => RawServer.WriteAsync(stream, toPost, "Location: /v2/team/app/blobs/uploads/1\r\n", default, length: false),
            { Path: var path } => RawServer.WriteAsync(stream, path.Contains("/manifests/", StringComparison.Ordinal) ? toManifest : toBlob, "", default, length: false),
        });
        Assert.Equal(2, (await RegistryKit.CopyAsync(_image, _kit.Sink(server.Host))).Sent);
        Assert.Equal(3, server.Requests.Count(request => request.Method == "PUT"));
    }

    // The bucket behind a server, with Object Lock: each part needs a checksum, and so does one that goes past the server.
    [Theory]
    [InlineData("<Error><Code>InvalidRequest</Code><Message>Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests with Object Lock parameters</Message></Error>")]
    [InlineData("<Error><Code>MissingContentMD5</Code></Error>")]
    public async Task DirectUpload_WhereTheBucketWantsContentMd5_SendsIt(string refusal)
    {
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Method: "POST" } => RawServer.WriteAsync(stream, "200 OK", "", "{\"urls\":[\"/part\",\"/part\"]}"u8.ToArray()),
            _ when request["Content-MD5"] == (request.Body.AsSpan().SequenceEqual("one"u8) ? "+XxdKZQb+xsv2rCHSQargg==" : "uKn3Fdu2T9XFbneDxoIKYQ==") => RawServer.WriteAsync(stream, "200 OK", "ETag: \"e\"\r\n", default),
            _ => RawServer.WriteAsync(stream, "400 Bad Request", "Content-Type: application/xml\r\n", System.Text.Encoding.ASCII.GetBytes(refusal)),
        });
        using var client = new Pail.Remote.RegistryClient(server.Host, RepositoryName.Parse("team/app"), "pull,push", _kit.Effective);
        var store = new Pail.Remote.DirectBlobStore(client, _image.Root!.Layers[0]);

        Assert.Equal("e", await store.UploadPartAsync(new("key", "/v2/team/app/_pail/uploads/1"), 1, 0, new("one"u8.ToArray()), default));
        Assert.Equal("e", await store.UploadPartAsync(new("key", "/v2/team/app/_pail/uploads/1"), 2, 3, new("two"u8.ToArray()), default));

        // Refused once, and sent with it from then on.
        Assert.Equal(3, server.Requests.Count(request => request.Method == "PUT"));
    }

    [Theory]
    [InlineData("application/vnd.oci.artifact.manifest.v1+json")]
    [InlineData("application/vnd.docker.distribution.manifest.v1+prettyjws")]
    [InlineData("application/octet-stream")]
    public async Task Copy_ReferrerOfUnknownType_IsTold(string type)
    {
        var list = System.Text.Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{"mediaType":"{{type}}","digest":"{{Digest.Of("{}"u8)}}","size":2}]}""");
        await using var server = new RawServer((request, stream, _) => request.Path switch
        {
            "/v2/team/app/manifests/1" => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes),
            var path when path.Contains("/referrers/", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciIndex}\r\n", list),
            var path when path.Contains("/blobs/", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", "", _image.Blobs[Digest.Parse(path[(path.LastIndexOf('/') + 1)..])]),
            _ => RawServer.WriteAsync(stream, "404 Not Found", "", default),
        });
        await using var source = _kit.Source(server.Host);
        await using var sink = new Pail.OciLayout.OciLayoutSink(_kit.Folder["layout"], "1");

        var result = await Pail.Copy.ImageCopy.RunAsync(source, sink, new(Referrers: true), Pail.Io.NoProgress.Instance, default);

        Assert.Equal([type], result.UnknownReferrers);
        Assert.Equal(0, result.Referrers);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Write_TagBesideADigest_IsWrittenIfTheDigestIsRight(bool isRight)
    {
        await using var server = new RawServer((request, stream, _) => request.Method == "HEAD"
            ? RawServer.WriteAsync(stream, request.Path.Contains("/blobs/", StringComparison.Ordinal) ? "200 OK" : "404 Not Found", "", default, length: false)
            : RawServer.WriteAsync(stream, "201 Created", "", default));
        var sink = new Pail.Remote.RegistrySink(server.Host, RepositoryName.Parse("team/app"), Reference.Parse("v1"), _kit.Clients) { Expected = isRight ? _image.Root!.Digest : Digest.Of("other"u8) };

        if (isRight)
            await RegistryKit.CopyAsync(_image, sink);
        else
            Assert.Equal(Failure.BadInput, (await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(_image, sink))).Failure);

        Assert.Equal(isRight ? ["/v2/team/app/manifests/v1"] : [], server.Requests.Where(request => request.Method is "PUT" or "POST").Select(request => request.Path));
    }

    // A registry over several machines that does not see yet, everywhere, what was sent a moment ago.
    [Theory]
    [InlineData("MANIFEST_BLOB_UNKNOWN", "404 Not Found", 1, true)]
    [InlineData("MANIFEST_BLOB_UNKNOWN", "400 Bad Request", 2, true)]
    [InlineData("BLOB_UNKNOWN", "400 Bad Request", 1, true)]
    [InlineData("MANIFEST_BLOB_UNKNOWN", "400 Bad Request", 99, false)]
    [InlineData("MANIFEST_INVALID", "400 Bad Request", 1, false)]
    public async Task Write_BlobsNotKnownYet_AreWaitedFor(string code, string status, int times, bool succeeds)
    {
        var refused = 0;
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Method: "HEAD" } => RawServer.WriteAsync(stream, request.Path.Contains("/blobs/", StringComparison.Ordinal) ? "200 OK" : "404 Not Found", "", default, length: false),
            { Method: "PUT" } when refused++ < times => RawServer.WriteAsync(stream, status, "", System.Text.Encoding.ASCII.GetBytes($"{{\"errors\":[{{\"code\":\"{code}\"}}]}}")),
            _ => RawServer.WriteAsync(stream, "201 Created", "", default),
        });
        var copy = RegistryKit.CopyAsync(MemoryImage.Plain(layers: 0), _kit.Sink(server.Host));

        if (succeeds)
            await copy;
        else
            Assert.Contains(code, (await Assert.ThrowsAnyAsync<PailException>(() => copy)).Message, StringComparison.Ordinal);
        Assert.Equal(succeeds ? times + 1 : code == "MANIFEST_INVALID" ? 1 : 3, server.Requests.Count(request => request.Method == "PUT"));
    }

    // Docker Hub: a token that its own realm gave a moment ago. Of one that lacks something, or is refused again, it is said.
    [Theory]
    [InlineData("invalid_token", 1, true)]
    [InlineData("invalid_token", 2, false)]
    [InlineData("insufficient_scope", 2, false)]
    public async Task Read_FreshTokenRefusedOnce_IsAskedForAgain(string error, int times, bool succeeds)
    {
        var (tokens, refused) = (0, 0);
        await using var server = new RawServer((request, stream, _) =>
        {
            var challenge = $"WWW-Authenticate: Bearer realm=\"http://{request["Host"]}/token\",service=\"s\"";
            return request switch
            {
                { Path: ['/', 't', ..] } => RawServer.WriteAsync(stream, "200 OK", "", System.Text.Encoding.ASCII.GetBytes($"{{\"token\":\"t{tokens++}\"}}")),
                _ when request["Authorization"] is null => RawServer.WriteAsync(stream, "401 Unauthorized", challenge + "\r\n", default),
                _ when refused++ < times => RawServer.WriteAsync(stream, "401 Unauthorized", $"{challenge},error=\"{error}\"\r\n", default),
                _ => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes),
            };
        });
        await using var source = _kit.Source(server.Host);

        if (succeeds)
            Assert.Equal(_image.Root!.Digest, (await source.GetRootAsync(default)).Digest);
        else
            Assert.Equal(Failure.Denied, (await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(default))).Failure);
        Assert.Equal(2, tokens);
    }

    // What a digest proves goes before the type that another wrote beside it: skopeo, Harbor and Nexus have typed OCI bodies as Docker's.
    [Theory]
    [InlineData(MediaTypes.DockerManifest)]
    [InlineData("application/json")]
    [InlineData("text/plain")]
    public async Task Read_TypeBesideADigest_GivesWayToTheBodysOwn(string mediaType)
    {
        await using var server = new RawServer((request, stream, _) => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {mediaType}\r\n", _image.Root!.Bytes));
        await using var source = _kit.Source(server.Host, reference: _image.Root!.Digest.ToString());

        Assert.Equal(MediaTypes.OciManifest, (await source.GetRootAsync(default)).MediaType);
        Assert.Equal(MediaTypes.OciManifest, (await source.GetManifestAsync(_image.Root.Descriptor with { MediaType = mediaType }, default)).MediaType);
    }

    [Theory]
    [InlineData("Location: /v2/team/app/blobs/uploads/1", "/v2/team/app/blobs/uploads/1?digest=")]
    [InlineData("Location: 1", "/v2/team/app/blobs/uploads/1?digest=")]
    [InlineData("Location: /up?state=a%2Fb%3D", "/up?state=a%2Fb%3D&digest=")]
    [InlineData("Location: /up?", "/up?digest=")]
    [InlineData("Location: \r\nDocker-Upload-UUID: one", "/v2/team/app/blobs/uploads/one?digest=")]
    [InlineData("Docker-Upload-UUID: one", "/v2/team/app/blobs/uploads/one?digest=")]
    public async Task Write_PlaceOfAnUpload_IsFound(string header, string expected)
    {
        await using var server = new RawServer((request, stream, _) => request.Method switch
        {
            "HEAD" => RawServer.WriteAsync(stream, "404 Not Found", "", default),
            "POST" => RawServer.WriteAsync(stream, "202 Accepted", $"{header}\r\n", default),
            _ => RawServer.WriteAsync(stream, "201 Created", "", default),
        });
        await RegistryKit.CopyAsync(_image, _kit.Sink(server.Host));
        Assert.Equal(2, server.Requests.Count(request => request.Method == "PUT" && request.Path.StartsWith(expected, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("http://registry.example/up", "https://registry.example/up")]
    [InlineData("http://registry.example:443/up?a=%3D", "https://registry.example/up?a=%3D")]
    [InlineData("http://registry.example:8080/up", null)]
    [InlineData("http://other.example/up", null)]
    public void Follow_OwnHostWithoutEncryption_StaysEncrypted(string named, string? expected)
    {
        var origins = new Pail.Remote.Http.Origins(new Uri("https://registry.example/v2/"));
        if (expected is null)
            Assert.Throws<PailException>(() => origins.Follow(origins.Registry, named, "it"));
        else
            Assert.Equal(expected, origins.Follow(origins.Registry, named, "it").AbsoluteUri);
    }

    [Theory]
    [InlineData("405 Method Not Allowed", true, 0)]
    [InlineData("403 Forbidden", true, 0)]
    [InlineData("400 Bad Request", true, 0)]
    [InlineData("501 Not Implemented", true, 0)]
    [InlineData("405 Method Not Allowed", false, 2)] // GET is refused too: not known to be there
    [InlineData("403 Forbidden", false, 2)]
    public async Task Write_HeadIsRefused_AsksWithGet(string refusal, bool mayGet, int sent)
    {
        await using var server = new RawServer((request, stream, _) => request.Method switch
        {
            "HEAD" => RawServer.WriteAsync(stream, refusal, "", default),
            "GET" => mayGet ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes) : RawServer.WriteAsync(stream, refusal, "", default),
            "POST" => RawServer.WriteAsync(stream, "202 Accepted", "Location: /v2/team/app/blobs/uploads/1\r\n", default),
            _ => RawServer.WriteAsync(stream, "201 Created", "", default),
        });
        var result = await RegistryKit.CopyAsync(_image, _kit.Sink(server.Host));
        Assert.Equal((mayGet, sent), (result.Unchanged, result.Sent));
        // By its tag, and where that does not say, by its digest.
        Assert.Equal(mayGet ? 1 : 2, server.Requests.Count(request => request.Method == "GET"));
    }

    [Theory]
    [InlineData("Content-Length: 0\r\n", 0)] // what is left where a body was
    [InlineData("", 0)]
    [InlineData("Content-Length: 1\r\n", 2)] // another blob
    public async Task Write_HeadOfABlob_WithoutItsSizeIsAnAnswer(string length, int sent)
    {
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Method: "HEAD", Path: var path } when path.Contains("/blobs/", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", length, default, length: false),
            { Method: "HEAD" } => RawServer.WriteAsync(stream, "404 Not Found", "", default),
            { Method: "POST" } => RawServer.WriteAsync(stream, "202 Accepted", "Location: /v2/team/app/blobs/uploads/1\r\n", default),
            _ => RawServer.WriteAsync(stream, "201 Created", "", default),
        });
        Assert.Equal(sent, (await RegistryKit.CopyAsync(_image, _kit.Sink(server.Host))).Sent);
    }

    [Theory]
    [InlineData("Content-Type: text/plain; charset=utf-8\r\n")]
    [InlineData("Content-Type: application/json\r\n")]
    [InlineData("Content-Type: binary/octet-stream\r\n")]
    [InlineData("Content-Type: application/vnd.docker.distribution.manifest.v2+json\r\n")] // for whatever it is
    [InlineData("")]
    [InlineData("Docker-Content-Digest: \r\n")]
    [InlineData("Docker-Content-Digest: none\r\n")]
    public async Task Read_ManifestOfNoStatedTypeOrDigest_SaysItself(string headers)
    {
        await using var server = new RawServer((request, stream, _) => request.Path.Contains("/manifests/", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", headers, _image.Root!.Bytes)
            : RawServer.WriteAsync(stream, "200 OK", "", Blob(request)));
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
    }

    [Theory]
    [InlineData("x-gzip")]
    [InlineData("gzip")]
    public async Task Read_BlobWithAGuessedEncoding_IsTakenAsItComes(string encoding)
    {
        await using var server = new RawServer((request, stream, _) => request.Path.Contains("/manifests/", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes)
            : RawServer.WriteAsync(stream, "200 OK", $"Content-Encoding: {encoding}\r\n", Blob(request)));
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
    }

    [Theory]
    [InlineData("400 Bad Request")]
    [InlineData("416 Range Not Satisfiable")]
    [InlineData("501 Not Implemented")]
    [InlineData("206 Partial Content")] // of which bytes, it does not say
    public async Task Read_RangesAreRefused_TakesTheWhole(string status)
    {
        var image = new MemoryImage();
        image.AddManifest(ImageBuilder.ManifestOf(image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty), [image.Add(ImageBytes.Bytes(new Random(9), 10 << 20), MediaTypes.OciLayerTar)]));
        await using var server = new RawServer((request, stream, _) => request switch
        {
            { Path: var path } when path.Contains("/manifests/", StringComparison.Ordinal) => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", image.Root!.Bytes),
            _ when request["Range"] is not null => RawServer.WriteAsync(stream, status, "", default),
            _ => RawServer.WriteAsync(stream, "200 OK", "", image.Blobs[Digest.Parse(request.Path[(request.Path.LastIndexOf('/') + 1)..])]),
        });
        MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(server.Host)));
        Assert.Single(server.Requests, request => request["Range"] is not null);
    }

    [Theory]
    [InlineData("201 Created")]
    [InlineData("203 Non-Authoritative Information")]
    [InlineData("206 Partial Content")] // though no range was asked for
    public async Task Read_AnySuccess_IsSuccess(string status)
    {
        await using var server = new RawServer((request, stream, _) => request.Path.Contains("/manifests/", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, status, $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes)
            : RawServer.WriteAsync(stream, status, "", Blob(request)));
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
    }

    [Fact]
    public async Task Write_ProxyThatKnowsNoExpect_IsSentTheBodyWithout()
    {
        var image = new MemoryImage();
        image.AddManifest(ImageBuilder.ManifestOf(image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty), [image.Add(ImageBytes.Bytes(new Random(9), 2 << 20), MediaTypes.OciLayerTar)]));
        var stored = new ConcurrentBag<int>();
        await using var server = new RawServer((request, stream, _) =>
        {
            if (request["Expect"] is not null)
                return RawServer.WriteAsync(stream, "417 Expectation Failed", "", default);
            if (request.Method == "PUT")
                stored.Add(request.Body.Length);
            return request.Method switch
            {
                "HEAD" => RawServer.WriteAsync(stream, "404 Not Found", "", default),
                "POST" => RawServer.WriteAsync(stream, "202 Accepted", "Location: /v2/team/app/blobs/uploads/1\r\n", default),
                _ => RawServer.WriteAsync(stream, "201 Created", "", default),
            };
        });
        await RegistryKit.CopyAsync(image, _kit.Sink(server.Host));
        Assert.Contains(2 << 20, stored);
        Assert.Single(server.Requests, request => request["Expect"] is not null);
    }

    [Theory]
    [InlineData("404 Not Found")]
    [InlineData("405 Method Not Allowed")]
    [InlineData("406 Not Acceptable")]
    [InlineData("501 Not Implemented")]
    public async Task Referrers_TagThatNamesTheSubjectItself_IsNoList(string toReferrers)
    {
        // GitLab takes the tag sha256-HEX for the digest.
        var index = MemoryImage.Index();
        await using var server = new RawServer((request, stream, _) => request.Path.Contains("/manifests/sha256-", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciIndex}\r\n", index.Root!.Bytes)
            : RawServer.WriteAsync(stream, toReferrers, "", default));
        await using var source = _kit.Source(server.Host);
        Assert.Empty(await source.ListReferrersAsync(index.Root!.Digest, TestContext.Current.CancellationToken));
    }

    private byte[] Blob(RawRequest request) => _image.Blobs[Digest.Parse(request.Path[(request.Path.LastIndexOf('/') + 1)..])];
}
