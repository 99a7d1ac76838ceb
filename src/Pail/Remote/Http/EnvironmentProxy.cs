using System.Net;

namespace Pail.Remote.Http;

/// <summary>
/// The proxies that HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name and NO_PROXY excepts, in either case of letters, read as docker
/// reads them: <c>example.com</c> excepts its subdomains too, networks may be given, and loopback and link-local addresses, where a cloud gives its machines credentials, are always reached directly.
/// </summary>
internal sealed class EnvironmentProxy : IWebProxy
{
    private static readonly IPNetwork LinkLocal = IPNetwork.Parse("169.254.0.0/16");

    private readonly Func<string, string?> _variable;
    private readonly Uri? _https;
    private readonly Uri? _http;
    private readonly string[] _except;

    public EnvironmentProxy(Func<string, string?> variable)
    {
        _variable = variable;
        _https = Proxy("HTTPS_PROXY");
        _http = Proxy("HTTP_PROXY");
        _except = (Value("NO_PROXY") ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Credentials = new Logins(_https, _http);
    }

    public ICredentials? Credentials { get; set; }

    public Uri? GetProxy(Uri destination) => destination.Scheme == Uri.UriSchemeHttps ? _https : _http;

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

    private Uri? Proxy(string name)
    {
        var own = Value(name);
        if ((own ?? Value("ALL_PROXY")) is not { } text)
            return null;
        // curl's name for a SOCKS proxy that looks names up, as .NET has any do.
        if (text.StartsWith("socks5h://", StringComparison.OrdinalIgnoreCase))
            text = $"socks5{text["socks5h".Length..]}";
        if (Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : $"http://{text}", UriKind.Absolute, out var proxy) && proxy.Scheme is "http" or "https" or "socks4" or "socks4a" or "socks5")
            return proxy;
        throw new PailException(Failure.BadInput, $"{(own is null ? "ALL_PROXY" : name)} is not the address of a proxy: http://HOST:PORT is expected.");
    }

    private string? Value(string name) => _variable(name.ToLowerInvariant()) is { Length: > 0 } lower ? lower : _variable(name) is { Length: > 0 } upper ? upper : null;

    // To each proxy its own login, as its address holds it.
    private sealed class Logins(params Uri?[] proxies) : ICredentials
    {
        public NetworkCredential? GetCredential(Uri uri, string authType) =>
            proxies.FirstOrDefault(proxy => proxy?.Authority == uri.Authority) is { UserInfo: { Length: > 0 } user } ? new NetworkCredential(Part(user, 0), Part(user, 1)) : null;

        private static string Part(string user, int index) => user.Split(':', 2) is var parts && parts.Length > index ? Uri.UnescapeDataString(parts[index]) : "";
    }
}
