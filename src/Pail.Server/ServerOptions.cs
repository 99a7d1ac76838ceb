using System.Net;
using System.Security.Cryptography;
using Pail.Server.Access;
using Pail.Server.Blobs;
using Pail.Server.Events;
using Pail.Server.Limits;
using Pail.Server.Page;
using Pail.Server.Running;
using Pail.Server.Watching;
using Pail.Stores;

namespace Pail.Server;

/// <summary>How a registry server runs. The defaults are safe: loopback, nothing trusted, nothing believed that another replica may change.</summary>
internal sealed record ServerOptions
{
    private readonly byte[] _own = RandomNumberGenerator.GetBytes(32);

    /// <summary>Where it listens.</summary>
    public IReadOnlyList<IPEndPoint> Listen { get; init; } = [new(IPAddress.Loopback, 5000)];

    /// <summary>Files of the certificate (with its chain) and its key, both PEM; null for plain HTTP. Read again when they change.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>Signs the addresses that blob GETs are redirected to; null to send the bytes through the server.</summary>
    public IPresigner? Redirect { get; init; }

    /// <summary>The CDN that blob GETs are redirected to instead of the bucket; null for none.</summary>
    public CdnAddresses? Cdn { get; init; }

    /// <summary>True if blob GETs are redirected.</summary>
    public bool RedirectsBlobs => Redirect is not null || Cdn is not null;

    /// <summary>How long such an address may be used; null for a time that depends on whether there are rules.</summary>
    public TimeSpan? RedirectLifetime { get; init; }

    /// <summary>How long an address of the bucket may be used that the server signs. Where there are rules, one that leaks must not outlive them for long.</summary>
    public TimeSpan SignedLifetime => RedirectLifetime ?? (Door is null ? TimeSpan.FromMinutes(15) : TimeSpan.FromMinutes(1));

    /// <summary>
    /// The secret that upload sessions and tokens are sealed with, the same on all replicas; null for one made at the start,
    /// so that they end with the process.
    /// </summary>
    public ReadOnlyMemory<byte>? Secret { get; init; }

    /// <summary>The secret before that, while replicas change from one to the other: what it sealed is still opened. Null for none.</summary>
    public ReadOnlyMemory<byte>? PreviousSecret { get; init; }

    /// <summary>The secrets that open what was sealed; the first one seals.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Secrets => [Secret ?? _own, .. PreviousSecret is { } previous ? [previous] : Array.Empty<ReadOnlyMemory<byte>>()];

    /// <summary>Who may do what; null to let everybody do everything.</summary>
    public DoorOptions? Door { get; init; }

    /// <summary>How long a tag is believed to name what it named; zero to ask the bucket each time.</summary>
    public TimeSpan TagLifetime { get; init; } = TimeSpan.Zero;

    /// <summary>How long what is known to be there by its digest is believed to be there still, in case another replica deletes it.</summary>
    public TimeSpan DigestLifetime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The most memory for manifests kept by digest, in bytes.</summary>
    public long ManifestMemory { get; init; } = 64L << 20;

    /// <summary>Pulls only.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Whether tags, manifests and blobs may be deleted.</summary>
    public bool AllowDelete { get; init; } = true;

    /// <summary>Whether an index may name manifests that are not there, as mirrors of some platforms of an image have it.</summary>
    public bool AllowSparse { get; init; }

    /// <summary>Whose X-Forwarded-Proto, -Host, -Port and -For, or Forwarded, are believed.</summary>
    public IReadOnlyList<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>The most connections at once; more are closed as they come.</summary>
    public int MaxConnections { get; init; } = 4096;

    /// <summary>The most bytes of a request's headers together.</summary>
    public int MaxHeaderBytes { get; init; } = 32 << 10;

    /// <summary>The least bytes a second that a body has to move with, once ten seconds have passed; slower ones are cut off.</summary>
    public int MinBodyRate { get; init; } = 1024;

    /// <summary>How long a request's headers may take to come, from its first byte.</summary>
    public TimeSpan HeaderTime { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What each address may use. Behind proxies that are not trusted all clients have one address.</summary>
    public LimitOptions ByAddress { get; init; } = new();

    /// <summary>What each user, robot or workload may use.</summary>
    public LimitOptions ByUser { get; init; } = new();

    /// <summary>How long a body of an upload may bring nothing while the server waits for it; then it is cut off, since it holds memory others wait for.</summary>
    public TimeSpan BodyRest { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long running transfers may take to end once the server is told to stop.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where log lines go; null for nowhere.</summary>
    public Stream? Log { get; init; }

    /// <summary>How they are written, and which.</summary>
    public LogOptions LogOptions { get; init; } = new();

    /// <summary>Where metrics are shown; null for nowhere.</summary>
    public MetricsOptions? Metrics { get; init; }

    /// <summary>Who hears of events; null for nobody.</summary>
    public WebhookOptions? Webhooks { get; init; }

    /// <summary>What is exported by OTLP.</summary>
    public OtlpVariables Otlp { get; init; } = OtlpVariables.None;

    /// <summary>Whether the audit trail is kept in the bucket too.</summary>
    public bool Audit { get; init; }

    /// <summary>The meter of the store: with it the requests made to the bucket are told in the log, and to clients that ask. Null to tell nobody.</summary>
    public RequestMeter? Meter { get; init; }

    /// <summary>How long an upload session may rest before it is forgotten and what it staged is removed.</summary>
    public TimeSpan UploadLifetime { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How often to look for what dead sessions and crashed replicas left behind: two LIST requests each time. Zero for never.</summary>
    public TimeSpan SweepInterval { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often one of the replicas collects garbage. Zero for never.</summary>
    public TimeSpan GcEvery { get; init; }

    /// <summary>How often one of the replicas drops tags by the bucket's policy. Zero for never.</summary>
    public TimeSpan RetainEvery { get; init; }

    /// <summary>When those remove manifests that no tag, no history and no image leads to; null for never.</summary>
    public TimeSpan? UntaggedAfter { get; init; }

    /// <summary>The page for people at <c>/</c>; null for none.</summary>
    public PageOptions? Page { get; init; }
}

/// <summary>A certificate and its key.</summary>
/// <param name="Certificate">File of the certificate, with its chain, as PEM.</param>
/// <param name="Key">File of its private key, as PEM.</param>
internal sealed record TlsFiles(string Certificate, string Key);
