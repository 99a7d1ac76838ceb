using System.Net;
using Microsoft.AspNetCore.Http;

namespace Pail.Server.Running;

/// <summary>What proxies say of the requests they pass on, believed only from those that are named.</summary>
/// <param name="trusted">The networks proxies are in.</param>
internal sealed class Forwarding(IReadOnlyList<IPNetwork> trusted)
{
    /// <summary>How the client reached the proxy, such as <c>https://registry.example</c>; empty if there is none to be believed, and then addresses are relative.</summary>
    public string Origin(HttpContext context)
    {
        if (!IsTrusted(context.Connection.RemoteIpAddress))
            return "";
        var headers = context.Request.Headers;
        string? scheme = First(headers["X-Forwarded-Proto"]), host = First(headers["X-Forwarded-Host"]);
        if (scheme is not ("http" or "https" or null) || (scheme ?? host) is null)
            return "";
        host ??= context.Request.Host.Value;
        return host is { Length: > 0 and <= 255 } && !host.AsSpan().ContainsAnyExcept(HostCharacters) ? $"{scheme ?? context.Request.Scheme}://{host}" : "";
    }

    /// <summary>The address of the client, or of the first on the way to it that is not trusted.</summary>
    public string Client(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress;
        if (!IsTrusted(address))
            return address?.ToString() ?? "";
        var hops = string.Join(',', context.Request.Headers["X-Forwarded-For"].ToArray()).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        for (var i = hops.Length - 1; i >= 0 && IsTrusted(address) && IPAddress.TryParse(hops[i], out var hop); i--)
            address = hop;
        return address!.ToString();
    }

    private static readonly System.Buffers.SearchValues<char> HostCharacters =
        System.Buffers.SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]");

    private static string? First(Microsoft.Extensions.Primitives.StringValues values) => values.Count == 0 ? null : values[0]?.Split(',')[0].Trim();

    private bool IsTrusted(IPAddress? address)
    {
        if (trusted.Count == 0 || address is null)
            return false;
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (var network in trusted)
            if (network.Contains(plain))
                return true;
        return false;
    }
}
