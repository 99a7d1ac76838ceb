using System.Net;
using System.Net.Sockets;
using Pail.Oci;

namespace Pail.Remote.Http;

/// <summary>
/// Where a registry may send us: by redirects, as the realm of its tokens, as the place of an upload. It may be anybody's, so it
/// must not make us reach what only we can reach, nor give away what was meant for it alone. docs/registries.md has the rules.
/// </summary>
internal sealed class Origins(Uri registry)
{
    /// <summary>The registry: scheme, host and port.</summary>
    public Uri Registry { get; set; } = registry;

    /// <summary>True once it is known to be on this machine: then what it names may be, too.</summary>
    public bool IsLocal { get; set; } = registry.IsLoopback;

    /// <summary>True for the registry itself: what is meant for it may be sent there.</summary>
    public bool IsOwn(Uri address) =>
        address.Scheme == Registry.Scheme && address.Port == Registry.Port && address.Host.Equals(Registry.Host, StringComparison.OrdinalIgnoreCase);

    /// <summary>True for the registry's host, whatever the scheme and the port.</summary>
    public bool IsOwnHost(Uri address) => address.Host.Equals(Registry.Host, StringComparison.OrdinalIgnoreCase);

    /// <summary>The same path and query, at the registry's scheme, host and port.</summary>
    public Uri OnRegistry(Uri address) => new UriBuilder(address) { Scheme = Registry.Scheme, Host = Registry.Host, Port = Registry.Port }.Uri;

    /// <summary>The address that a registry names, perhaps relative to where it was asked.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: we won't go there.</exception>
    public Uri Follow(Uri asked, string? named, string what)
    {
        if (named is not { Length: > 0 and <= 16 << 10 } || !Uri.TryCreate(asked, named, out var address))
            throw new PailException(Failure.BadContent, $"{Registry.Authority}: {what} is missing or no address.");
        // Behind a proxy that speaks TLS for it, a registry may believe that it is spoken to over HTTP.
        if (address.Scheme == "http" && Registry.Scheme == "https" && IsOwnHost(address) && (address.IsDefaultPort || address.Port == Registry.Port))
            address = OnRegistry(address);
        var why = address switch
        {
            { Scheme: not ("http" or "https") } => "only http and https are followed",
            { Scheme: "http" } when Registry.Scheme != "http" => "what was asked over HTTPS is not answered over HTTP",
            { UserInfo.Length: > 0 } => "it holds a user name",
            _ when IsOwnHost(address) => null,
            { IsLoopback: true } when !IsLocal => "a registry elsewhere has no business on this machine",
            _ when IPAddress.TryParse(address.DnsSafeHost, out var ip) && IsOffLimits(ip) => "that network is not for registries",
            _ => null,
        };
        return why is null ? address : throw new PailException(Failure.BadContent, $"{Registry.Authority}: {what} leads to {Shown(address)}: {why}.");
    }

    /// <summary>True for addresses that no stranger may have us connect to, by whatever name.</summary>
    public bool IsOffLimits(IPAddress address)
    {
        var ip = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return (IPAddress.IsLoopback(ip) && !IsLocal)
            || ip.IsIPv6LinkLocal || ip.IsIPv6Multicast
            || ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)
            // Link-local, where clouds keep the credentials of their machines; multicast and above.
            || (ip.AddressFamily == AddressFamily.InterNetwork && ip.GetAddressBytes() is [169, 254, ..] or [0, ..] or [>= 224, ..]);
    }

    // Queries of addresses are often signatures, and what stands before the host may be a password.
    private static string Shown(Uri address) => SafeText.OneLine(address.IsFile ? "a file" : $"{address.Scheme}://{address.Host}");
}
