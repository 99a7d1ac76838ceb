using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Pail.Oci;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Server;

/// <summary>
/// Requests nobody should send: made of parts that mean something, put together at random, over raw connections. Whatever
/// comes, the answer is no 500 and no silence, memory stays bounded, and nothing is written but below the bucket's root.
/// </summary>
/// <remarks>Alone in the process while it runs: else its memory would be everybody's.</remarks>
[Collection(Alone)]
public sealed class FuzzTests() : ServerTests(new FolderBucket())
{
    /// <summary>Runs with nothing beside it.</summary>
    public const string Alone = "Fuzz";

    private static readonly TimeSpan Silence = Eventually.Limit;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Root => ((FolderBucket)Bucket).Folder;

    [Fact]
    public Task Requests_AtRandom_AreAnsweredInOrder() => RunAsync(4_000);

    [Fact]
    [Trait("Category", "Long")]
    public Task Requests_TwoHundredThousandAtRandom_AreAnsweredInOrder() => RunAsync(200_000);

    private async Task RunAsync(int count)
    {
        const int Connections = 8;
        var words = await WordsAsync();
        var beside = new HashSet<string>(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(Root)!).Where(entry => !Path.GetFileName(entry).StartsWith("pail-", StringComparison.Ordinal)), StringComparer.Ordinal);
        var seed = Random.Shared.Next();
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        var statuses = new int[600];
        await Parallel.ForEachAsync(Enumerable.Range(0, Connections), new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = Cancel }, async (lane, _) =>
        {
            var fuzz = new RequestFuzz(new Random(seed + lane), words);
            await using var client = new RawClient(Server.Address);
            for (var i = 0; i < count / Connections; i++)
            {
                var request = fuzz.Next();
                var (status, location) = await client.SendAsync(request, Silence, $"seed {seed}, lane {lane}, request {i}");
                Assert.True(status is >= 200 and < 500 or 503 && status != 0, $"seed {seed}, lane {lane}, request {i}: {status} for\n{SafeText.OneLine(Encoding.Latin1.GetString(request.Bytes), 2000)}");
                Interlocked.Increment(ref statuses[status]);
                fuzz.Heard(location);
            }
        });
        // It is worth something only if most kinds of answers came; the rare ones come in the long form.
        int[] expected = count < 100_000 ? [200, 202, 400, 404] : [200, 201, 202, 400, 404, 405, 416];
        foreach (var status in expected)
            Assert.True(statuses[status] > 0, $"no {status} among {count} requests, seed {seed}");
        Assert.Equal(0, statuses[503]);
        (await Server.GetAsync("/v2/")).Is(200);
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - memory < 400L << 20);
        Assert.All(Directory.EnumerateFileSystemEntries(Root), entry => Assert.True(Path.GetFileName(entry) is "v2" or "pail" or ".pail", entry));
        var now = Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(Root)!).Where(entry => Path.GetFileName(entry) is "etc" or "passwd" or "pail.json" or "v2" or "uploads" or "manifests" or "blobs");
        Assert.All(now, entry => Assert.Contains(entry, beside));
    }

    /// <summary>Runs with nothing beside it.</summary>
    [CollectionDefinition(Alone, DisableParallelization = true)]
    public sealed class AloneDefinition;

    private async Task<FuzzWords> WordsAsync()
    {
        var blob = await Server.AddBlobAsync("a", RandomNumberGenerator.GetBytes(1000));
        await Server.AddBlobAsync("a", "{}"u8.ToArray());
        var manifest = ManifestJson.Image(new(MediaTypes.OciEmpty, Digest.Of("{}"u8), 2), []);
        var pushed = (await Server.PutAsync("/v2/a/manifests/t", manifest)).Is(201);
        return new FuzzWords(
            Names: ["a", "a", "a/b", "b.c", "A", "..", "%2e%2e", ".", "a//b", "a%2Fb", "é", "%00", "%ff", "a\u0001b", new string('a', 300), "manifests", "blobs/uploads", "-", "etc/passwd", "..%5c..", "a%0d%0aX:y"],
            References: ["t", "t", "latest", pushed["Docker-Content-Digest"]!, "sha256:" + new string('0', 64), "sha512:" + new string('a', 128), "sha256:short", "md5:00", "..", "%2e%2e%2f%2e%2e%2fpail.json", "-x", new string('t', 129), "t%20", "sha256%3A" + new string('0', 64), ""],
            Digests: [blob.Digest.ToString(), blob.Digest.ToString(), Digest.Of("{}"u8).ToString(), Digest.Of("abc"u8).ToString(), "sha256:" + new string('f', 64), "sha512:" + new string('f', 128), "sha256:", "x", "..", "%", ""],
            Bodies: [[], "{}"u8.ToArray(), "abc"u8.ToArray(), manifest, "{\"schemaVersion\":2,\"manifests\":[]}"u8.ToArray(), "[[[[[[[["u8.ToArray(), new byte[70_000], RandomNumberGenerator.GetBytes(300), Encoding.UTF8.GetBytes(new string('{', 5000))]);
    }
}

/// <summary>What requests are made of.</summary>
internal sealed record FuzzWords(string[] Names, string[] References, string[] Digests, byte[][] Bodies);

/// <summary>A request as it goes over the wire.</summary>
internal sealed record FuzzRequest(byte[] Bytes, bool IsHead);

/// <summary>Makes requests.</summary>
internal sealed class RequestFuzz(Random random, FuzzWords words)
{
    private static readonly string[] Methods = ["GET", "GET", "HEAD", "PUT", "PUT", "POST", "POST", "PATCH", "PATCH", "DELETE", "OPTIONS", "BREW"];
    private static readonly string[] Numbers = ["0", "1", "2", "9", "10", "100", "999999999999999999999999", "-1", "x", "", "1e9", "0x10", "%00", "+1"];
    private static readonly string[] Ranges = ["bytes=0-0", "bytes=5-", "bytes=-5", "bytes=5-2", "bytes=99999-", "bytes=0-1,2-3", "bytes=", "0-2", "0-0", "3-5", "1-0", "bytes 0-2/3", "-", "99999999999999999999-1", "a-b"];
    private static readonly string[] Types = [MediaTypes.OciManifest, MediaTypes.OciIndex, MediaTypes.DockerManifest, "application/octet-stream", "text/plain; charset=x", "", ";", "\u00e9"];
    private readonly List<string> _locations = [];

    /// <summary>Remembers where the server said something is.</summary>
    public void Heard(string? location)
    {
        if (location is null || !location.StartsWith('/'))
            return;
        if (_locations.Count > 20)
            _locations.RemoveAt(random.Next(_locations.Count));
        _locations.Add(location);
    }

    public FuzzRequest Next()
    {
        var method = Pick(Methods);
        var body = method is "PUT" or "POST" or "PATCH" || random.Next(10) == 0 ? Pick(words.Bodies) : [];
        var chunked = random.Next(6) == 0;
        var head = new StringBuilder($"{method} {Target()} HTTP/1.1\r\nHost: x\r\n");
        foreach (var name in new[] { "Range", "Content-Range" })
            if (random.Next(5) == 0)
                head.Append($"{name}: {Pick(Ranges)}\r\n");
        if (random.Next(2) == 0)
            head.Append($"Content-Type: {Pick(Types)}\r\n");
        if (random.Next(10) == 0)
            head.Append($"If-None-Match: {Pick(["*", "\"" + Pick(words.Digests) + "\"", "W/", ",,,", "\""])}\r\n");
        if (random.Next(20) == 0)
            head.Append($"{Pick(["X-Forwarded-Host", "Accept", "Authorization", "X-Request-Id", "Cookie", "If-Range", "Origin"])}: {Junk()}\r\n");
        head.Append(chunked ? "Transfer-Encoding: chunked\r\n\r\n" : $"Content-Length: {body.Length}\r\n\r\n");
        return new FuzzRequest([.. Encoding.Latin1.GetBytes(head.ToString()), .. chunked ? Chunked(body) : body], method == "HEAD");
    }

    private string Target()
    {
        if (_locations.Count > 0 && random.Next(3) == 0)
        {
            var location = Pick(_locations);
            if (random.Next(8) == 0)
                location = Damaged(location);
            var digest = random.Next(2) == 0 ? $"{(location.Contains('?', StringComparison.Ordinal) ? '&' : '?')}digest={Pick(words.Digests)}" : "";
            return location + digest;
        }
        var name = Pick(words.Names);
        return random.Next(12) switch
        {
            0 or 1 or 2 => $"/v2/{name}/manifests/{Pick(words.References)}{Query("tag")}",
            3 or 4 => $"/v2/{name}/blobs/{Pick(words.Digests)}",
            5 or 6 => $"/v2/{name}/blobs/uploads/{Query("digest", "mount", "from", "digest-algorithm")}",
            7 => $"/v2/{name}/blobs/uploads/{Junk()}{Query("digest")}",
            8 => $"/v2/{name}/tags/list{Query("n", "last")}",
            9 => $"/v2/{name}/referrers/{Pick(words.Digests)}{Query("artifactType", "last")}",
            10 => $"/v2/_catalog{Query("n", "last")}",
            _ => Pick(["/", "/v2", "/v2/", "/healthz", "//", "/v2/%2e%2e/", $"/v2/{Junk()}/{Junk()}", $"/v2/{name}/_pail/{Junk()}", "/v2/" + string.Concat(Enumerable.Repeat("../", random.Next(1, 20))) + "etc/passwd"]),
        };
    }

    private string Query(params string[] names)
    {
        var query = new StringBuilder();
        foreach (var name in names)
            if (random.Next(2) == 0)
                query.Append(query.Length == 0 ? '?' : '&').Append(name).Append('=').Append(name switch
                {
                    "n" => Pick(Numbers),
                    "digest" or "mount" => Pick(words.Digests),
                    "from" => Pick(words.Names).Replace("\u0001", "", StringComparison.Ordinal),
                    "tag" => Pick(words.References),
                    _ => random.Next(2) == 0 ? Pick(words.References) : Junk(),
                });
        return query.ToString().Replace(" ", "%20", StringComparison.Ordinal);
    }

    private string Junk()
    {
        const string Characters = "abcXYZ019-._~:%2F&=?+,;!@$'()*[]é";
        return new string(random.GetItems(Characters.AsSpan(), random.Next(1, 40))).Replace("%", "%25", StringComparison.Ordinal);
    }

    private string Damaged(string location)
    {
        var at = random.Next(Math.Min(4, location.Length - 1), location.Length);
        return random.Next(2) == 0 ? location[..at] : location[..at] + "A" + location[(at + 1)..];
    }

    private byte[] Chunked(byte[] body)
    {
        var bytes = new List<byte>();
        for (var at = 0; at < body.Length;)
        {
            var size = Math.Min(body.Length - at, random.Next(1, 20_000));
            bytes.AddRange(Encoding.ASCII.GetBytes(size.ToString("x", CultureInfo.InvariantCulture) + "\r\n"));
            bytes.AddRange(body[at..(at + size)]);
            bytes.AddRange("\r\n"u8);
            at += size;
        }
        bytes.AddRange("0\r\n\r\n"u8);
        return [.. bytes];
    }

    private T Pick<T>(IReadOnlyList<T> from) => from[random.Next(from.Count)];
}

/// <summary>Sends bytes and reads whole answers, over one connection as long as the server keeps it.</summary>
internal sealed class RawClient(Uri server) : IAsyncDisposable
{
    private TcpClient? _socket;
    private Stream? _stream;

    /// <summary>The body of the last answer.</summary>
    public byte[] Body { get; private set; } = [];

    /// <summary>The status and the Location of the answer.</summary>
    public async Task<(int Status, string? Location)> SendAsync(FuzzRequest request, TimeSpan limit, string what)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        cancel.CancelAfter(limit);
        try
        {
            for (var attempt = 0; ; attempt++)
                try
                {
                    return await TryAsync(request, cancel.Token);
                }
                catch (IOException) when (attempt == 0)
                {
                    // The server may close a connection after an answer, which is found out by using it.
                    await DisposeAsync();
                }
        }
        catch (OperationCanceledException e) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{what}: no answer to\n{SafeText.OneLine(Encoding.Latin1.GetString(request.Bytes), 2000)}", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stream is not null)
            await _stream.DisposeAsync();
        _socket?.Dispose();
        (_stream, _socket) = (null, null);
    }

    private async Task<(int, string?)> TryAsync(FuzzRequest request, CancellationToken cancel)
    {
        if (_stream is null)
        {
            _socket = new TcpClient { NoDelay = true };
            await _socket.ConnectAsync(server.Host, server.Port, cancel);
            _stream = new BufferedStream(_socket.GetStream());
        }
        // Written while the answer is read: the server may answer early.
        var sending = _socket!.GetStream().WriteAsync(request.Bytes, cancel).AsTask();
        string status;
        while (true)
        {
            status = await LineAsync(cancel);
            if (!status.StartsWith("HTTP/1.1 100", StringComparison.Ordinal))
                break;
            await LineAsync(cancel);
        }
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (string line; (line = await LineAsync(cancel)).Length > 0;)
            headers[line[..line.IndexOf(':', StringComparison.Ordinal)]] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        var code = int.Parse(status.Split(' ')[1], CultureInfo.InvariantCulture);
        Body = request.IsHead || code is 204 or 304 ? [] : new byte[int.Parse(headers["Content-Length"], CultureInfo.InvariantCulture)];
        await _stream.ReadExactlyAsync(Body, cancel);
        await sending.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        if (headers.GetValueOrDefault("Connection") == "close")
            await DisposeAsync();
        return (code, headers.GetValueOrDefault("Location"));
    }

    private async Task<string> LineAsync(CancellationToken cancel)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (true)
        {
            if (await _stream!.ReadAsync(one, cancel) == 0)
                throw new IOException("The connection was closed.");
            if (one[0] == '\n')
                return line.ToString().TrimEnd('\r');
            line.Append((char)one[0]);
        }
    }
}
