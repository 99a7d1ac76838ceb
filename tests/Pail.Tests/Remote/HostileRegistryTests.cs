using System.Text;
using Microsoft.Extensions.Time.Testing;
using Pail.Oci;
using Pail.Remote;
using Pail.Tests.Images;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>What a registry may do to us: make us fail, clearly, soon, and with nothing written.</summary>
public sealed class HostileRegistryTests : HostileBench
{
    [Fact]
    public async Task Honest_IsCopied()
    {
        // So that the others fail for the reason they state.
        await using var server = new RawServer(HonestAsync);
        await RegistryKit.CopyAsync(Kit.Source(server.Host), await BucketAsync());
        Assert.NotEmpty(Written());
    }

    [Theory]
    [InlineData("manifests", "more than the 4194304 bytes")]
    [InlineData("blobs", "not what their digest says")]
    [InlineData("token", "more than the 1048576 bytes")]
    public async Task EndlessBody_IsCutOff(string what, string says)
    {
        await using var server = Server(what, (_, stream, cancel) => EndlessAsync(stream, "200 OK", cancel));
        await FailsAsync(server, Failure.BadContent, says);
    }

    [Fact]
    public async Task EndlessError_IsCutOff()
    {
        await using var server = new RawServer((_, stream, cancel) => EndlessAsync(stream, "404 Not Found", cancel));
        await FailsAsync(server, Failure.NotFound, "404");
    }

    [Fact]
    public async Task EndlessLists_AreCutOff()
    {
        await using var server = new RawServer((_, stream, cancel) => EndlessAsync(stream, "200 OK", cancel, MediaTypes.OciIndex));
        await using var source = Kit.Source(server.Host);
        foreach (var (list, most) in (IEnumerable<(Func<Task>, int)>)
        [
            (() => RegistryTags.ListAsync(server.Host, RepositoryName.Parse("team/app"), Kit.Clients).ToListAsync().AsTask(), 8 << 20),
            (() => source.ListReferrersAsync(Image.Root!.Digest, TestContext.Current.CancellationToken), 4 << 20),
        ])
        {
            var error = await Assert.ThrowsAnyAsync<PailException>(list);
            Assert.Equal(Failure.BadContent, error.Failure);
            Assert.Contains($"more than the {most} bytes", error.Message, StringComparison.Ordinal);
        }
        AssertBounded();
    }

    [Fact]
    public async Task EndlessManifestAtTheDestination_IsAsGoodAsNone()
    {
        // What the tag names there is read only to find out what need not be sent.
        await using var server = new RawServer((request, stream, cancel) => request.Method == "GET"
            ? EndlessAsync(stream, "200 OK", cancel)
            : RawServer.WriteAsync(stream, "404 Not Found", "", default));
        await using var sink = Kit.Sink(server.Host);
        Assert.Null(await sink.GetNamedAsync(TestContext.Current.CancellationToken));
        Assert.Null(await sink.FindLayerAsync(Image.Root!.Digest, Pail.Compression.CompressionKind.Gzip, TestContext.Current.CancellationToken));
        AssertBounded();
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

    [Theory]
    [InlineData(-1, Failure.BadContent, "can't be used")]
    [InlineData(1, Failure.Unavailable, "the connection broke after")]
    [InlineData(1 << 30, Failure.BadContent, "more than the 4194304 bytes")]
    public async Task WrongLength_OfAManifest_IsRefused(int more, Failure failure, string says)
    {
        await using var server = Server("manifests", async (_, stream, cancel) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: {MediaTypes.OciManifest}\r\nContent-Length: {Image.Root!.Size + more}\r\nConnection: close\r\n\r\n"), cancel);
            await stream.WriteAsync(Image.Root.Bytes, cancel);
        });
        await FailsAsync(server, failure, says);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    [InlineData(1L << 40)]
    public async Task WrongLength_InTheManifest_IsFound(long more)
    {
        // The blobs are as they are; what the manifest says of one is a lie.
        var layer = Image.Root!.Layers[0];
        var manifest = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Image.Root.Bytes.Span).Replace($"\"size\":{layer.Size}}}", $"\"size\":{layer.Size + more}}}", StringComparison.Ordinal));
        Assert.NotEqual(Image.Root.Bytes.ToArray(), manifest);
        await using var server = Server("manifests", (_, stream, _) => RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", manifest));
        await FailsAsync(server, Failure.BadContent, "expected");
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

    [Theory]
    [InlineData("manifests")]
    [InlineData("blobs")]
    [InlineData("token")]
    public async Task SlowDrip_IsGivenUp(string what)
    {
        // Never still for so long as patience lasts, but slower than any line: by the clock, each byte takes two seconds.
        var time = new FakeTimeProvider();
        Kit.Options = new() { Patience = TimeSpan.FromSeconds(10), SlowestRate = 1 << 20, Time = time };
        await using var server = Server(what, async (request, stream, cancel) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {(what == "blobs" ? Blob(request).Length : 5000)}\r\n\r\n"), cancel);
            await DripAsync(stream, cancel, () => time.Advance(TimeSpan.FromSeconds(2)));
        });
        await FailsAsync(server, Failure.Unavailable, "drip");
    }

    [Fact]
    public async Task SlowDripOfHeaders_IsGivenUp()
    {
        Kit.Options = new() { Patience = TimeSpan.FromMilliseconds(300) };
        await using var server = Server("manifests", async (_, stream, cancel) =>
        {
            await stream.WriteAsync("HTTP/1.1 200 OK\r\n"u8.ToArray(), cancel);
            await DripAsync(stream, cancel);
        });
        await FailsAsync(server, Failure.Unavailable, "nothing moved");
    }

    [Fact]
    public async Task Silence_IsGivenUp()
    {
        Kit.Options = new() { Patience = TimeSpan.FromMilliseconds(300) };
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

    [Theory]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", Failure.BadContent, "no HTTP that can be used")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", Failure.Unavailable, "the connection broke")]
    public async Task FloodBesideHeaders_IsCutOff(string begin, Failure failure, string says)
    {
        // Answers that announce an answer, and extensions of a chunk, without end.
        await using var server = new RawServer(async (_, stream, cancel) =>
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(begin), cancel);
            await ForEverAsync(stream, Encoding.ASCII.GetBytes(begin.Contains("103", StringComparison.Ordinal) ? begin : new string('x', 1000)), cancel);
        });
        await FailsAsync(server, failure, says);
    }

    [Theory]
    [InlineData("manifests")]
    [InlineData("blobs")]
    [InlineData("token")]
    public async Task GzipBomb_IsNotUnpacked(string what)
    {
        var bomb = ImageBytes.Gzip(new byte[100 << 20]);
        await using var server = Server(what, (_, stream, _) => RawServer.WriteAsync(stream, "200 OK", "Content-Encoding: gzip\r\n", bomb));
        await FailsAsync(server, Failure.BadContent, what == "blobs" ? "announces" : "encoding gzip");
    }

    [Fact]
    public async Task ChallengeForEver_EndsAfterAFewTries()
    {
        RawServer? self = null;
        await using var server = self = new RawServer((request, stream, _) => request.Path.StartsWith("/token", StringComparison.Ordinal)
            ? RawServer.WriteAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes($"{{\"token\":\"{Guid.NewGuid()}\"}}"))
            : ChallengeAsync(stream, $"http://{self!.Host}/token"));
        await FailsAsync(server, Failure.Denied, "401");
        Assert.InRange(server.Requests.Count, 2, 6);
    }
}
