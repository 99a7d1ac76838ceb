using Pail.Tests.Images;

namespace Pail.Tests.Kit.Servers;

/// <summary>Three replicas of <c>pail serve</c> behind HAProxy, set up as docs/server.md advises, but that a replica which answers late is not down.</summary>
internal sealed class BalancedReplicas : IAsyncDisposable
{
    private readonly IReadOnlyList<string> _arguments;
    private readonly PailCli _pail;
    private readonly PailServer?[] _servers = new PailServer?[Count];
    private readonly int[] _ports = [.. Enumerable.Range(0, Count).Select(_ => PailServer.FreePort())];
    private Child? _proxy;

    private BalancedReplicas(IReadOnlyList<string> arguments, string? certificate, string? authority)
    {
        _arguments = arguments;
        // Clients that came by TLS are redirected to the bucket by TLS, too.
        _pail = certificate is null ? PailCli.Direct : new PailCli(new Uri($"https://127.0.0.1:{StorePort}")) { Variables = new Dictionary<string, string> { ["SSL_CERT_FILE"] = authority! } };
    }

    /// <summary>How many there are.</summary>
    public const int Count = 3;

    /// <summary>The port of HAProxy.</summary>
    public int Port { get; } = PailServer.FreePort();

    /// <summary>The port at which HAProxy passes on to Ceph RGW, if there is TLS.</summary>
    private int StorePort { get; } = PailServer.FreePort();

    /// <summary>The replicas themselves.</summary>
    public IEnumerable<PailServer> Each => _servers.OfType<PailServer>();

    /// <summary>Starts them.</summary>
    /// <param name="folder">Where files of the proxy are written.</param>
    /// <param name="arguments">The bucket, and options that all have.</param>
    /// <param name="own">Options that each has besides at first.</param>
    /// <param name="certificate">A file with certificate and key, for TLS; null for plain HTTP.</param>
    /// <param name="authority">A file with the certificate of the authority that issued it.</param>
    public static async Task<BalancedReplicas> StartAsync(TestFolder folder, IReadOnlyList<string> arguments, IReadOnlyList<string>? own = null, string? certificate = null, string? authority = null)
    {
        var replicas = new BalancedReplicas(arguments, certificate, authority);
        try
        {
            await File.WriteAllTextAsync(folder["haproxy.cfg"], replicas.Configuration(certificate));
            replicas._proxy = Child.Start("/usr/sbin/haproxy", ["-db", "-f", folder["haproxy.cfg"]]);
            await Task.WhenAll(Enumerable.Range(0, Count).Select(index => replicas.StartAsync(index, own ?? [])));
            await Eventually.TrueAsync(() => replicas.AnswersAsync(certificate is null ? "http" : "https"));
            return replicas;
        }
        catch
        {
            await replicas.DisposeAsync();
            throw;
        }
    }

    /// <summary><c>kill -9</c> of one, which is then started again.</summary>
    public async Task KillAsync(int index)
    {
        await _servers[index]!.KillAsync();
        await StartAgainAsync(index, []);
    }

    /// <summary>Stops one as an administrator does, and starts it again with other options of its own.</summary>
    public async Task RestartAsync(int index, params IReadOnlyList<string> own)
    {
        await _servers[index]!.StopAsync();
        await StartAgainAsync(index, own);
    }

    public async ValueTask DisposeAsync()
    {
        if (_proxy is not null)
            await _proxy.DisposeAsync();
        foreach (var server in Each)
            await server.DisposeAsync();
    }

    // Until HAProxy has seen a replica it answers 503.
    private async Task<bool> AnswersAsync(string scheme) =>
        (await Child.RunAsync("/usr/bin/curl", ["-sk", "-o", "/dev/null", "-w", "%{http_code}", $"{scheme}://127.0.0.1:{Port}/v2/"])).Output is "200" or "401";

    private async Task StartAgainAsync(int index, IReadOnlyList<string> own)
    {
        await _servers[index]!.DisposeAsync();
        await StartAsync(index, own);
    }

    private async Task StartAsync(int index, IReadOnlyList<string> own) =>
        _servers[index] = await PailServer.StartAsync(_pail, [.. _arguments, .. own, "--log", "off", "--trusted-proxy", "127.0.0.1"], _ports[index]);

    private string Configuration(string? certificate) => $"""
        defaults
            mode http
            timeout connect 1m
            timeout check 1m
            timeout client 10m
            timeout server 10m
        frontend registry
            bind 127.0.0.1:{Port}{(certificate is null ? "" : $" ssl crt {certificate} alpn h2,http/1.1")}
            default_backend pail
        backend pail
            balance roundrobin
            option httpchk GET /readyz
            option redispatch 1
            retry-on conn-failure
            http-request set-header X-Forwarded-Proto {(certificate is null ? "http" : "https")}
            http-request set-header X-Forwarded-Host %[req.hdr(Host)]
            option forwardfor
            default-server check inter 500ms fall 1 rise 1
        {string.Join('\n', _ports.Select((port, index) => $"    server r{index} 127.0.0.1:{port}"))}
        {(certificate is null ? "" : $"""
        frontend store
            bind 127.0.0.1:{StorePort} ssl crt {certificate}
            default_backend ceph
        backend ceph
            server ceph {TestEnvironment.S3.Authority}
        """)}

        """;
}
