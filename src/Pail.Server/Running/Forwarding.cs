using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace Pail.Server.Running;

/// <summary>
/// Believes what trusted proxies say of the requests they pass on. The framework's ForwardedHeadersMiddleware decides and
/// applies it; what that does not know is written in its headers first: <c>X-Forwarded-Port</c>, and <c>Forwarded</c> of
/// RFC 7239, which counts only where there is no <c>X-Forwarded-*</c>.
/// </summary>
internal static class Forwarding
{
    private const string For = "X-Forwarded-For";
    private const string Host = "X-Forwarded-Host";
    private const string Proto = "X-Forwarded-Proto";
    private const string Port = "X-Forwarded-Port";

    // The middleware leaves the old values under these names when it has applied new ones; those that clients send are removed.
    private const string OriginalHost = "X-Original-Host";
    private const string OriginalProto = "X-Original-Proto";

    /// <summary>Adds it to a server.</summary>
    /// <param name="app">The server.</param>
    /// <param name="trusted">The networks proxies are in; if there are none, no such header means anything.</param>
    public static void Use(WebApplication app, IReadOnlyList<IPNetwork> trusted)
    {
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedHost | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var network in trusted)
            options.KnownIPNetworks.Add(network);
        app.Use((context, next) =>
        {
            Prepare(context.Request);
            return next(context);
        });
        // Without networks the middleware would trust everybody.
        if (trusted.Count > 0)
            app.UseForwardedHeaders(options);
    }

    /// <summary>How the client reached the proxy, such as <c>https://registry.example:8443</c>; empty if no trusted proxy said so.</summary>
    public static string Origin(HttpContext context)
    {
        var request = context.Request;
        return (request.Headers.ContainsKey(OriginalHost) || request.Headers.ContainsKey(OriginalProto)) && request.Scheme is "http" or "https" && request.Host.HasValue
            ? $"{request.Scheme}://{request.Host.Value}"
            : "";
    }

    /// <summary>True if a host is this machine's loopback, by address or as <c>localhost</c>.</summary>
    public static bool NamesLoopback(HostString host) =>
        host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (System.Net.IPAddress.TryParse(host.Host.Trim('[', ']'), out var address) && System.Net.IPAddress.IsLoopback(address));

    /// <summary>Who makes a request, as history tells it: the user if that is known, and the address.</summary>
    public static string Requester(HttpContext context) => context.User.Identity is { IsAuthenticated: true, Name: { Length: > 0 } name } ? $"{name}@{Client(context)}" : Client(context);

    /// <summary>The address of the client, as far as trusted proxies tell it.</summary>
    public static string Client(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";

    /// <summary>Writes what the middleware does not know in the headers it knows.</summary>
    internal static void Prepare(HttpRequest request)
    {
        var headers = request.Headers;
        headers.Remove(OriginalHost);
        headers.Remove(OriginalProto);
        if (headers.TryGetValue("Forwarded", out var standard) && !headers.ContainsKey(For) && !headers.ContainsKey(Host) && !headers.ContainsKey(Proto) && !headers.ContainsKey(Port))
        {
            foreach (var (parameter, header) in (ReadOnlySpan<(string, string)>)[("for", For), ("host", Host), ("proto", Proto)])
                if (ForwardedHeader.Read(standard, parameter) is { Count: > 0 } values)
                    headers[header] = string.Join(", ", values);
            return;
        }
        if (PortOf(headers) is not { } port)
            return;
        // The port that a host names itself is what the client asked for.
        var named = headers[Host].ToString() is { Length: > 0 } stated ? stated[(stated.LastIndexOf(',') + 1)..].Trim() : request.Host.Value ?? "";
        var host = new HostString(named);
        var scheme = headers[Proto].ToString() is { Length: > 0 } protos ? protos[(protos.LastIndexOf(',') + 1)..].Trim() : request.Scheme;
        if (host.HasValue && host.Port is null)
            headers[Host] = port == (scheme == "https" ? 443 : 80) ? host.Value : $"{host.Value}:{port}";
    }

    private static int? PortOf(IHeaderDictionary headers) =>
        headers[Port].ToString() is { Length: > 0 } ports && ushort.TryParse(ports.AsSpan(ports.LastIndexOf(',') + 1).Trim(), System.Globalization.NumberStyles.None, null, out var port) && port > 0 ? port : null;
}
