using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Pail.Buckets;
using Pail.Collect;
using Pail.Oci;
using Pail.Pulls;
using Pail.Server.Access;
using Pail.Server.Audit;
using Pail.Server.Blobs;
using Pail.Server.Caches;
using Pail.Server.Events;
using Pail.Server.Limits;
using Pail.Server.Running;
using Pail.Server.Uploads;

namespace Pail.Server;

/// <summary>What all handlers of a server work with.</summary>
internal sealed class RegistryServices(ServerOptions options, Bucket bucket, ILogger log, TimeProvider time)
{
    // Clients have patience for that, and then try again what is answered 503.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(15);

    private readonly Lock _rounds = new();
    private volatile Bucket _bucket = Take(bucket, options);
    private string _lastRound = "";
    private EventQueue? _events; // made once: the server asks for it before it begins

    public ServerOptions Options => options;

    /// <summary>The bucket, with the settings it has now: ask each time.</summary>
    public Bucket Bucket => _bucket;

    /// <summary>The log; nothing is enabled in it if none is kept.</summary>
    public ILogger Log => log;

    public TimeProvider Time => time;

    /// <summary>Who may do what; null where everybody may do everything.</summary>
    public Door? Door { get; } = options.Door is { } door ? new(door, bucket, options.Secrets, log, time) : null;

    /// <summary>Who changed what, and was refused; null where there are no rules and it is not asked for.</summary>
    public AuditTrail? Audit { get; } = options.Door is not null || options.Audit ? new(log, time, options.Audit) : null;

    /// <summary>Bounds what each address uses; null if nothing does.</summary>
    public Limiter? ByAddress { get; } = options.ByAddress.IsOff ? null : new("address", options.ByAddress, time);

    /// <summary>Bounds what each user uses; null if nothing does.</summary>
    public Limiter? ByUser { get; } = options.ByUser.IsOff ? null : new("user", options.ByUser, time);

    /// <summary>What keeps repositories apart that share their content.</summary>
    public Border Border { get; } = new(options, bucket, time);

    /// <summary>The blobs known to be there. Who stores one says so here.</summary>
    public BlobCache Blobs { get; } = new(bucket.SharesBlobs, options.DigestLifetime, time);

    /// <summary>What clients were told is there, and have not named yet.</summary>
    public BlobPromises Promises { get; } = new(time);

    /// <summary>Manifests by digest.</summary>
    public ManifestCache Manifests { get; } = new(options.ManifestMemory, bucket.SharesBlobs, options.DigestLifetime, time);

    /// <summary>What tags named.</summary>
    public TagCache Tags { get; } = new(options.TagLifetime, time);

    /// <summary>The upload sessions that this replica has seen.</summary>
    public LiveSessions Sessions { get; } = new();

    /// <summary>When manifests were pulled through this replica.</summary>
    public PullTimes Pulls { get; } = new(time);

    /// <summary>What is done on a schedule, as this replica saw it last.</summary>
    public CollectSchedule Schedule { get; set; } = new();

    /// <summary>The events for webhooks; null if there are none.</summary>
    public EventQueue? Events => _events ??= options.Webhooks is { Hooks.Count: > 0 } hooks ? new(hooks, () => Bucket, log, time) : null;

    /// <summary>Goes by the settings that this one has from now on: the same bucket, whose blobs are shared as before.</summary>
    public void Follow(Bucket bucket)
    {
        _bucket = Take(bucket, options);
        Border.Follow(bucket);
    }

    /// <summary>Opens a repository for who makes a request. No request to the bucket.</summary>
    public Repository Open(RepositoryName name, HttpContext context) => Bucket.Repository(name).For(Forwarding.Requester(context));

    /// <summary>Opens a repository to write manifests in, for who makes a request. What caches say may be believed by writes through it: they forget what is older than the round of a collection that ended last.</summary>
    public async ValueTask<Repository> BeginAsync(RepositoryName name, HttpContext context)
    {
        var repository = Open(name, context);
        var last = (await repository.BeginAsync(context.RequestAborted)).Last;
        lock (_rounds)
            if (last != _lastRound && Bucket.Steps.CachesForget)
            {
                _lastRound = last;
                Blobs.EndRound();
                Manifests.EndRound();
                Border.EndRound();
            }
        return repository;
    }

    /// <summary>The value of a Location header for a path of this server: absolute if a trusted proxy says how clients reach it, else relative.</summary>
    public string Locate(HttpContext context, string path) => options.TrustedProxies.Count == 0 ? path : Forwarding.Origin(context) + path;

    private static Bucket Take(Bucket bucket, ServerOptions options)
    {
        bucket.HasRules = options.Door is not null;
        bucket.Guard.Patience = LongestWait;
        return bucket;
    }
}
