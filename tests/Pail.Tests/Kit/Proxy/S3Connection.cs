using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Pail.Tests.Kit.Proxy;

/// <summary>One client's connection to the proxy: request after request, each passed on over a connection of its own.</summary>
internal sealed class S3Connection(S3Proxy proxy, Socket client) : IAsyncDisposable
{
    private readonly NetworkStream _client = new(client, ownsSocket: true);

    /// <summary>Serves it until it ends. What breaks on the way is the peers' affair.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        client.NoDelay = true;
        var reader = new HttpReader(_client);
        try
        {
            while (await HttpHead.ReadAsync(reader, cancel) is { } head)
                if (!await ServeAsync(head, reader, cancel))
                    return;
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
        }
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    // False if the connection can't go on.
    private async Task<bool> ServeAsync(HttpHead head, HttpReader reader, CancellationToken cancel)
    {
        var request = new S3Request(head);
        var fault = proxy.Note(request);
        if ("100-continue".Equals(head["Expect"], StringComparison.OrdinalIgnoreCase))
            await _client.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancel);
        switch (fault)
        {
            case Fault.Answer answer:
                await reader.ReadBodyAsync(head, isResponse: false, _ => Task.FromResult(true), cancel);
                return await AnswerAsync(request, answer.Status, answer.Code, answer.RetryAfter, cancel);
            case Fault.ResetBefore reset:
                var left = reset.Bytes;
                await reader.ReadBodyAsync(head, isResponse: false, bytes => Task.FromResult((left -= bytes.Length) > 0), cancel);
                return Reset();
            case Fault.Stall:
                await reader.ReadBodyAsync(head, isResponse: false, _ => Task.FromResult(true), cancel);
                await GoneAsync(cancel);
                return false;
            case Fault.Delay delay:
                await Task.Delay(delay.Time, cancel);
                break;
            case Fault.Gate gate:
                await gate.PassAsync(cancel);
                break;
        }
        return await ForwardAsync(request, head, reader, fault, cancel);
    }

    private async Task<bool> ForwardAsync(S3Request request, HttpHead head, HttpReader reader, Fault? fault, CancellationToken cancel)
    {
        using var socket = new Socket(proxy.Upstream.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(proxy.Upstream, cancel);
        await using var store = new NetworkStream(socket, ownsSocket: false);
        var whole = await SendAsync(head, reader, store, cancel);
        var answers = new HttpReader(store);
        var answer = await HttpHead.ReadAsync(answers, cancel) ?? throw new IOException("The store closed the connection.");
        var status = int.Parse(answer.FirstLine.Split(' ')[1], CultureInfo.InvariantCulture);
        var hasBody = request.Method != "HEAD" && status is not (204 or 304);
        if (fault is Fault.ResetAfter or Fault.AnswerAfter)
        {
            if (hasBody)
                await answers.ReadBodyAsync(answer, isResponse: true, _ => Task.FromResult(true), cancel);
            return fault is Fault.AnswerAfter error ? await AnswerAsync(request, error.Status, error.Code, null, cancel) && whole : Reset();
        }
        request.Status = status;
        await _client.WriteAsync(answer.ToBytes(without: "Connection"), cancel);
        if (hasBody)
            await answers.ReadBodyAsync(answer, isResponse: true, Taker(fault, cancel), cancel);
        if (fault is Fault.StallBody)
            await GoneAsync(cancel);
        return whole && fault is not (Fault.StallBody or Fault.Truncate) && (!hasBody || answer.ContentLength is not null || answer.IsChunked);
    }

    // False if the store did not take the whole body: it has answered already, or it is gone.
    private static async Task<bool> SendAsync(HttpHead head, HttpReader reader, NetworkStream store, CancellationToken cancel)
    {
        var whole = true;
        async Task<bool> Pass(ReadOnlyMemory<byte> bytes)
        {
            try
            {
                await store.WriteAsync(bytes, cancel);
            }
            catch (IOException)
            {
                whole = false;
            }
            return whole;
        }

        if (await Pass(head.ToBytes(without: "Expect")))
            await reader.ReadBodyAsync(head, isResponse: false, Pass, cancel);
        return whole;
    }

    // Hands the body of an answer to the client, or as much of it as the fault lets through.
    private Func<ReadOnlyMemory<byte>, Task<bool>> Taker(Fault? fault, CancellationToken cancel)
    {
        var left = fault switch
        {
            Fault.Truncate truncate => truncate.Bytes,
            Fault.StallBody stall => stall.Bytes,
            _ => long.MaxValue,
        };
        var corrupt = fault is Fault.Corrupt;
        return async bytes =>
        {
            if (corrupt && bytes.Length > 0)
            {
                corrupt = false;
                bytes = new byte[] { (byte)(bytes.Span[0] ^ 1) }.Concat(bytes[1..].ToArray()).ToArray();
            }
            if (fault is Fault.Drip drip)
                return await DripAsync(bytes, drip, cancel);
            var count = (int)Math.Min(left, bytes.Length);
            await _client.WriteAsync(bytes[..count], cancel);
            return (left -= count) > 0;
        };
    }

    private async Task<bool> DripAsync(ReadOnlyMemory<byte> bytes, Fault.Drip drip, CancellationToken cancel)
    {
        for (var at = 0; at < bytes.Length; at += drip.Bytes)
        {
            await _client.WriteAsync(bytes[at..Math.Min(bytes.Length, at + drip.Bytes)], cancel);
            await Task.Delay(drip.Pause, cancel);
        }
        return true;
    }

    private async Task<bool> AnswerAsync(S3Request request, int status, string code, int? retryAfter, CancellationToken cancel)
    {
        request.Status = status;
        var body = request.Method == "HEAD" ? "" : $"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>";
        var wait = retryAfter is null ? "" : $"Retry-After: {retryAfter}\r\n";
        await _client.WriteAsync(Encoding.Latin1.GetBytes(
            $"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {body.Length}\r\n{wait}\r\n{body}"), cancel);
        return true;
    }

    private bool Reset()
    {
        client.LingerState = new LingerOption(enable: true, seconds: 0);
        client.Close();
        return false;
    }

    // Until the client closes its side.
    private async Task GoneAsync(CancellationToken cancel)
    {
        var ignored = new byte[1];
        while (await _client.ReadAsync(ignored, cancel) > 0)
        {
        }
    }
}
