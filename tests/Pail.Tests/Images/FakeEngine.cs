using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Pail.Docker;
using Pail.Oci;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.Images;

/// <summary>The part of the Engine API that moves images, on a Unix socket: saves what it is told, keeps what it is sent.</summary>
internal sealed class FakeEngine : IAsyncDisposable
{
    private const int Chunk = 10_000;

    private readonly TestFolder _folder = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    public FakeEngine()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(_folder["docker.sock"]));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public string Host => $"unix://{_folder["docker.sock"]}";

    public DockerEngine Client => new(Host);

    /// <summary>Ids of images by the name they are asked for.</summary>
    public Dictionary<string, string> Ids { get; } = [];

    /// <summary>The layers of images by their ids, as far as the engine says them.</summary>
    public Dictionary<string, Digest[]> Layers { get; } = [];

    /// <summary>What saving an image by its id gives.</summary>
    public Dictionary<string, byte[]> Saved { get; } = [];

    /// <summary>The paths asked for so far.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Has the engine hold an image under a name, which is returned.</summary>
    public string Hold(string name, DockerTars image, bool since25 = false)
    {
        Ids[name] = image.Id;
        Layers[image.Id] = [.. image.Layers.Select(layer => Digest.Of(layer))];
        Saved[image.Id] = since25 ? image.Since25() : image.Classic();
        return name;
    }

    /// <summary>How many bytes of a saved image are sent before the connection breaks.</summary>
    public int BreakAfter { get; init; } = int.MaxValue;

    /// <summary>Sends so many bytes of a saved image, and the rest only when this is done.</summary>
    public (int Bytes, Task Until)? Holds { get; set; }

    /// <summary>What images say of where a graph driver unpacked them, as JSON; null for the containerd image store, which has none.</summary>
    public string? GraphDriver { get; init; }

    /// <summary>The tar that was sent whole; null if none was.</summary>
    public byte[]? Loaded { get; private set; }

    /// <summary>What loading answers: the body that follows status 200.</summary>
    public string LoadAnswer { get; init; } = "{\"stream\":\"Loaded image: x\\n\"}\r\n{\"stream\":\"\"}";

    /// <summary>The names and ids the engine has after it loaded.</summary>
    public (string Name, string Id)? Makes { get; init; }

    /// <summary>Hangs up on a load after the head of the request.</summary>
    public bool RefusesToLoad { get; init; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _end.Dispose();
        _folder.Dispose();
    }

    private async Task AcceptAsync()
    {
        var served = new List<Task>();
        try
        {
            while (true)
                served.Add(ServeAsync(await _listener.AcceptAsync(_end.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(served);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        await using var stream = new NetworkStream(client, ownsSocket: true);
        var reader = new HttpReader(stream);
        try
        {
            if (await HttpHead.ReadAsync(reader, _end.Token) is not { } head)
                return;
            var path = head.FirstLine.Split(' ')[1];
            Requests.Enqueue(path);
            if (path.StartsWith("/images/load", StringComparison.Ordinal))
                await LoadAsync(stream, reader, head);
            else if (path.EndsWith("/json", StringComparison.Ordinal))
                await AnswerJsonAsync(stream, path["/images/".Length..^"/json".Length]);
            else
                await SaveAsync(stream, Saved[path["/images/".Length..^"/get".Length]]);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client went away, which some tests are about.
        }
    }

    private Task AnswerJsonAsync(Stream stream, string name) => Ids.TryGetValue(name, out var id)
        ? AnswerAsync(stream, "200 OK", $$"""{"Id":"{{id}}","Os":"linux",{{(GraphDriver is null ? "" : $"\"GraphDriver\":{GraphDriver},")}}"RootFS":{"Type":"layers","Layers":{{JsonSerializer.Serialize(Layers.GetValueOrDefault(id, []).Select(layer => layer.ToString()))}} } }""")
        : AnswerAsync(stream, "404 Not Found", $$"""{"message":"No such image: {{name}}"}""");

    private async Task SaveAsync(Stream stream, byte[] tar)
    {
        await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"u8.ToArray(), _end.Token);
        var sent = 0;
        for (var (at, end) = (0, Math.Min(tar.Length, BreakAfter)); at < end; at += Chunk)
        {
            var chunk = tar.AsMemory(at, Math.Min(Chunk, end - at));
            if (Holds is (var bytes, var until) && (sent += chunk.Length) > bytes)
                await until.WaitAsync(_end.Token);
            await stream.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes($"{chunk.Length:x}\r\n"), .. chunk.Span, .. "\r\n"u8], _end.Token);
        }
        if (Holds is var (_, last))
            await last.WaitAsync(_end.Token);
        if (BreakAfter >= tar.Length)
            await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), _end.Token);
    }

    private async Task LoadAsync(Stream stream, HttpReader reader, HttpHead head)
    {
        if (RefusesToLoad)
            return;
        using var wire = new MemoryStream();
        await reader.ReadBodyAsync(head, isResponse: false, bytes =>
        {
            wire.Write(bytes.Span);
            return Task.FromResult(true);
        }, _end.Token);
        Loaded = Unchunked(wire.ToArray());
        if (Makes is var (name, id))
            Ids[name] = id;
        await AnswerAsync(stream, "200 OK", LoadAnswer);
    }

    private async Task AnswerAsync(Stream stream, string status, string body) =>
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n\r\n{body}"), _end.Token);

    private static byte[] Unchunked(ReadOnlySpan<byte> wire)
    {
        using var body = new MemoryStream();
        while (true)
        {
            var line = wire.IndexOf("\r\n"u8);
            var size = int.Parse(wire[..line], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0)
                return body.ToArray();
            body.Write(wire.Slice(line + 2, size));
            wire = wire[(line + 2 + size + 2)..];
        }
    }
}
