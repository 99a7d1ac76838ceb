using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Pail.Remote.Http;

/// <summary>The connections to a registry, and those to whom it refers us: these see no client certificate, and no host of ours.</summary>
internal sealed class Connections : IDisposable
{
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");

    private readonly Origins _origins;
    private readonly CertificateFiles _certificates;
    private readonly EnvironmentProxy _proxy;

    public Connections(string host, Origins origins, RegistryOptions options)
    {
        (_origins, _certificates) = (origins, CertificateFiles.Load(host, options));
        _proxy = new EnvironmentProxy(options.Variable);
        Own = Client(own: true);
        Others = Client(own: false);
    }

    /// <summary>To the registry.</summary>
    public HttpClient Own { get; }

    /// <summary>To anybody else.</summary>
    public HttpClient Others { get; }

    /// <summary>The proxy on the way to an address; null if there is none.</summary>
    public Uri? Proxy(Uri address) => _proxy.IsBypassed(address) ? null : _proxy.GetProxy(address);

    /// <summary>Refuses a request that would go through a proxy whose variable can't be understood.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: it would.</exception>
    public void ThrowIfProxyUnusable(Uri address) => _proxy.ThrowIfUnusable(address);

    /// <summary>Why the registry's certificate was refused, if it was.</summary>
    public string? Refused { get; private set; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Own.Dispose();
        Others.Dispose();
    }

    private HttpClient Client(bool own)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            // The registry alone hears of traces: RegistryWire tells it.
            ActivityHeadersPropagator = null,
            Proxy = _proxy,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            MaxResponseHeadersLength = 64,
            MaxResponseDrainSize = 64 << 10,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            ConnectCallback = (context, cancel) => ConnectAsync(context, own, cancel),
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = Trusts },
        };
        if (own && _certificates.Client.Count > 0)
            handler.SslOptions.LocalCertificateSelectionCallback = (_, _, _, _, _) => _certificates.Client[0];
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, bool own, CancellationToken cancel)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancel);
        // A proxy connects for us, and looks names up itself.
        var direct = context.InitialRequestMessage.RequestUri is { } target && target.DnsSafeHost.Equals(context.DnsEndPoint.Host, StringComparison.OrdinalIgnoreCase);
        if (direct && !own && addresses.Any(_origins.IsOffLimits))
            throw new PailException(Failure.BadContent, $"{context.DnsEndPoint.Host}, where a registry elsewhere leads to, is an address of this machine or network.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancel);
            if (direct && own && socket.RemoteEndPoint is IPEndPoint { Address: var address } && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
                _origins.IsLocal = true;
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private bool Trusts(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None || (errors == SslPolicyErrors.RemoteCertificateChainErrors && certificate is X509Certificate2 leaf && IsOurs(leaf, chain)))
            return true;
        Refused = errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? "its certificate is for another name"
            : errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable) ? "it has no certificate"
            : certificate is X509Certificate2 { NotAfter: var end } && end < TimeProvider.System.GetLocalNow().DateTime ? $"its certificate expired on {end:yyyy-MM-dd}"
            : $"its certificate is not trusted ({chain?.ChainStatus.Select(status => status.Status.ToString()).FirstOrDefault() ?? "no chain"}); --ca-cert or certs.d name the authority that issued it";
        return false;
    }

    private bool IsOurs(X509Certificate2 leaf, X509Chain? shown)
    {
        if (_certificates.Authorities.Count == 0)
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_certificates.Authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(ServerAuthentication);
        foreach (var element in shown?.ChainElements.AsEnumerable() ?? [])
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(leaf);
    }
}
