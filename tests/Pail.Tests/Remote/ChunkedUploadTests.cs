using System.Collections.Concurrent;
using System.Text;
using Pail.Io;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit.Registries;

namespace Pail.Tests.Remote;

/// <summary>Registries, or proxies before them, that take blobs in chunks only.</summary>
public sealed class ChunkedUploadTests : IDisposable
{
    private const int KiB = 1 << 10;

    private readonly RegistryKit _kit = new();
    private readonly ConcurrentDictionary<string, byte[]> _uploads = new();
    private readonly byte[] _bytes = ImageBytes.Bytes(new Random(3), 5000 * KiB);
    private int _fault;

    // The largest body taken, and the smallest chunk.
    private int _most = int.MaxValue;
    private int _least;

    // The number of the PATCH that fails, after how much of it was taken, and how.
    private (int Number, int Taken, string Status)? _failing;

    // What is answered to a whole body, and to where an upload is; what is said of the bytes taken: null for what is right.
    private string? _toWhole;
    private string? _toAsk;
    private string? _range;

    private Descriptor Layer => new(MediaTypes.OciLayerTar, Digest.Of(_bytes), _bytes.Length);

    public void Dispose() => _kit.Dispose();

    [Theory]
    [InlineData(5000, 0, "PUT 5000")]
    [InlineData(2600, 0, "PUT 5000, PATCH 5000, PATCH 2500, PATCH 2500, PUT 0")]
    [InlineData(2600, 2000, "PUT 5000, PATCH 5000, PATCH 2500, PATCH 2500, PUT 0")]
    public async Task Upload_BodiesTooLarge_GoesInChunksTheRegistryTakes(int most, int least, string expected)
    {
        (_most, _least) = (most * KiB, least * KiB);
        await using var server = new RawServer(AnswerAsync);
        var progress = new CountingProgress();
        await using var sink = _kit.Sink(server.Host);
        Assert.Equal(BlobOutcome.Sent, await sink.PutBlobAsync(Layer, Open, progress, default));
        Assert.Equal(expected, string.Join(", ", server.Requests.Where(request => request.Method is "PUT" or "PATCH").Select(request => $"{request.Method} {request.Body.Length / KiB}")));
        Assert.Equal(_bytes, _uploads.Values.Single(bytes => bytes.Length > 0));
        Assert.Equal(_bytes.Length, progress.Bytes);
    }

    [Theory]
    [InlineData("404 Not Found")] // JFrog
    [InlineData("405 Method Not Allowed")]
    [InlineData("411 Length Required")]
    [InlineData("415 Unsupported Media Type")]
    [InlineData("501 Not Implemented")]
    public async Task Upload_WholeBodyIsNotTaken_GoesInChunks(string status)
    {
        _toWhole = status;
        await using var server = new RawServer(AnswerAsync);
        await using var sink = _kit.Sink(server.Host);
        Assert.Equal(BlobOutcome.Sent, await sink.PutBlobAsync(Layer, Open, NoProgress.Instance, default));
        Assert.Equal(_bytes, _uploads.Values.Single(bytes => bytes.Length > 0));
    }

    [Theory]
    [InlineData("0-1023")] // of the first chunk
    [InlineData("0-0")]
    [InlineData("0-99999999")]
    [InlineData("bytes 0-1/*")]
    [InlineData("nonsense")]
    [InlineData(null)]
    public async Task Upload_ChunkIsTaken_CountsWhateverTheRangeSays(string? range)
    {
        _most = 2600 * KiB;
        _range = range is null ? "" : $"Range: {range}\r\n";
        await using var server = new RawServer(AnswerAsync);
        await using var sink = _kit.Sink(server.Host);
        var progress = new CountingProgress();
        Assert.Equal(BlobOutcome.Sent, await sink.PutBlobAsync(Layer, Open, progress, default));
        Assert.Equal(_bytes, _uploads.Values.Single(bytes => bytes.Length > 0));
        Assert.Equal((3, _bytes.Length), (server.Requests.Count(request => request.Method == "PATCH"), progress.Bytes));
    }

    [Theory]
    [InlineData("404 Not Found")]
    [InlineData("405 Method Not Allowed")]
    [InlineData("204 No Content")] // without a Range
    public async Task Upload_ChunkFailsAndHowFarItGotIsNotSaid_BeginsAnew(string toAsk)
    {
        _most = 2600 * KiB;
        _failing = (2, 1000 * KiB, "500 Internal Server Error");
        _toAsk = toAsk;
        await using var server = new RawServer(AnswerAsync);
        await using var sink = _kit.Sink(server.Host);
        var progress = new CountingProgress();
        Assert.Equal(BlobOutcome.Sent, await sink.PutBlobAsync(Layer, Open, progress, default));
        Assert.Equal(_bytes, _uploads.Values.Single(bytes => bytes.Length > 0));
        Assert.Equal(_bytes.Length, progress.Bytes);
    }

    [Fact]
    public async Task Upload_StoredButItsAnswerIsLost_IsNotSentAgain()
    {
        var stored = false;
        await using var server = new RawServer((request, stream, cancel) =>
        {
            if (request.Method == "PUT")
            {
                stored = true;
                return Task.CompletedTask;
            }
            return request.Method == "HEAD" && stored ? RawServer.WriteAsync(stream, "200 OK", "", default) : AnswerAsync(request, stream, cancel);
        });
        await using var sink = _kit.Sink(server.Host);
        var progress = new CountingProgress();
        Assert.Equal(BlobOutcome.Sent, await sink.PutBlobAsync(Layer, Open, progress, default));
        Assert.Single(server.Requests, request => request.Method == "PUT");
        Assert.Equal(_bytes.Length, progress.Bytes);
    }

    [Fact]
    public async Task Upload_AfterOneThatWasTooLarge_BeginsWithChunks()
    {
        _most = 2600 * KiB;
        await using var server = new RawServer(AnswerAsync);
        await using var sink = _kit.Sink(server.Host);
        await sink.PutBlobAsync(Layer, Open, NoProgress.Instance, default);
        server.Requests.Clear();
        await sink.PutBlobAsync(Layer, Open, NoProgress.Instance, default);
        Assert.Equal(["HEAD", "POST", "PATCH", "PATCH", "PATCH", "PUT"], server.Requests.Select(request => request.Method));
    }

    [Theory]
    [InlineData(0, "500 Internal Server Error")]
    [InlineData(1000, "500 Internal Server Error")]
    [InlineData(2500, "503 Service Unavailable\r\nRetry-After: 0")]
    [InlineData(1000, "429 Too Many Requests\r\nRetry-After: 0")]
    public async Task Upload_ChunkFails_GoesOnWhereTheRegistryIs(int taken, string status)
    {
        _most = 2600 * KiB;
        _failing = (2, taken * KiB, status);
        await using var server = new RawServer(AnswerAsync);
        await using var sink = _kit.Sink(server.Host);
        Assert.Equal(BlobOutcome.Sent, await sink.PutBlobAsync(Layer, Open, NoProgress.Instance, default));
        Assert.Equal(_bytes, _uploads.Values.Single(bytes => bytes.Length > 0));
        Assert.Single(server.Requests, request => request.Method == "GET");
    }

    [Theory]
    [InlineData(100, 0)]
    [InlineData(2600, 3000)]
    public async Task Upload_NoSizeIsTaken_SaysSo(int most, int least)
    {
        (_most, _least) = (most, least * KiB);
        await using var server = new RawServer(AnswerAsync);
        await using var sink = _kit.Sink(server.Host);
        Assert.Contains("413", (await Assert.ThrowsAnyAsync<PailException>(() => sink.PutBlobAsync(Layer, Open, NoProgress.Instance, default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upload_WrongBytes_IsNotClosed()
    {
        _most = 2600 * KiB;
        await using var server = new RawServer(AnswerAsync);
        await using var sink = _kit.Sink(server.Host);
        var lie = Layer with { Digest = Digest.Of("other"u8) };
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAnyAsync<PailException>(() => sink.PutBlobAsync(lie, Open, NoProgress.Instance, default))).Failure);
        Assert.DoesNotContain(server.Requests, request => request.Method == "PUT" && request.Body.Length == 0);
    }

    [Theory]
    [InlineData(5000)]
    [InlineData(2600)]
    public async Task Upload_SourceBreaksForGood_GivesTheUploadUp(int most)
    {
        _most = most * KiB;
        await using var server = new RawServer(AnswerAsync);
        await using var sink = _kit.Sink(server.Host);
        await Assert.ThrowsAnyAsync<PailException>(() => sink.PutBlobAsync(Layer, (_, _) => Task.FromResult<Stream>(new BreakingStream(_bytes, 3000 * KiB)), NoProgress.Instance, default));
        Assert.Contains(server.Requests, request => request.Method == "DELETE");
        Assert.DoesNotContain(_uploads, upload => upload.Value.Length > 0);
    }

    [Fact]
    public async Task Upload_SourceBreaks_GoesOnThere()
    {
        await using var server = new RawServer(AnswerAsync);
        await using var sink = _kit.Sink(server.Host);
        var opened = new List<long>();
        await sink.PutBlobAsync(
            Layer,
            (offset, _) =>
            {
                opened.Add(offset);
                return Task.FromResult<Stream>(opened.Count < 3 ? new BreakingStream(_bytes[(int)offset..], 1000) : new MemoryStream(_bytes[(int)offset..]));
            },
            NoProgress.Instance,
            default);
        Assert.Equal([0, 1000, 2000], opened);
        Assert.Single(server.Requests, request => request.Method == "PUT");
    }

    private Task<Stream> Open(long offset, CancellationToken cancel) => Task.FromResult<Stream>(new MemoryStream(_bytes[(int)offset..]));

    private async Task AnswerAsync(RawRequest request, Stream stream, CancellationToken cancel)
    {
        var session = request.Path.Split('?')[0].Split('/')[^1];
        switch (request.Method)
        {
            case "HEAD":
                await RawServer.WriteAsync(stream, "404 Not Found", "", default);
                break;
            case "POST":
                session = Guid.NewGuid().ToString();
                _uploads[session] = [];
                await RawServer.WriteAsync(stream, "202 Accepted", $"Location: /v2/team/app/blobs/uploads/{session}?state=0\r\n{(_least > 0 ? $"OCI-Chunk-Min-Length: {_least}\r\n" : "")}", default);
                break;
            case "GET" when _toAsk is not null:
                await RawServer.WriteAsync(stream, _toAsk, "", default, length: false);
                break;
            case "GET":
                await RawServer.WriteAsync(stream, "204 No Content", Where(session), default, length: false);
                break;
            case "DELETE":
                _uploads.TryRemove(session, out _);
                await RawServer.WriteAsync(stream, "204 No Content", "", default, length: false);
                break;
            case var _ when request.Body.Length > _most:
                await RawServer.WriteAsync(stream, "413 Request Entity Too Large", "", "<html>"u8.ToArray());
                break;
            case "PATCH":
                // In order, and with the state that the last answer gave.
                Assert.Equal($"{_uploads[session].Length}-{_uploads[session].Length + request.Body.Length - 1}", request["Content-Range"]);
                Assert.EndsWith($"?state={_uploads[session].Length}", request.Path, StringComparison.Ordinal);
                if (_failing is var (number, taken, status) && Interlocked.Increment(ref _fault) == number)
                {
                    _uploads[session] = [.. _uploads[session], .. request.Body.AsSpan(0, taken)];
                    await RawServer.WriteAsync(stream, status, "", default);
                    break;
                }
                _uploads[session] = [.. _uploads[session], .. request.Body];
                await RawServer.WriteAsync(stream, "202 Accepted", Where(session), default);
                break;
            case "PUT" when _toWhole is not null && request.Body.Length > 0:
                await RawServer.WriteAsync(stream, _toWhole, "", default);
                break;
            case "PUT":
                _uploads[session] = [.. _uploads[session], .. request.Body];
                var right = Digest.Of(_uploads[session]).ToString() == Uri.UnescapeDataString(request.Path.Split("digest=")[1]);
                await RawServer.WriteAsync(stream, right ? "201 Created" : "400 Bad Request", "", right ? default : Encoding.ASCII.GetBytes("{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}"));
                break;
        }
    }

    private string Where(string session) => $"Location: /v2/team/app/blobs/uploads/{session}?state={_uploads[session].Length}\r\n{_range ?? $"Range: 0-{_uploads[session].Length - 1}\r\n"}";
}
