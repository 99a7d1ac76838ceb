using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using Pail.Oci;
using Pail.Stores;
using Pail.Telemetry;
using Pail.Transfer;

namespace Pail.Remote.Http;

/// <summary>
/// Makes single requests to a registry, and to those it refers us to. HTTPS; HTTP if told so, and on loopback if HTTPS is not
/// answered, as docker does it. Every wait is bounded.
/// </summary>
internal sealed class RegistryWire : IDisposable
{
    // One that is refused is answered before its body is sent.
    private const long ExpectContinueFrom = 1 << 20;

    private readonly RegistryOptions _options;
    private readonly Connections _connections;
    private volatile bool _expectsNothing;

    public RegistryWire(string host, RegistryOptions options)
    {
        // Docker Hub's API is not where its name leads.
        Origins = new Origins(new Uri($"{(options.IsPlain(host) ? "http" : "https")}://{(host == DockerHub.Name ? DockerHub.Api : host)}/v2/"));
        (_options, _connections) = (options, new Connections(host, Origins, options));
    }

    /// <summary>Who is who.</summary>
    public Origins Origins { get; }

    /// <summary>Makes a request once.</summary>
    /// <param name="request">What to ask.</param>
    /// <param name="address">Where: the request's own address, or where that led.</param>
    /// <param name="authorization">What proves who asks; not sent to anybody but the registry, unless told so.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <param name="authorizeOthers">The address is the realm's: it is to know.</param>
    /// <exception cref="PailException">There was no answer.</exception>
    public async Task<RegistryAnswer> SendAsync(RegistryRequest request, Uri address, AuthenticationHeaderValue? authorization, CancellationToken cancel, bool authorizeOthers = false)
    {
        _connections.ThrowIfProxyUnusable(address);
        var own = Origins.IsOwn(address);
        var guard = new StallGuard(cancel, _options.Time);
        using var span = BeginSpan(request.Method, address, own);
        try
        {
            using var message = Message(request, address, own || authorizeOthers ? authorization : null, guard);
            if (own && span?.Id is { } id)
                message.Headers.TryAddWithoutValidation("traceparent", id);
            guard.Allow(_options.Patience);
            var response = await (own ? _connections.Own : _connections.Others).SendAsync(message, HttpCompletionOption.ResponseHeadersRead, guard.Token);
            guard.Pause();
            span?.SetTag("http.response.status_code", (int)response.StatusCode);
            var answer = new RegistryAnswer(response, guard, _options);
            if (answer.Status != HttpStatusCode.ExpectationFailed || message.Headers.ExpectContinue != true)
                return answer;
            // Some proxies know no "Expect: 100-continue". Source: RFC 9110, 15.5.18.
            _expectsNothing = true;
            answer.Dispose();
            return request.CanRepeat
                ? await SendAsync(request, address, authorization, cancel, authorizeOthers)
                : throw new StoreException(StoreError.Unavailable, $"{address.Authority}: 417; the body is sent without asking first.");
        }
        // Somebody else may have found it out meanwhile.
        catch (HttpRequestException e) when (own && (Rebased(address) != address || MaySpeakHttp(e)))
        {
            guard.Dispose();
            if (Origins.Registry is { Scheme: "https" } root)
                Origins.Registry = new UriBuilder(root) { Scheme = "http", Port = root.IsDefaultPort ? 80 : root.Port }.Uri;
            return await SendAsync(request, Rebased(address), authorization, cancel);
        }
        catch (Exception e)
        {
            span.Fail(e);
            var error = cancel.IsCancellationRequested ? null : Translate(e, address, guard.Expired);
            guard.Dispose();
            throw error as Exception ?? (cancel.IsCancellationRequested ? new OperationCanceledException(e.Message, e, cancel) : e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _connections.Dispose();

    /// <summary>An address of the registry, made before it was known how it is spoken to.</summary>
    public Uri Rebased(Uri address) => address.Host == Origins.Registry.Host && address.Scheme != Origins.Registry.Scheme
        ? new UriBuilder(address) { Scheme = Origins.Registry.Scheme, Port = Origins.Registry.Port }.Uri
        : address;

    // No query, and of others than the registry no path: addresses that are signed, and sessions, are as good as a password.
    private static Activity? BeginSpan(HttpMethod method, Uri address, bool own)
    {
        if (PailTelemetry.Spans.StartActivity($"HTTP {method.Method}", ActivityKind.Client) is not { } span)
            return null;
        span.SetTag("http.request.method", method.Method).SetTag("server.address", address.Host).SetTag("server.port", address.Port);
        var path = address.AbsolutePath;
        if (own)
            span.SetTag("url.path", path.IndexOf("uploads/", StringComparison.Ordinal) is var at and >= 0 ? path[..(at + 8)] : path);
        return span;
    }

    private HttpRequestMessage Message(RegistryRequest request, Uri address, AuthenticationHeaderValue? authorization, StallGuard guard)
    {
        var message = new HttpRequestMessage(request.Method, address) { Content = request.Body?.Invoke(guard) };
        foreach (var type in request.Accept)
            message.Headers.Accept.ParseAdd(type);
        message.Headers.AcceptEncoding.ParseAdd("identity");
        message.Headers.UserAgent.ParseAdd("pail");
        message.Headers.Authorization = authorization;
        message.Headers.Range = request.Range;
        message.Headers.ExpectContinue = !_expectsNothing && message.Content?.Headers.ContentLength >= ExpectContinueFrom;
        return message;
    }

    // Who shows a certificate speaks TLS, whatever we think of it.
    private bool MaySpeakHttp(HttpRequestException e) =>
        Origins.Registry is { Scheme: "https", IsLoopback: true } && _connections.Refused is null
        && e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError;

    private PailException? Translate(Exception error, Uri address, bool expired) => error switch
    {
        // The source of the body failed, or we won't go there.
        HttpRequestException { InnerException: PailException cause } => cause,
        OperationCanceledException when expired => new StoreException(StoreError.Unavailable, $"{address.Authority}: nothing moved for {_options.Patience.TotalSeconds:0.#} s.", error),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } when _connections.Refused is { } why =>
            new PailException(Failure.Denied, $"{address.Authority} can't be trusted: {why}.", error),
        _ when RefusesUs(error) is { } said =>
            new PailException(Failure.Denied, $"{address.Authority} wants a client certificate, or another than ours ({SafeText.OneLine(said)}): X.cert with its X.key in --cert-dir or certs.d is shown to it.", error),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
            new PailException(Failure.Unavailable, $"{address.Authority} does not speak TLS as we do: {SafeText.OneLine((error.InnerException ?? error).Message)} If it is meant to be spoken to without encryption, --plain-http-host {address.Authority} does so.", error),
        HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData } } =>
            new PailException(Failure.NotFound, $"{Way(address)}: there is no such host.", error),
        HttpRequestException { HttpRequestError: HttpRequestError.ProxyTunnelError } when error.Message.Contains("'407'", StringComparison.Ordinal) =>
            new PailException(Failure.Denied, $"{Way(address)}: 407 Proxy Authentication Required. The proxy's variable holds no login, or a wrong one: http://NAME:PASSWORD@HOST:PORT.", error),
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.InvalidResponse } =>
            new PailException(Failure.BadContent, $"{address.Authority}: the answer is no HTTP that can be used: {SafeText.OneLine(error.Message)}", error),
        HttpRequestException or IOException => new StoreException(StoreError.Unavailable, $"{Way(address)}: {SafeText.OneLine((error.InnerException ?? error).Message)}", error),
        _ => null,
    };

    // Through a proxy, whoever failed may be either.
    private string Way(Uri address) => _connections.Proxy(address) is { } proxy ? $"{address.Authority} through the proxy {proxy.Authority}" : address.Authority;

    // What OpenSSL says of an alert that came (RFC 8446, 6.2); with TLS 1.3 it comes after the handshake, in place of an answer.
    private static string? RefusesUs(Exception error) =>
        error is HttpRequestException or IOException && error.GetBaseException() is CryptographicException { Message: var said } && said.IndexOf(" alert ", StringComparison.Ordinal) is >= 0 and var at
        && (said.AsSpan(at).Contains("certificate", StringComparison.Ordinal) || said.AsSpan(at).Contains("unknown ca", StringComparison.Ordinal)) ? said[(at + 1)..] : null;
}
