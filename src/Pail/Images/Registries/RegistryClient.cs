using System.Net;
using System.Net.Sockets;
using Pail.Oci;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Images.Registries;

/// <summary>Requests to one repository of a registry, without credentials.</summary>
/// <remarks>HTTPS; plain HTTP only on loopback, and only where HTTPS is not answered, as docker does it.</remarks>
internal sealed class RegistryClient : IDisposable
{
    private const double SlowestRate = 256 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly HttpClient _http;
    private readonly Uri _root;
    private readonly RepositoryName _repository;

    private RegistryClient(HttpClient http, Uri root, RepositoryName repository, bool takesDirectUploads) =>
        (_http, _root, _repository, TakesDirectUploads) = (http, root, repository, takesDirectUploads);

    /// <summary>True if the registry lets clients send blobs to its bucket: docs/direct-upload.md.</summary>
    public bool TakesDirectUploads { get; }

    /// <summary>Finds out how a registry is spoken to, and what it can do.</summary>
    /// <exception cref="PailException">It does not answer, or is none.</exception>
    public static async Task<RegistryClient> ConnectAsync(string host, RepositoryName repository, Retry retry, CancellationToken cancel)
    {
        var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(10) }) { Timeout = Timeout.InfiniteTimeSpan };
        try
        {
            var root = new Uri($"https://{host}/v2/");
            using var answer = await PingAsync(http, root, retry, cancel);
            root = answer.RequestMessage!.RequestUri!;
            await ExpectAsync(answer, host, cancel, HttpStatusCode.OK);
            var direct = answer.Headers.TryGetValues("Pail-Extensions", out var extensions) && extensions.Any(value => value.Split(',').Any(one => one.Trim() == "direct-upload"));
            return new RegistryClient(http, root, repository, direct);
        }
        catch
        {
            http.Dispose();
            throw;
        }
    }

    /// <summary>The address of something in the repository, such as <c>blobs/DIGEST</c>.</summary>
    public Uri In(string path) => new(_root, $"{_repository}/{path}");

    /// <summary>Makes a request that is answered at once.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri address, HttpContent? content, CancellationToken cancel, params HttpStatusCode[] expected) =>
        SendAsync(method, address, content, 0, cancel, expected);

    /// <summary>Makes a request once. What is no answer at all is thrown as a failure of the registry.</summary>
    /// <param name="method">The method.</param>
    /// <param name="address">Where.</param>
    /// <param name="content">The body, if any.</param>
    /// <param name="work">How many bytes have to be moved or looked at before the answer comes; it may take as long as that takes, slowly.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <param name="expected">What is no failure.</param>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri address, HttpContent? content, long work, CancellationToken cancel, params HttpStatusCode[] expected)
    {
        using var deadline = new CancellationTokenSource(Patience + TimeSpan.FromSeconds(work / SlowestRate));
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancel);
        using var request = new HttpRequestMessage(method, address) { Content = content };
        foreach (var type in MediaTypes.Manifests)
            request.Headers.Accept.ParseAdd(type);
        HttpResponseMessage answer;
        try
        {
            answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new StoreException(StoreError.Unavailable, $"{address.Authority}: no answer in time.", e);
        }
        catch (HttpRequestException e) when (e.InnerException is not PailException)
        {
            throw new StoreException(StoreError.Unavailable, $"{address.Authority}: {Printable.Line(e.Message)}", e);
        }
        catch (HttpRequestException e)
        {
            // The source of the body failed, not the registry.
            throw e.InnerException!;
        }
        try
        {
            await ExpectAsync(answer, address.Authority, cancel, expected);
            return answer;
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static Task<HttpResponseMessage> PingAsync(HttpClient http, Uri root, Retry retry, CancellationToken cancel) => retry.RunAsync(
        async token =>
        {
            try
            {
                return await http.GetAsync(root, token);
            }
            catch (HttpRequestException) when (root.IsLoopback)
            {
                root = new UriBuilder(root) { Scheme = "http", Port = root.IsDefaultPort ? 80 : root.Port }.Uri;
                return await http.GetAsync(root, token);
            }
            catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.HostNotFound })
            {
                throw new PailException(Failure.NotFound, $"{root.Host}: no such host.", e);
            }
        },
        cancel);

    private static async Task ExpectAsync(HttpResponseMessage answer, string host, CancellationToken cancel, params HttpStatusCode[] expected)
    {
        if (expected.Contains(answer.StatusCode))
            return;
        var status = (int)answer.StatusCode;
        var text = await answer.Content.ReadAsStringAsync(cancel);
        var message = $"{host}: {status} {answer.ReasonPhrase} {Printable.Line(text, 200)}".TrimEnd();
        throw status switch
        {
            429 => new StoreException(StoreError.Throttled, message) { RetryAfter = answer.Headers.RetryAfter?.Delta },
            >= 500 => new StoreException(StoreError.Unavailable, message) { RetryAfter = answer.Headers.RetryAfter?.Delta },
            401 or 403 => new PailException(Failure.Denied, message),
            404 => new PailException(Failure.NotFound, message),
            _ => new PailException(Failure.BadInput, message),
        };
    }
}
