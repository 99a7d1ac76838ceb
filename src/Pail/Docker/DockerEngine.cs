using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Docker;

/// <summary>A Docker Engine, or what speaks its API, at a socket. Source: Docker Engine API, "Images".</summary>
/// <remarks>Requests name no version of the API: what is asked for here has been the same in all of them.</remarks>
internal sealed class DockerEngine : IDisposable
{
    private const int MaxAnswer = 8 << 20;

    private readonly string _host;
    private readonly HttpClient _http;

    /// <summary>The engine at an address: <c>unix:///path</c> or <c>tcp://host:port</c>.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: another kind of address.</exception>
    public DockerEngine(string host)
    {
        _host = host;
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(20), AllowAutoRedirect = false };
        if (host.StartsWith("unix://", StringComparison.Ordinal))
            handler.ConnectCallback = (_, cancel) => ConnectAsync(host["unix://".Length..], cancel);
        else if (!Uri.TryCreate(host, UriKind.Absolute, out var uri) || uri.Scheme is not ("tcp" or "http") || uri.UserInfo.Length > 0)
            throw new PailException(Failure.BadInput, $"Docker's address {SafeText.OneLine(Redacted(host))} can't be used: unix:///PATH or tcp://HOST:PORT without TLS is expected in DOCKER_HOST.");
        // Loading and saving take as long as they take.
        _http = new HttpClient(handler) { BaseAddress = Base(host), Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>The engine that Docker's own command would use here.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: it can't be reached by these means.</exception>
    public static DockerEngine FromEnvironment()
    {
        var host = DockerHost.Find(Environment.GetEnvironmentVariable);
        return host.StartsWith("tcp://", StringComparison.Ordinal) && !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("DOCKER_TLS_VERIFY"))
            ? throw new PailException(Failure.BadInput, "DOCKER_TLS_VERIFY is set, and Pail speaks to Docker without TLS only: forward its socket (ssh -L) and set DOCKER_HOST=unix:///PATH.")
            : new DockerEngine(host);
    }

    /// <summary>An image as the engine states it; null if there is no such image.</summary>
    /// <param name="image">Name, name with tag or digest, or id.</param>
    /// <param name="cancel">Ends the request.</param>
    internal async Task<EngineImage?> FindAsync(string image, CancellationToken cancel)
    {
        if (!DockerName.IsSafe(image))
            throw new PailException(Failure.BadInput, $"docker-daemon:{SafeText.OneLine(image)}: Docker knows no image of such a name.");
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/images/{image}/json"), cancel);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return null;
        await ThrowIfFailedAsync(response, cancel);
        var answer = await ReadAsync(response, cancel);
        try
        {
            using var document = JsonText.Parse(answer);
            var id = new ManifestReader(document.RootElement).Text("Id") ?? throw new FormatException("it has no Id");
            return new EngineImage(id, DiffIds(document.RootElement), IsUnpacked(document.RootElement));
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw new PailException(Failure.Unavailable, $"Docker at {_host} gave an answer that makes no sense about {SafeText.OneLine(image)}: {JsonText.Why(e)}.", e);
        }
    }

    /// <summary>The tar of an image, as <c>docker save</c> writes it. Disposing the stream ends the request.</summary>
    internal async Task<Stream> SaveAsync(string id, CancellationToken cancel)
    {
        var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, $"/images/{id}/get"), cancel);
        await ThrowIfFailedAsync(response, cancel);
        return await response.Content.ReadAsStreamAsync(cancel);
    }

    /// <summary>Loads the tar of an image. Returns what the engine answered: JSON values, one after the other.</summary>
    internal async Task<byte[]> LoadAsync(HttpContent tar, CancellationToken cancel)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Post, "/images/load?quiet=1") { Content = tar }, cancel);
        await ThrowIfFailedAsync(response, cancel);
        return await ReadAsync(response, cancel);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static Uri Base(string host) => host.StartsWith("unix://", StringComparison.Ordinal)
        ? new Uri("http://docker")
        : new UriBuilder(host) { Scheme = "http", Path = "" }.Uri;

    private static string Redacted(string host) => host.IndexOf('@', StringComparison.Ordinal) is >= 0 and var at ? "…" + host[at..] : host;

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancel)
    {
        // The error of connecting to nothing says "can't assign address".
        if (!File.Exists(path))
            throw new PailException(Failure.Unavailable, $"Docker's socket {SafeText.OneLine(path)} is not there. Is Docker running? DOCKER_HOST says where it listens.");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        }
        catch (HttpRequestException e) when (e.InnerException is PailException cause)
        {
            // What stopped the body from being written says more than that it was.
            ExceptionDispatchInfo.Throw(cause);
            throw;
        }
        catch (HttpRequestException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
        {
            throw new PailException(Failure.Denied, $"Docker's socket {_host} may not be used by this user: use sudo, or join the group that owns it (usually docker).", e);
        }
        catch (HttpRequestException e) when (e.HttpRequestError is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError))
        {
            throw new PailException(Failure.Unavailable, $"Docker at {_host} broke off: {SafeText.OneLine((e.InnerException ?? e).Message)}", e);
        }
        catch (HttpRequestException e)
        {
            var why = (e.InnerException ?? e).Message;
            throw new PailException(Failure.Unavailable, $"Docker can't be reached at {_host}: {SafeText.OneLine(why)}. Is it running? DOCKER_HOST says where it listens.", e);
        }
    }

    private async Task ThrowIfFailedAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        if (response.IsSuccessStatusCode)
            return;
        using (response)
        {
            var said = MessageIn(await ReadAsync(response, cancel));
            var failure = (int)response.StatusCode switch
            {
                404 => Failure.NotFound,
                400 => Failure.BadInput,
                401 or 403 => Failure.Denied,
                _ => Failure.Unavailable,
            };
            throw new PailException(failure, $"Docker at {_host} answered {(int)response.StatusCode}: {(said.Length == 0 ? response.ReasonPhrase : said)}.");
        }
    }

    private static List<Digest> DiffIds(JsonElement image)
    {
        var diffIds = new List<Digest>();
        if (image.TryGetProperty("RootFS", out var root) && root.ValueKind == JsonValueKind.Object && root.TryGetProperty("Layers", out var layers) && layers.ValueKind == JsonValueKind.Array)
            foreach (var layer in layers.EnumerateArray())
                if (layer.ValueKind == JsonValueKind.String && Digest.TryParse(layer.GetString(), out var diffId))
                    diffIds.Add(diffId);
        return diffIds;
    }

    // Only a graph driver has something to say of where it unpacked the image; the containerd image store says nothing.
    private static bool IsUnpacked(JsonElement image) =>
        image.TryGetProperty("GraphDriver", out var driver) && driver.ValueKind == JsonValueKind.Object && driver.TryGetProperty("Data", out var data) && data.ValueKind == JsonValueKind.Object && data.EnumerateObject().Any();

    private static string MessageIn(byte[] answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            return SafeText.OneLine(document.RootElement.GetProperty("message").GetString(), 400).TrimEnd('.');
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return SafeText.OneLine(System.Text.Encoding.UTF8.GetString(answer), 400).Trim();
        }
    }

    private async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancel);
        using var answer = new MemoryStream();
        var buffer = new byte[16 << 10];
        for (int read; (read = await body.ReadAsync(buffer, cancel)) > 0;)
        {
            if (answer.Length + read > MaxAnswer)
                throw new PailException(Failure.Unavailable, $"Docker at {_host} gave an answer of more than {MaxAnswer} bytes.");
            answer.Write(buffer, 0, read);
        }
        return answer.ToArray();
    }
}

/// <summary>An image in an engine.</summary>
/// <param name="Id">The engine's id of it.</param>
/// <param name="DiffIds">The digests of its layers' tars, as far as it says them.</param>
/// <param name="IsUnpacked">True if it certainly lies in the classic store, which keeps layers unpacked, and no manifests.</param>
internal sealed record EngineImage(string Id, IReadOnlyList<Digest> DiffIds, bool IsUnpacked);
