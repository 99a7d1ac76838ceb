using System.Net;
using Pail.Stores;

namespace Pail.Server;

/// <summary>How a registry server runs. The defaults are safe: loopback, no TLS, redirects where the store can sign.</summary>
public sealed record ServerOptions
{
    /// <summary>Where it listens.</summary>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [new(IPAddress.Loopback, 5000)];

    /// <summary>Signs the addresses that blob GETs are redirected to; null to send the bytes through the server.</summary>
    public IPresigner? Redirect { get; init; }

    /// <summary>
    /// The secret that upload sessions are sealed with, the same on all replicas; null for one made at the start,
    /// so that sessions end with the process.
    /// </summary>
    public ReadOnlyMemory<byte>? Secret { get; init; }

    /// <summary>How long what is known to be there by its digest is believed to be there still, in case another replica deletes it.</summary>
    public TimeSpan DigestLifetime { get; init; } = TimeSpan.FromSeconds(60);
}
