using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Pail.Places;
using Pail.S3;
using Pail.Stores;
using Pail.Tests.Kit.Proxy;

namespace Pail.Tests.S3;

/// <summary>A store that answers what a test tells it to, and remembers what it was asked, header by header.</summary>
internal sealed class FakeStore : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly X509Certificate2? _certificate;
    private readonly Func<Asked, string?> _answer;
    private readonly Lock _lock = new();
    private readonly List<Asked> _asked = [];

    /// <param name="answer">The answer, status line to body; null to take the head of the request and go silent.</param>
    /// <param name="certificate">For TLS.</param>
    public FakeStore(Func<Asked, string?> answer, X509Certificate2? certificate = null)
    {
        (_answer, _certificate) = (answer, certificate);
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>A request: its head and its body.</summary>
    public sealed record Asked(HttpHead Head, byte[] Body)
    {
        public string Raw => Encoding.Latin1.GetString(Head.ToBytes()) + Encoding.Latin1.GetString(Body);
    }

    public string Endpoint => $"{(_certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public IReadOnlyList<Asked> Requests
    {
        get
        {
            lock (_lock)
                return [.. _asked];
        }
    }

    public S3Options Options(Amazon.Runtime.AWSCredentials? credentials = null) => new(new BucketRoot.Url("s3", "bucket", ""))
    {
        Endpoint = Endpoint,
        Credentials = credentials ?? new Amazon.Runtime.BasicAWSCredentials("ACCESSKEY", "SECRETKEY"),
    };

    public S3Store Open() => S3Store.Open(Options(), new RequestMeter());

    /// <summary>An answer with a body.</summary>
    public static string Answer(int status, string body = "", string headers = "") =>
        $"HTTP/1.1 {status} Because\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n{headers}\r\n{body}";

    /// <summary>An error as S3 writes it.</summary>
    public static string Error(int status, string code, string more = "", string headers = "") =>
        Answer(status, $"<?xml version=\"1.0\"?><Error><Code>{code}</Code>{more}</Error>", headers);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token), _end.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client, CancellationToken cancel)
    {
        using var owned = client;
        try
        {
            await using var stream = await OpenAsync(client.GetStream(), cancel);
            var reader = new HttpReader(stream);
            while (await HttpHead.ReadAsync(reader, cancel) is { } head)
            {
                if (_answer(new Asked(head, [])) is null)
                {
                    Note(new Asked(head, []));
                    await Task.Delay(Timeout.Infinite, cancel);
                }
                if (head["Expect"] is not null)
                    await stream.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray(), cancel);
                using var body = new MemoryStream();
                await reader.ReadBodyAsync(head, isResponse: false, bytes =>
                {
                    body.Write(bytes.Span);
                    return Task.FromResult(true);
                }, cancel);
                var asked = new Asked(head, body.ToArray());
                Note(asked);
                await stream.WriteAsync(Encoding.UTF8.GetBytes(_answer(asked)!), cancel);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // The client has gone, or the test is over.
        }
    }

    private async Task<Stream> OpenAsync(NetworkStream stream, CancellationToken cancel)
    {
        if (_certificate is null)
            return stream;
        var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, cancel);
        return tls;
    }

    private void Note(Asked asked)
    {
        lock (_lock)
            _asked.Add(asked);
    }
}
