using System.Net;

namespace Pail.Remote.Http;

/// <summary>
/// The proxies that HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name and NO_PROXY excepts, in either case of letters, read as docker
/// reads them: <c>example.com</c> excepts its subdomains too, networks may be given, and loopback and link-local addresses, where a cloud gives its machines credentials, are always reached directly.
/// </summary>
internal sealed class EnvironmentProxy : IWebProxy
{
    // What no client can use: a proxy that is not understood must not mean none.
    private static readonly Uri Unusable = new("unusable://proxy.invalid");
    private static readonly IPNetwork LinkLocal = IPNetwork.Parse("169.254.0.0/16");

    private readonly Func<string, string?> _variable;
    private readonly Chosen _https;
    private readonly Chosen _http;
    private readonly string[] _except;

    public EnvironmentProxy(Func<string, string?> variable)
    {
        _variable = variable;
        _https = Proxy("HTTPS_PROXY");
        _http = Proxy("HTTP_PROXY");
        _except = (Value("NO_PROXY") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Credentials = new Logins(_https.Proxy, _http.Proxy);
    }

    public ICredentials? Credentials { get; set; }

    public Uri? GetProxy(Uri destination) => For(destination).Proxy;

    /// <summary>Refuses a request that would go through a proxy whose variable can't be understood.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadInput"/>: it would.</exception>
    public void ThrowIfUnusable(Uri destination)
    {
        if (For(destination).Fault is { } fault && !IsBypassed(destination))
            throw new PailException(Failure.BadInput, fault);
    }

    public bool IsBypassed(Uri host) => host.IsLoopback || IsLinkLocal(host) || GetProxy(host) is null || _except.Any(entry => Excepts(entry, host));

    // Source: RFC 3927, RFC 4291.
    private static bool IsLinkLocal(Uri host) => IPAddress.TryParse(host.DnsSafeHost, out var address) && (address.IsIPv6LinkLocal || LinkLocal.Contains(address));

    private static bool Excepts(string entry, Uri host)
    {
        if (entry == "*")
            return true;
        if (IPNetwork.TryParse(entry, out var network))
            return IPAddress.TryParse(host.DnsSafeHost, out var address) && network.Contains(address);
        var colon = entry.LastIndexOf(':');
        if (colon > 0 && ushort.TryParse(entry.AsSpan(colon + 1), out var port) && entry.IndexOf(':', StringComparison.Ordinal) == colon)
            return host.Port == port && Excepts(entry[..colon], host);
        var name = entry.StartsWith("*.", StringComparison.Ordinal) ? entry[1..] : entry;
        return name.StartsWith('.')
            ? host.DnsSafeHost.EndsWith(name, StringComparison.OrdinalIgnoreCase)
            : host.DnsSafeHost.Equals(name, StringComparison.OrdinalIgnoreCase) || host.DnsSafeHost.EndsWith("." + name, StringComparison.OrdinalIgnoreCase);
    }

    private Chosen For(Uri destination) => destination.Scheme == Uri.UriSchemeHttps ? _https : _http;

    private Chosen Proxy(string name)
    {
        var own = Value(name);
        if ((own ?? Value("ALL_PROXY")) is not { } text)
            return default;
        // curl's name for a SOCKS proxy that looks names up, as .NET has any do.
        if (text.StartsWith("socks5h://", StringComparison.OrdinalIgnoreCase))
            text = $"socks5{text["socks5h".Length..]}";
        if (Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : $"http://{text}", UriKind.Absolute, out var proxy) && proxy.Scheme is "http" or "https" or "socks4" or "socks4a" or "socks5")
            return new(proxy, null);
        return new(Unusable, $"{(own is null ? "ALL_PROXY" : name)} is not the address of a proxy: http://HOST:PORT is expected.");
    }

    private string? Value(string name) => _variable(name.ToLowerInvariant()) is { Length: > 0 } lower ? lower : _variable(name) is { Length: > 0 } upper ? upper : null;

    private readonly record struct Chosen(Uri? Proxy, string? Fault);

    // To each proxy its own login, as its address holds it.
    private sealed class Logins(params Uri?[] proxies) : ICredentials
    {
        public NetworkCredential? GetCredential(Uri uri, string authType) =>
            proxies.FirstOrDefault(proxy => proxy?.Authority == uri.Authority) is { UserInfo: { Length: > 0 } user } ? new NetworkCredential(Part(user, 0), Part(user, 1)) : null;

        private static string Part(string user, int index) => user.Split(':', 2) is var parts && parts.Length > index ? Uri.UnescapeDataString(parts[index]) : "";
    }
}
