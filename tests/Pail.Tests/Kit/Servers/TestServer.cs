using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Time.Testing;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Io;
using Pail.Oci;
using Pail.Server;
using Pail.Stores;
using Pail.Tests.Images;
using Pail.Transfer;

namespace Pail.Tests.Kit.Servers;

/// <summary>A server in this process over a bucket, on a free port; or several, with one secret and nothing else in common.</summary>
internal sealed class TestServer : ServerHarness
{
    private readonly List<WebApplication> _servers = [];

    private TestServer(IObjectStore store, RequestMeter meter, LayoutKind layout) => (Store, Meter, Layout) = (store, meter, BucketLayout.Of(layout));

    public IObjectStore Store { get; }

    public BucketLayout Layout { get; }

    /// <summary>The first one's bucket, as somebody else would use it: the server does not hear of what is done here.</summary>
    public Bucket Bucket { get; private set; } = null!;

    public RequestMeter Meter { get; }

    public WebApplication App => _servers[0];

    public List<TransferEngine> Engines { get; } = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // Few tries, soon after one another.
    private static TransferOptions Hasty => new() { Retry = new() { Attempts = 2, FirstDelay = TimeSpan.FromMilliseconds(1) } };

    /// <summary>Starts one.</summary>
    public static Task<TestServer> StartAsync(IObjectStore store, RequestMeter meter, LayoutKind layout, Func<ServerOptions, ServerOptions>? change = null, TimeProvider? time = null, CollectPace? collect = null) =>
        StartAsync(store, meter, layout, [store], Hasty, change, time, collect);

    /// <summary>Starts replicas.</summary>
    /// <param name="store">The bucket.</param>
    /// <param name="count">How many.</param>
    /// <param name="layout">How the bucket is laid out.</param>
    /// <param name="transfer">What each may use.</param>
    /// <param name="time">Their clock; if null one that stands still, so that a slow machine does not make what was just seen old.</param>
    /// <param name="wrap">What the first of them sees of the bucket.</param>
    /// <param name="redirect">What presigns, if clients may reach the bucket.</param>
    public static Task<TestServer> StartReplicasAsync(
        IObjectStore store, int count = 1, LayoutKind layout = LayoutKind.V2, TransferOptions? transfer = null, TimeProvider? time = null, IObjectStore? wrap = null, IPresigner? redirect = null) => StartAsync(
        store,
        new RequestMeter(),
        layout,
        Enumerable.Range(0, count).Select(i => i == 0 && wrap is not null ? wrap : store),
        transfer ?? new(),
        options => options with { Secret = "a secret that all replicas share"u8.ToArray(), Redirect = redirect },
        time ?? new FakeTimeProvider(DateTimeOffset.UtcNow));

    private static async Task<TestServer> StartAsync(
        IObjectStore store, RequestMeter meter, LayoutKind layout, IEnumerable<IObjectStore> seen, TransferOptions transfer, Func<ServerOptions, ServerOptions>? change, TimeProvider? time, CollectPace? collect = null)
    {
        var harness = new TestServer(store, meter, layout);
        // Sweeping is asked for by the tests of it: it costs requests, at times nobody chose.
        var options = new ServerOptions { Listen = [new(IPAddress.Loopback, 0)], SweepInterval = TimeSpan.Zero };
        foreach (var one in seen)
        {
            harness.Engines.Add(collect is null ? new TransferEngine(transfer) : new TransferEngine(transfer, time));
            var bucket = new Bucket(one, harness.Engines[^1], new BucketSettings(layout, Public: false) { Conditions = WriteConditions.Both, Collect = collect });
            harness.Bucket ??= bucket;
            var app = RegistryServer.Build(change is null ? options : change(options), bucket, time);
            harness._servers.Add(app);
            await app.StartAsync(Cancel);
            harness.Addresses.Add(new Uri(app.Urls.First()));
        }
        return harness;
    }

    /// <summary>Puts a blob into the bucket, unknown to the server.</summary>
    public async Task<Descriptor> AddBlobAsync(string repository, byte[] content, DigestAlgorithm algorithm = DigestAlgorithm.Sha256, string type = MediaTypes.OciLayerGzip)
    {
        var blob = new Descriptor(type, Digest.Of(content, algorithm), content.Length);
        await Bucket.Repository(RepositoryName.Parse(repository)).Blobs.PutAsync(blob, (offset, _) => Task.FromResult<Stream>(new MemoryStream(content[(int)offset..])), NoProgress.Instance, cancel: Cancel);
        return blob;
    }

    /// <summary>Puts the blobs of an image into the bucket, unknown to the server, and returns the manifest's bytes.</summary>
    public async Task<byte[]> AddImageAsync(string repository, int layers = 1, string more = "")
    {
        var config = await AddBlobAsync(repository, Encoding.UTF8.GetBytes($"{{\"nonce\":\"{Guid.NewGuid()}\"}}"), type: MediaTypes.OciConfig);
        var list = new List<Descriptor>();
        for (var i = 0; i < layers; i++)
            list.Add(await AddBlobAsync(repository, RandomNumberGenerator.GetBytes(100)));
        return ManifestJson.Image(config, list, more);
    }

    /// <summary>Pushes an image, its manifest through the server. Returns the digest.</summary>
    public async Task<Digest> PushAsync(string repository, string tag, string more = "")
    {
        var manifest = await AddImageAsync(repository, more: more);
        (await PutAsync($"/v2/{repository}/manifests/{tag}", manifest)).Is(201);
        return Digest.Of(manifest);
    }

    /// <summary>The bytes stored as a blob; null if there are none.</summary>
    public async Task<byte[]?> BlobAsync(Digest digest, string repository = "team/app")
    {
        await using var content = await Store.GetAsync(Layout.BlobKey(RepositoryName.Parse(repository), digest), null, Cancel);
        if (content is null)
            return null;
        var bytes = new byte[content.Length];
        await content.Body.ReadExactlyAsync(bytes, Cancel);
        return bytes;
    }

    /// <summary>The keys there are with a prefix.</summary>
    public async Task<IReadOnlyList<string>> KeysAsync(string prefix = "") => [.. (await Store.ListAsync(new(prefix), Cancel)).Objects.Select(entry => entry.Key)];

    /// <summary>The S3 requests that some work makes.</summary>
    public async Task<(long A, long B)> CostAsync(Func<Task> work)
    {
        var before = (Meter.ClassA, Meter.ClassB);
        await work();
        return (Meter.ClassA - before.ClassA, Meter.ClassB - before.ClassB);
    }

    /// <summary>Fails unless all memory has been given back and no upload is left unfinished.</summary>
    public async Task AssertNothingLeftAsync()
    {
        // What a client broke off is cleaned up after it is gone.
        var left = 0;
        await Eventually.TrueAsync(
            async () => Engines.All(engine => engine.Buffers.InUse == 0) && (left = (await Store.ListUploadsAsync("", Cancel)).Count) == 0,
            () => $"{Engines.Sum(engine => engine.Buffers.InUse)} bytes in use, {left} uploads left");
    }

    protected override async Task EndAsync()
    {
        foreach (var server in _servers)
        {
            await server.StopAsync(CancellationToken.None);
            await server.DisposeAsync();
        }
    }
}
