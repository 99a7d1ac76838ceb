using Microsoft.AspNetCore.Http;
using Pail.Buckets;
using Pail.Server.Caches;
using Pail.Server.Running;

namespace Pail.Server;

/// <summary>What all handlers of a server work with.</summary>
internal sealed class RegistryServices(ServerOptions options, Bucket bucket, ServerLog? log, TimeProvider time)
{
    private readonly Forwarding _forwarding = new(options.TrustedProxies);

    public ServerOptions Options => options;

    /// <summary>The bucket that is served.</summary>
    public Bucket Bucket => bucket;

    /// <summary>The log; null if none is kept.</summary>
    public ServerLog? Log => log;

    public TimeProvider Time => time;

    /// <summary>The blobs known to be there. Who stores one says so here.</summary>
    public BlobCache Blobs { get; } = new(bucket.SharesBlobs, options.DigestLifetime, time);

    /// <summary>Manifests by digest.</summary>
    public ManifestCache Manifests { get; } = new(options.ManifestMemory, bucket.SharesBlobs, options.DigestLifetime, time);

    /// <summary>What tags named.</summary>
    public TagCache Tags { get; } = new(options.TagLifetime, time);

    /// <summary>The value of a Location header for a path of this server, as whoever sent the request has to ask for it.</summary>
    public string Locate(HttpContext context, string path) => _forwarding.Origin(context) + path;

    /// <summary>Whom the request is from, as far as that can be believed.</summary>
    public string Client(HttpContext context) => _forwarding.Client(context);
}
