using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Pail.Cli.Demo;

/// <summary>A request that was answered.</summary>
internal sealed record ServedRequest(string Method, string Path, int Status, string ContentType, long Length, string Client);

/// <summary>
/// A web server for the files of a folder, on loopback, that knows nothing of images: a path is a file's name but for its
/// extension, and the extension is its content type. What nginx does with <c>try_files</c> and a map of types.
/// </summary>
internal sealed class PlainFileServer : IAsyncDisposable
{
    // The extensions that file: buckets have, in the order they count; docs/public-buckets.md has the same for nginx.
    private static readonly (string Extension, string Type)[] Types =
    [
        (".@blob", "application/octet-stream"),
        (".@oci-manifest", "application/vnd.oci.image.manifest.v1+json"),
        (".@docker-manifest", "application/vnd.docker.distribution.manifest.v2+json"),
        (".@oci-index", "application/vnd.oci.image.index.v1+json"),
        (".@docker-list", "application/vnd.docker.distribution.manifest.list.v2+json"),
        (".@json", "application/json"),
    ];

    private readonly string _folder;
    private readonly HttpListener _listener;
    private readonly Task _loop;
    private readonly ConcurrentQueue<ServedRequest> _log = new();

    private PlainFileServer(string folder, HttpListener listener, Uri address)
    {
        _folder = folder;
        _listener = listener;
        Address = address;
        _loop = Task.Run(ServeAsync);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>What it answered, in order.</summary>
    public IReadOnlyCollection<ServedRequest> Log => _log;

    /// <summary>Starts on a free port of 127.0.0.1.</summary>
    public static PlainFileServer Start(string folder)
    {
        for (var tries = 0; ; tries++)
        {
            var address = new Uri($"http://127.0.0.1:{FreePort()}/");
            var listener = new HttpListener { Prefixes = { address.ToString() } };
            try
            {
                listener.Start();
                return new PlainFileServer(folder, listener, address);
            }
            catch (HttpListenerException) when (tries < 10)
            {
                // Somebody else took the port just now.
            }
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }
            _ = AnswerAsync(context);
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        var (request, response) = (context.Request, context.Response);
        var path = request.Url?.AbsolutePath ?? "/";
        try
        {
            if (request.HttpMethod is not ("GET" or "HEAD"))
                response.StatusCode = 405;
            else if (Find(Uri.UnescapeDataString(path)) is not { } file)
                response.StatusCode = 404;
            else
            {
                response.ContentType = file.Type;
                response.ContentLength64 = new FileInfo(file.Path).Length;
                if (request.HttpMethod == "GET")
                    await response.OutputStream.WriteAsync(await File.ReadAllBytesAsync(file.Path));
            }
            // Logged before the client can know that it is answered.
            _log.Enqueue(new(request.HttpMethod, path, response.StatusCode, response.ContentType ?? "", response.ContentLength64, request.UserAgent ?? ""));
            response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or IOException)
        {
            response.Abort(); // The client went away.
        }
    }

    private (string Path, string Type)? Find(string path)
    {
        if (path.Split('/').Any(part => part is "." or "..") || path.Contains('\0', StringComparison.Ordinal))
            return null;
        foreach (var (extension, type) in Types)
            if (File.Exists(_folder + path + extension))
                return (_folder + path + extension, type);
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _loop;
    }
}
