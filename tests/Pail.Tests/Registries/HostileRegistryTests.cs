using System.Text;
using Pail.Images;
using Pail.Images.Registries;
using Pail.Layouts;
using Pail.Oci;
using Pail.Registry;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Registries;

/// <summary>What a registry may do to us: make us fail, clearly, soon, and with nothing written.</summary>
public sealed class HostileRegistryTests : IDisposable
{
    private readonly RegistryKit _kit = new() { Options = new() { Patience = TimeSpan.FromSeconds(10) } };
    private readonly MemoryImage _image = RandomImage.Plain();
    private long _taken;

    public void Dispose() => _kit.Dispose();

    [Fact]
    public async Task Honest_IsCopied()
    {
        // So that the others fail for the reason they state.
        await using var server = new RawServer(HonestAsync);
        await RegistryKit.CopyAsync(_kit.Source(server.Host), await BucketAsync());
        Assert.NotEmpty(Written());
    }

    [Theory]
    [InlineData("manifests")]
    [InlineData("blobs")]
    public async Task EndlessBody_IsCutOff(string what)
    {
        await using var server = new RawServer((request, stream, cancel) => request.Path.Contains(what, StringComparison.Ordinal) ? EndlessAsync(stream, "200 OK", cancel) : HonestAsync(request, stream, cancel));
        await FailsAsync(server, Failure.BadContent, what == "manifests" ? "more than the 4194304 bytes" : "not what their digest says");
    }

    [Fact]
    public async Task EndlessError_IsCutOff()
    {
        await using var server = new RawServer((_, stream, cancel) => EndlessAsync(stream, "404 Not Found", cancel));
        await FailsAsync(server, Failure.NotFound, "404");
    }

    [Fact]
    public async Task EndlessToken_IsCutOff()
    {
        RawServer? self = null;
        await using var server = self = new RawServer((request, stream, cancel) => request.Path.StartsWith("/token", StringComparison.Ordinal) ? EndlessAsync(stream, "200 OK", cancel) : ChallengeAsync(stream, $"http://{self!.Host}/token"));
        await FailsAsync(server, Failure.BadContent, "more than the");
    }

    [Theory]
    [InlineData("{\"token\":\"a b\"}", "without a token")]
    [InlineData("{\"token\":\"a\\r\\nX-Evil: 1\"}", "without a token")]
    [InlineData("{}", "without a token")]
    [InlineData("[]", "no JSON")]
    [InlineData("", "no JSON")]
    public async Task BadToken_IsRefused(string answer, string says)
    {
        RawServer? self = null;
        await using var server = self = new RawServer((request, stream, _) => request.Path.StartsWith("/token", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes(answer))
            : ChallengeAsync(stream, $"http://{self!.Host}/token"));
        await FailsAsync(server, Failure.BadContent, says);
    }

    [Theory]
    [InlineData(-1, Failure.BadContent)]
    [InlineData(1, Failure.BadContent)]
    [InlineData(1 << 30, Failure.BadContent)]
    public async Task WrongLength_OfABlob_IsRefused(int more, Failure failure)
    {
        await using var server = new RawServer((request, stream, cancel) => request.Path.Contains("/blobs/", StringComparison.Ordinal)
            ? stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Blob(request).Length + more}\r\nConnection: close\r\n\r\n"), cancel).AsTask()
            : HonestAsync(request, stream, cancel));
        await FailsAsync(server, failure, "announces");
    }

    [Fact]
    public async Task BodyThatAlwaysEndsEarly_IsGivenUp()
    {
        // A byte at a time is progress each time, and must not go on for ever.
        await using var server = new RawServer((request, stream, cancel) =>
        {
            if (!request.Path.Contains("/blobs/", StringComparison.Ordinal))
                return HonestAsync(request, stream, cancel);
            var from = request["Range"] is { } range ? int.Parse(range["bytes=".Length..].Split('-')[0]) : 0;
            var blob = Blob(request);
            return stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {(from == 0 ? "200 OK" : $"206 Partial Content\r\nContent-Range: bytes {from}-{blob.Length - 1}/{blob.Length}")}\r\nContent-Length: {blob.Length - from}\r\nConnection: close\r\n\r\n{(char)blob[from]}"), cancel).AsTask();
        });
        await FailsAsync(server, Failure.Unavailable, "too often");
        Assert.InRange(server.Requests.Count, 5, 60);
    }

    [Fact]
    public async Task SlowDrip_IsGivenUp()
    {
        // Never still for so long, but slower than any line.
        _kit.Options = new() { Patience = TimeSpan.FromSeconds(1), SlowestRate = 1 << 20 };
        await using var server = new RawServer(async (request, stream, cancel) =>
        {
            if (!request.Path.Contains("/blobs/", StringComparison.Ordinal))
            {
                await HonestAsync(request, stream, cancel);
                return;
            }
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Blob(request).Length}\r\n\r\n"), cancel);
            foreach (var one in Blob(request))
            {
                await stream.WriteAsync(new[] { one }, cancel);
                await stream.FlushAsync(cancel);
                await Task.Delay(20, cancel);
            }
        });
        await FailsAsync(server, Failure.Unavailable, "drip");
    }

    [Fact]
    public async Task Silence_IsGivenUp()
    {
        _kit.Options = new() { Patience = TimeSpan.FromMilliseconds(300) };
        await using var server = new RawServer((_, _, cancel) => Task.Delay(Timeout.Infinite, cancel));
        await FailsAsync(server, Failure.Unavailable, "nothing moved");
    }

    [Theory]
    [InlineData("X-Flood: ", 2000)]
    [InlineData("WWW-Authenticate: Bearer realm=", 2000)]
    public async Task HeaderFlood_IsCutOff(string header, int lines)
    {
        await using var server = new RawServer(async (_, stream, cancel) =>
        {
            await stream.WriteAsync("HTTP/1.1 401 Unauthorized\r\n"u8.ToArray(), cancel);
            for (var i = 0; i < lines; i++)
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"{header}{new string('x', 1000)}\r\n"), cancel);
        });
        await FailsAsync(server, Failure.BadContent, "no HTTP that can be used");
    }

    [Fact]
    public async Task Gzip_Unasked_IsNotUnpacked()
    {
        await using var server = new RawServer((request, stream, cancel) => request.Path.Contains("/manifests/", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", "Content-Encoding: gzip\r\n", RandomImage.Gzip(new byte[100 << 20]))
            : HonestAsync(request, stream, cancel));
        await FailsAsync(server, Failure.BadContent, "encoding gzip");
    }

    [Fact]
    public async Task DigestSwap_BetweenTagAndBytes_IsFound()
    {
        var other = RandomImage.Plain(seed: 9).Root!;
        await using var server = new RawServer((request, stream, cancel) => request.Path.Contains("/manifests/", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\nDocker-Content-Digest: {other.Digest}\r\n", _image.Root!.Bytes)
            : HonestAsync(request, stream, cancel));
        await FailsAsync(server, Failure.BadContent, other.Digest.ToString());
        await FailsAsync(server, Failure.BadContent, other.Digest.ToString(), reference: other.Digest.ToString());
    }

    [Fact]
    public async Task DigestSwap_OfABlob_IsFound()
    {
        await using var server = new RawServer((request, stream, cancel) => request.Path.Contains("/blobs/", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", "", new byte[Blob(request).Length])
            : HonestAsync(request, stream, cancel));
        await FailsAsync(server, Failure.BadContent, "not what their digest says");
    }

    [Fact]
    public async Task DeepIndexes_EndSomewhere()
    {
        // 10,000 indexes, each in the next.
        var manifests = new Dictionary<string, Manifest>();
        var inner = _image.Root!;
        for (var i = 0; i < 10_000; i++)
        {
            inner = Manifest.Parse(Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{RandomImage.Json(inner.Descriptor)}}]}"""));
            manifests[inner.Digest.ToString()] = inner;
        }
        await using var server = new RawServer((request, stream, cancel) =>
            request.Path.Contains("/manifests/", StringComparison.Ordinal) && (request.Path.EndsWith("/1", StringComparison.Ordinal) ? inner : manifests.GetValueOrDefault(request.Path[(request.Path.LastIndexOf('/') + 1)..])) is { } index
                ? RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {index.MediaType}\r\n", index.Bytes)
                : HonestAsync(request, stream, cancel));
        await FailsAsync(server, Failure.BadContent, "nested more than 16 deep");
        Assert.InRange(server.Requests.Count, 1, 20);
    }

    [Theory]
    [InlineData("{\"schemaVersion\":1,\"name\":\"team/app\",\"fsLayers\":[]}", "application/vnd.docker.distribution.manifest.v1+prettyjws", "schema 1")]
    [InlineData("{\"schemaVersion\":1,\"name\":\"team/app\",\"fsLayers\":[]}", "application/json", "schema 1")]
    [InlineData("{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x\",\"size\":1,\"digest\":\"sha256:../../../etc/passwd\"},\"layers\":[]}", "application/vnd.oci.image.manifest.v1+json", "not a digest")]
    [InlineData("<html>", "text/html", "")]
    public async Task StrangeManifest_IsRefused(string manifest, string type, string says)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {type}\r\n", Encoding.UTF8.GetBytes(manifest)));
        await FailsAsync(server, Failure.BadContent, says);
    }

    [Theory]
    [InlineData("[\"../../etc/passwd\"]", "no tag")]
    [InlineData("[\"a\\u001b[2Jb\"]", "no tag")]
    [InlineData("{", "no JSON")]
    public async Task StrangeTags_AreRefused(string tags, string says)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes($"{{\"tags\":{tags}}}")));
        await TagsFailAsync(server, says);
    }

    [Theory]
    [InlineData("</v2/team/app/tags/list?n=1000>; rel=\"next\"", "pages without end")]
    [InlineData("<https://elsewhere.example/v2/team/app/tags/list>; rel=\"next\"", "on another host")]
    [InlineData("<file:///etc/passwd>; rel=\"next\"", "leads to a file")]
    public async Task StrangePages_AreNotFollowed(string link, string says)
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "200 OK", $"Link: {link}\r\n", "{\"tags\":[\"1\"]}"u8.ToArray()));
        await TagsFailAsync(server, says);
        Assert.InRange(server.Requests.Count, 1, 2);
    }

    private async Task TagsFailAsync(RawServer server, string says)
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => RegistryTags.ListAsync(server.Host, RepositoryName.Parse("team/app"), _kit.Clients).ToListAsync().AsTask());
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', error.Message);
    }

    private async Task FailsAsync(RawServer server, Failure failure, string says, string reference = "1")
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(async () => await RegistryKit.CopyAsync(_kit.Source(server.Host, reference: reference), await BucketAsync()));
        Assert.Equal(failure, error.Failure);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Written(), path => path.Contains("/manifests/", StringComparison.Ordinal));
        // What was taken of bodies without end; sockets hold some of it.
        Assert.InRange(Interlocked.Read(ref _taken), 0, 32 << 20);
    }

    private async Task<BucketSink> BucketAsync()
    {
        Directory.CreateDirectory(_kit.Folder["bucket"]);
        var registry = await BucketRegistry.InitAsync(new FolderStore(_kit.Folder["bucket"], new RequestMeter()), _kit.Engine, LayoutKind.V2, null, default);
        return new BucketSink(registry, RepositoryName.Parse("team/app"), Reference.Parse("1"));
    }

    private IEnumerable<string> Written() => Directory.Exists(_kit.Folder["bucket"]) ? Directory.EnumerateFiles(_kit.Folder["bucket"], "*", SearchOption.AllDirectories).Where(path => path.Contains("/team/app/", StringComparison.Ordinal)) : [];

    private byte[] Blob(RawRequest request) => _image.Blobs[Digest.Parse(request.Path[(request.Path.LastIndexOf('/') + 1)..])];

    private Task HonestAsync(RawRequest request, Stream stream, CancellationToken cancel) => request.Path.Contains("/blobs/", StringComparison.Ordinal)
        ? RawServer.WriteAsync(stream, "200 OK", "", Blob(request))
        : RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {_image.Root!.MediaType}\r\n", _image.Root.Bytes);

    private static Task ChallengeAsync(Stream stream, string realm) => RawServer.WriteAsync(stream, "401 Unauthorized", $"WWW-Authenticate: Bearer realm=\"{realm}\",service=\"x\"\r\n", default);

    private async Task EndlessAsync(Stream stream, string status, CancellationToken cancel)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: {MediaTypes.OciManifest}\r\nConnection: close\r\n\r\n"), cancel);
        var chunk = new byte[64 << 10];
        while (true)
        {
            await stream.WriteAsync(chunk, cancel);
            Interlocked.Add(ref _taken, chunk.Length);
        }
    }
}
