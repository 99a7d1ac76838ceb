using System.Text;
using Pail.Server.Events;
using Pail.Server.Running;
using Pail.Server.Watching;
using Pail.Stores;
using static Pail.Server.Configuration.Values;

namespace Pail.Server.Configuration;

/// <summary>All that can be set. docs/server.md lists the same.</summary>
internal static class Settings
{
    // Source: AWS Signature Version 4, "X-Amz-Expires".
    private static readonly TimeSpan LongestSigned = TimeSpan.FromDays(7);

    // A token keeps the rights of the moment it was given for so long.
    private static readonly TimeSpan LongestToken = TimeSpan.FromHours(1);

    // The framework's timers take no more than 49 days.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>The settings, in the order of the help.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("bucket", "BUCKET", "s3://BUCKET[/PREFIX//], file:DIR or a folder [default: a folder of your own]", One((c, v) => c with { Bucket = v })) { IsArgument = true },

        Repeated("listen", "ADDRESS:PORT", "Where to listen; may be repeated; *:PORT for all addresses [default: 127.0.0.1:5000]", (c, values) => c with { Server = c.Server with { Listen = [.. values.SelectMany(Endpoints)] } }),
        new("tls-cert", "FILE", "The certificate and its chain, PEM; read again when it changes", One((c, v) => c with { TlsCertificate = v })),
        new("tls-key", "FILE", "The key of the certificate, PEM", One((c, v) => c with { TlsKey = v })),
        Repeated("trusted-proxy", "ADDRESS[/BITS]", "A proxy whose X-Forwarded-* or Forwarded are believed; may be repeated", (c, values) => c with { Server = c.Server with { TrustedProxies = [.. values.Select(Network)] } }),

        Switch("no-redirect", "Send blobs through the server instead of redirecting to the bucket", (c, on) => c with { Redirect = !on }),
        new("public-endpoint", "URL", "The S3 service as clients reach it, for redirects [default: as the server reaches it]", One((c, v) => c with { PublicEndpoint = Url(v) })),
        new("redirect-base", "URL", "A CDN that has the bucket behind it: blobs are redirected there instead of to the bucket", One((c, v) => c with { CdnRoot = Base(v) })),
        new("redirect-key-pair", "ID", "Sign those redirects for CloudFront: the ID of the public key there", One((c, v) => c with { CdnKeyPair = KeyPair(v) })),
        new("redirect-private-key", "FILE", "The private key that goes with it, PEM", One((c, v) => c with { CdnKey = Text(v) })),
        new("redirect-lifetime", "TIME", "How long an address redirected to may be used [default: 15m; with access rules 1m]", One((c, v) => c with { Server = c.Server with { RedirectLifetime = Values.Time(v, TimeSpan.FromSeconds(1), LongestSigned) } })),

        new("secret", null, "Seals upload sessions and tokens; the same on all replicas", One((c, v) => c with { Server = c.Server with { Secret = Secret(v) } })) { OnCommandLine = false },
        new("secret-file", "FILE", "A file with the secret that seals upload sessions and tokens, the same on all replicas [default: PAIL_SECRET, or one made at the start]", One((c, v) => c with { Server = c.Server with { Secret = Secret(Text(v)) } })),

        Time("upload-lifetime", "How long an upload may rest before it is forgotten [default: 24h]", Minimum: 60, (c, v) => c with { Server = c.Server with { UploadLifetime = v } }),
        Time("sweep", "How often to remove what dead uploads left in the bucket; 0 for never [default: 1h]", Minimum: 0, (c, v) => c with { Server = c.Server with { SweepInterval = v } }),

        Time("gc-every", "How often one of the replicas collects garbage; 0 for never [default: 0]", Minimum: 0, (c, v) => c with { Server = c.Server with { GcEvery = v } }),
        Time("retain-every", "How often one of the replicas drops the tags that the bucket's policy no longer keeps; 0 for never [default: 0]", Minimum: 0, (c, v) => c with { Server = c.Server with { RetainEvery = v } }),
        Time("untagged-after", "When these two remove manifests that no tag, no history and no image leads to [default: never, since people pull by digest]", Minimum: 0, (c, v) => c with { Server = c.Server with { UntaggedAfter = v } }),

        new("previous-secret", null, "The secret before, while replicas change to another one", One((c, v) => c with { Server = c.Server with { PreviousSecret = Secret(v) } })) { OnCommandLine = false },
        new("previous-secret-file", "FILE", "A file with the secret before, while replicas change to another one", One((c, v) => c with { Server = c.Server with { PreviousSecret = Secret(Text(v)) } })),

        new("access", "FILE", "The rules that say who may do what; read again when they change [default: pail/access.json in the bucket, if it is there at the start]", One((c, v) => c with { Access = v })),
        new("htpasswd", "FILE", "Users and their passwords, as 'htpasswd -B' writes them; read again when it changes", One((c, v) => c with { Passwords = v })),
        new("token-lifetime", "TIME", "How long a token is good [default: 5m]", One((c, v) => c with { TokenLifetime = Values.Time(v, TimeSpan.FromMinutes(1), LongestToken) })),
        Switch("open", "Let everybody who reaches the server pull, push and delete", (c, on) => c with { Open = on }),
        Switch("read-only", "Pulls only", (c, on) => c with { Server = c.Server with { ReadOnly = on } }),
        Switch("no-delete", "Refuse to delete", (c, on) => c with { Server = c.Server with { AllowDelete = !on } }),

        Switch("allow-sparse", "Let indexes name manifests that are not there, as mirrors of some platforms do", (c, on) => c with { Server = c.Server with { AllowSparse = on } }),

        Time("tag-cache", "How long to believe what a tag names without asking the bucket [default: 0s]", Minimum: 0, (c, v) => c with { Server = c.Server with { TagLifetime = v } }),
        Time("digest-cache", "How long to believe that what has been seen by digest is still there [default: 1m]", Minimum: 0, (c, v) => c with { Server = c.Server with { DigestLifetime = v } }),
        Bytes("manifest-memory", "Memory for manifests [default: 64MiB]", Minimum: 0, (c, v) => c with { Server = c.Server with { ManifestMemory = v } }),
        Bytes("memory", "Memory for parts of blobs on their way [default: 96MiB]", Minimum: 32 << 20, (c, v) => c with { Transfer = c.Transfer with { MemoryLimit = v } }),
        Number("connections", "Parts moved to and from the bucket at once [default: 32]", 1, 1024, (c, v) => c with { Transfer = c.Transfer with { Connections = v } }),

        Number("max-connections", "Connections of clients at once [default: 4096]", 1, 1 << 20, (c, v) => c with { Server = c.Server with { MaxConnections = v } }),
        Number("max-header-bytes", "Bytes of a request's headers [default: 32768]", 4096, 1 << 20, (c, v) => c with { Server = c.Server with { MaxHeaderBytes = v } }),
        Number("min-body-rate", "Bytes a second a body must move with [default: 1024]", 1, 1 << 30, (c, v) => c with { Server = c.Server with { MinBodyRate = v } }),
        Time("header-time", "How long the headers of a request may take to come [default: 10s]", Minimum: 1, (c, v) => c with { Server = c.Server with { HeaderTime = v } }),
        Number("requests-by-address", "Requests a minute from one address; more wait, or get a 429 [default: no limit]", 1, 1 << 30, (c, v) => c with { Server = c.Server with { ByAddress = c.Server.ByAddress with { Requests = v } } }),
        Number("requests-by-user", "Requests a minute of one user [default: no limit]", 1, 1 << 30, (c, v) => c with { Server = c.Server with { ByUser = c.Server.ByUser with { Requests = v } } }),
        Bytes("bytes-by-address", "Bytes a minute through the server to and from one address [default: no limit]", Minimum: 1 << 20, (c, v) => c with { Server = c.Server with { ByAddress = c.Server.ByAddress with { Bytes = v } } }),
        Bytes("bytes-by-user", "Bytes a minute through the server of one user [default: no limit]", Minimum: 1 << 20, (c, v) => c with { Server = c.Server with { ByUser = c.Server.ByUser with { Bytes = v } } }),
        Number("pushes-by-address", "Uploads at once from one address [default: no limit]", 1, 1 << 20, (c, v) => c with { Server = c.Server with { ByAddress = c.Server.ByAddress with { Pushes = v } } }),
        Number("pushes-by-user", "Uploads at once of one user [default: no limit]", 1, 1 << 20, (c, v) => c with { Server = c.Server with { ByUser = c.Server.ByUser with { Pushes = v } } }),
        Time("drain", "How long running transfers may take to end at a stop [default: 30s]", Minimum: 0, (c, v) => c with { Server = c.Server with { DrainTime = v } }),

        new("log", "json|text|off", "Lines on stdout, one for each request too: for programs, for people, or none [default: json]", One((c, v) => c with { Log = OneOf(v, "json", "text", "off") != "off", Server = c.Server with { LogOptions = c.Server.LogOptions with { Format = v == "text" ? LogFormat.Text : LogFormat.Json } } })),
        new("log-level", "debug|info|warning|error", "The least that is logged; requests are info [default: info]", One((c, v) => c with { Server = c.Server with { LogOptions = c.Server.LogOptions with { Level = LogOptions.LevelOf(OneOf(v, "debug", "info", "warning", "error")) } } })),
        new("metrics", "on|off|ADDRESS:PORT", "Metrics for Prometheus at /metrics: of the server, by its access rules; nowhere; or at an address of their own, for everybody who reaches it [default: on]", One((c, v) => c with { Server = c.Server with { Metrics = Metrics(v) } })),
        new("webhooks", "FILE", "Who hears of pushes, deletions and pulls; docs/watch.md has its grammar [default: nobody]", One((c, v) => c with { Server = c.Server with { Webhooks = WebhookReader.ReadFile(v) } })),
        new("price-a", "DOLLARS", "What your provider asks for 1,000 PUT, COPY, POST or LIST requests, for the metric of the price [default: 0.005]", One((c, v) => c with { Prices = c.Prices with { ClassA = Price(v) } })),
        new("price-b", "DOLLARS", "What it asks for 1,000 GET or HEAD requests [default: 0.0004]", One((c, v) => c with { Prices = c.Prices with { ClassB = Price(v) } })),
        Switch("audit", "Keep the audit trail in the bucket too, in objects below pail/audit/", (c, on) => c with { Server = c.Server with { Audit = on } }),
        Switch("explain-cost", "Tell the S3 requests each request made: in the log, and to clients that send Pail-Explain-Cost", (c, on) => c with { ExplainCost = on }),

        new("endpoint-url", "URL", "The S3 service [default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, or AWS]", One((c, v) => c with { Endpoint = Url(v) })),
        new("region", "NAME", "The region [default: AWS_REGION, or the profile's]", One((c, v) => c with { Region = v })),
        new("profile", "NAME", "The profile of ~/.aws/config and ~/.aws/credentials [default: AWS_PROFILE]", One((c, v) => c with { Profile = v })),
        new("addressing-style", "auto|path|virtual", "Where URLs name the bucket [default: auto]", One((c, v) => c with { Addressing = AddressingStyles.Parse(v) })),
        new("sse", "AES256|aws:kms[:KEY]", "How S3 encrypts what is written, for buckets whose policy asks for this header [default: what the bucket is set to]", One((c, v) => c with { Encryption = StoreEncryption.Parse(v) })),

        Switch("no-page", "Show no page for people at /", (c, on) => c with { Page = !on }),
        Switch("page-actions", "Let people remove, restore and move tags and delete images from the page", (c, on) => c with { PageActions = on }),
    ];

    private static Func<ServeConfiguration, IReadOnlyList<string>, ServeConfiguration> One(Func<ServeConfiguration, string, ServeConfiguration> apply) =>
        (configuration, values) => apply(configuration, values.Count == 1 ? values[0] : throw new FormatException("one value is expected"));

    private static Setting Repeated(string name, string value, string description, Func<ServeConfiguration, IReadOnlyList<string>, ServeConfiguration> apply) =>
        new(name, value, description, apply) { Repeats = true };

    private static Setting Switch(string name, string description, Func<ServeConfiguration, bool, ServeConfiguration> apply) =>
        new(name, null, description, One((c, v) => apply(c, Truth(v))));

    private static Setting Time(string name, string description, int Minimum, Func<ServeConfiguration, TimeSpan, ServeConfiguration> apply) =>
        new(name, "TIME", description, One((c, v) => apply(c, Values.Time(v, TimeSpan.FromSeconds(Minimum), Longest))));

    private static Setting Bytes(string name, string description, long Minimum, Func<ServeConfiguration, long, ServeConfiguration> apply) =>
        new(name, "SIZE", description, One((c, v) => apply(c, Size(v, Minimum))));

    private static Setting Number(string name, string description, int minimum, int maximum, Func<ServeConfiguration, int, ServeConfiguration> apply) =>
        new(name, "N", description, One((c, v) => apply(c, Count(v, minimum, maximum))));

    private static MetricsOptions? Metrics(string text) => text switch
    {
        "off" => null,
        "on" => new(),
        _ => new(Endpoints(text).First()),
    };

    private static ReadOnlyMemory<byte> Secret(string text) =>
        text.Length >= 16 ? Encoding.UTF8.GetBytes(text) : throw new FormatException("a secret has at least 16 characters");
}
