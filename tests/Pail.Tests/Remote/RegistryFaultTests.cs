using System.Collections.Concurrent;
using System.Text;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>What may pass is tried again; what broke goes on where it broke.</summary>
public sealed class RegistryFaultTests : IDisposable
{
    private readonly RegistryKit _kit = new() { Options = new() { Patience = Eventually.Limit } };
    private readonly MemoryImage _image = new();
    private readonly ConcurrentDictionary<string, int> _asked = new();
    private readonly Descriptor _layer;

    public RegistryFaultTests()
    {
        var config = _image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty);
        _layer = _image.Add(ImageBytes.Bytes(new Random(8), 20 << 20), MediaTypes.OciLayerTar);
        _image.AddManifest(ImageBuilder.ManifestOf(config, [_layer]));
    }

    public void Dispose() => _kit.Dispose();

    [Theory]
    [InlineData("429 Too Many Requests\r\nRetry-After: 0")]
    [InlineData("429 Too Many Requests\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT")]
    [InlineData("503 Service Unavailable")]
    [InlineData("500 Internal Server Error")]
    [InlineData("408 Request Timeout")]
    [InlineData("")] // the connection breaks
    public async Task Read_EveryRequestFailsOnce_IsTriedAgain(string status)
    {
        await using var server = new RawServer((request, stream, _) => Again(request) == 1
            ? status.Length == 0 ? Task.CompletedTask : RawServer.WriteAsync(stream, status, "", default)
            : AnswerAsync(request, stream));
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
    }

    [Fact]
    public async Task Read_ForGood_FailsAfterSoManyTries()
    {
        await using var server = new RawServer((_, stream, _) => RawServer.WriteAsync(stream, "503 Service Unavailable", "", default));
        Assert.Equal(Failure.Unavailable, (await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(server.Host)))).Failure);
        Assert.Equal(_kit.Engine.Options.Retry.Attempts, server.Requests.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Read_BlobBreaksInTheMiddle_GoesOnThere(bool ranges)
    {
        // Each part of the layer ends after 3 MiB, the first time that it is asked for.
        await using var server = new RawServer((request, stream, _) => AnswerAsync(request, stream, ranges, cut: request["Range"] is { } range && IsPart(range) && Again(request) == 1 ? 3 << 20 : null));
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
        var asked = server.Requests.Where(request => request.Path.Contains(_layer.Digest.Hex, StringComparison.Ordinal)).Select(request => request["Range"]).ToList();
        Assert.Contains($"bytes=0-{(8 << 20) - 1}", asked);
        Assert.Contains(asked, range => range!.StartsWith($"bytes={3 << 20}-", StringComparison.Ordinal));
        // Parts of 8 MiB, and once more what had not come of each.
        if (ranges)
            Assert.Equal(6, asked.Count);
    }

    [Fact]
    public async Task Read_RegistryWithoutRanges_SendsLargeBlobsOnce()
    {
        await using var server = new RawServer((request, stream, _) => AnswerAsync(request, stream, ranges: false));
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(_kit.Source(server.Host)));
        Assert.Equal(3, server.Requests.Count);
    }

    [Theory]
    [InlineData("bytes 1-8388608/20971520")]
    [InlineData("bytes 0-8388607/20971521")]
    [InlineData("bytes 0-5/20971520")]
    public async Task Read_OtherRangeThanAsked_IsRefused(string range)
    {
        await using var server = new RawServer((request, stream, _) => request["Range"] is null
            ? AnswerAsync(request, stream)
            : RawServer.WriteAsync(stream, "206 Partial Content", $"Content-Range: {range}\r\n", new byte[8 << 20]));
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(server.Host)))).Failure);
    }

    [Fact]
    public async Task Write_EveryRequestFailsOnce_IsTriedAgain()
    {
        var stored = new ConcurrentDictionary<string, byte[]>();
        await using var server = new RawServer((request, stream, _) =>
        {
            if (Again(request) == 1)
                return RawServer.WriteAsync(stream, "502 Bad Gateway", "", default);
            if (request.Method == "PUT")
                stored[Digest.Of(request.Body).ToString()] = request.Body;
            return request.Method switch
            {
                "HEAD" => RawServer.WriteAsync(stream, "404 Not Found", "", default),
                "POST" => RawServer.WriteAsync(stream, "202 Accepted", "Location: /v2/team/app/blobs/uploads/1\r\n", default),
                "GET" => RawServer.WriteAsync(stream, "200 OK", "", default),
                _ => RawServer.WriteAsync(stream, "201 Created", "", default),
            };
        });
        var result = await RegistryKit.CopyAsync(_image, _kit.Sink(server.Host));
        Assert.Equal(2, result.Sent);
        Assert.All([_image.Root!.Digest, .. _image.Blobs.Keys], digest => Assert.Contains(digest.ToString(), stored.Keys));
    }

    [Fact]
    public async Task DockerHub_IsAskedByItsOwnNamesAndLogin()
    {
        await using var server = new RawServer((request, stream, _) => request["Authorization"] is null
            ? RawServer.WriteAsync(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", default)
            : RawServer.WriteAsync(stream, "404 Not Found", "", Encoding.UTF8.GetBytes("{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"a \\u001b[31mred\\nlie\"}]}")));
        _kit["http_proxy"] = $"http://{server.Host}";
        _kit.Options = _kit.Options with { PlainHttp = true };
        _kit.LogIn("https://index.docker.io/v1/", "whale", "plankton");
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source("docker.io", "library/alpine", "3")));
        Assert.Equal(Failure.NotFound, error.Failure);
        Assert.Contains("docker://docker.io/library/alpine:3: there is no such image", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(error.Message, char.IsControl);
        Assert.All(server.Requests, request => Assert.Equal("http://registry-1.docker.io/v2/library/alpine/manifests/3", request.Target));
        Assert.Equal($"Basic {RegistryKit.Base64("whale:plankton")}", server.Requests.Last()["Authorization"]);
    }

    private static bool IsPart(string range) => int.Parse(range["bytes=".Length..].Split('-')[0]) % (8 << 20) == 0;

    private int Again(RawRequest request) => _asked.AddOrUpdate($"{request.Method} {request.Path} {request["Range"]}", 1, (_, count) => count + 1);

    private Task AnswerAsync(RawRequest request, Stream stream, bool ranges = true, int? cut = null)
    {
        if (request.Path.Contains("/manifests/", StringComparison.Ordinal))
            return RawServer.WriteAsync(stream, "200 OK", $"Content-Type: {MediaTypes.OciManifest}\r\n", _image.Root!.Bytes);
        var blob = _image.Blobs[Digest.Parse(request.Path[(request.Path.LastIndexOf('/') + 1)..])];
        var (status, bytes) = ("200 OK", blob.AsMemory());
        if (ranges && request["Range"] is { } range)
        {
            var parts = range["bytes=".Length..].Split('-').Select(int.Parse).ToArray();
            (status, bytes) = ($"206 Partial Content\r\nContent-Range: bytes {range["bytes=".Length..]}/{blob.Length}", blob.AsMemory(parts[0], parts[1] - parts[0] + 1));
        }
        return cut is { } length && length < bytes.Length
            ? stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {bytes.Length}\r\n\r\n").Concat(bytes[..length].ToArray()).ToArray()).AsTask()
            : RawServer.WriteAsync(stream, status, "", bytes);
    }
}
