using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Pail.Tests.Kit.Registries;

/// <summary>A request as it came.</summary>
internal sealed record RawRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);

    /// <summary>Path and query, also where a proxy was asked for a whole address.</summary>
    public string Path => Target.StartsWith('/') ? Target : new Uri(Target).PathAndQuery;
}

/// <summary>
/// A server on loopback that answers each request byte by byte as the test says, and closes the connection. As a proxy it is
/// whatever host it is asked for.
/// </summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<RawRequest, Stream, CancellationToken, Task> _answer;
    private readonly X509Certificate2? _certificate;
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;

    public RawServer(Func<RawRequest, Stream, CancellationToken, Task> answer, X509Certificate2? certificate = null)
    {
        (_answer, _certificate) = (answer, certificate);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Host => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Every request so far.</summary>
    public ConcurrentQueue<RawRequest> Requests { get; } = new();

    /// <summary>Whom each connection's certificate named; null where none was shown.</summary>
    public ConcurrentQueue<string?> Clients { get; } = new();

    /// <summary>Writes a whole answer.</summary>
    public static async Task WriteAsync(Stream stream, string status, string headers, ReadOnlyMemory<byte> body, bool length = true)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 {status}\r\n{(length ? $"Content-Length: {body.Length}\r\n" : "")}Connection: close\r\n{headers}\r\n"));
        await stream.WriteAsync(body);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _accepting;
        _listener.Stop();
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                Stream stream = client.GetStream();
                if (_certificate is not null)
                {
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate, ClientCertificateRequired = true, RemoteCertificateValidationCallback = (_, shown, _, _) => Hear(shown) }, _stop.Token);
                    stream = tls;
                }
                var request = await ReadAsync(stream);
                Requests.Enqueue(request);
                await _answer(request, stream, _stop.Token);
                await stream.FlushAsync(_stop.Token);
                client.Client.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or System.Security.Authentication.AuthenticationException)
            {
                // The client went away, which is what most of these tests are about.
            }
        }
    }

    private bool Hear(X509Certificate? shown)
    {
        Clients.Enqueue(shown?.Subject);
        return shown is null || shown.Subject.Length > 0;
    }

    private async Task<RawRequest> ReadAsync(Stream stream)
    {
        var head = new List<byte>();
        var one = new byte[1];
        while (!Encoding.Latin1.GetString([.. head.TakeLast(4)]).Equals("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, _stop.Token);
            head.Add(one[0]);
            // A client that tries TLS first.
            if (head[0] == 0x16)
                throw new IOException("This is no HTTP.");
        }
        var lines = Encoding.Latin1.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
        if (headers.ContainsKey("Expect"))
            await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), _stop.Token);
        var body = new byte[headers.TryGetValue("Content-Length", out var length) ? int.Parse(length) : 0];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return new RawRequest(lines[0].Split(' ')[0], lines[0].Split(' ')[1], headers, body);
    }
}
