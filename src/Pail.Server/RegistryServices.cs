using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pail.Buckets;
using Pail.Server.Caches;
using Pail.Server.Running;

namespace Pail.Server;

/// <summary>What all handlers of a server work with.</summary>
internal sealed class RegistryServices(ServerOptions options, BucketRegistry registry, ILogger log, TimeProvider time)
{
    private volatile BucketRegistry _registry = registry;

    public ServerOptions Options => options;

    /// <summary>The bucket, with the settings it has now: ask each time.</summary>
    public BucketRegistry Registry => _registry;

    /// <summary>The log; nothing is enabled in it if none is kept.</summary>
    public ILogger Log => log;

    public TimeProvider Time => time;

    /// <summary>The blobs known to be there. Who stores one says so here.</summary>
    public BlobCache Blobs { get; } = new(registry.Layout.Kind, options.DigestLifetime, time);

    /// <summary>Manifests by digest.</summary>
    public ManifestCache Manifests { get; } = new(options.ManifestMemory, registry.Layout.Kind, options.DigestLifetime, time);

    /// <summary>What tags named.</summary>
    public TagCache Tags { get; } = new(options.TagLifetime, time);

    /// <summary>Goes by other settings of the same bucket from now on.</summary>
    public void Follow(BucketSettings settings) => _registry = new BucketRegistry(_registry.Store, _registry.Engine, settings);

    /// <summary>The value of a Location header for a path of this server: absolute if a trusted proxy says how clients reach it, else relative.</summary>
    public string Locate(HttpContext context, string path) => options.TrustedProxies.Count == 0 ? path : Forwarding.Origin(context) + path;
}
