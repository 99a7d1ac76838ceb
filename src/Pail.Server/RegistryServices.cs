using Microsoft.AspNetCore.Http;
using Pail.Registry;
using Pail.Server.Caches;

namespace Pail.Server;

/// <summary>What all handlers of a server work with.</summary>
internal sealed class RegistryServices(ServerOptions options, BucketRegistry registry, TimeProvider time)
{
    public ServerOptions Options => options;

    public BucketRegistry Registry => registry;

    public TimeProvider Time => time;

    /// <summary>The blobs known to be there. Who stores one says so here.</summary>
    public BlobCache Blobs { get; } = new(registry.Layout.Kind, options.DigestLifetime, time);

    /// <summary>The value of a Location header for a path of this server, as whoever sent the request has to ask for it.</summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Performance", "CA1822", Justification = "It will depend on the proxies trusted.")]
    public string Locate(HttpContext context, string path) => path;
}
