using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;
using Pail.Buckets;
using Pail.Buckets.Collecting;
using Pail.Buckets.Layouts;
using Pail.Collect;
using Pail.Oci;
using Pail.Pulls;
using Pail.Server;
using Pail.Server.Configuration;
using Pail.Server.Running;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Transfer;

namespace Pail.Tests.Server;

/// <summary>Pull times, and what one of several replicas does on a schedule.</summary>
public sealed class ScheduleTests : IDisposable
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-schedule-");
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly RequestMeter _meter = new();
    private readonly MemoryStream _log = new();

    public void Dispose() => _folder.Delete(recursive: true);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Log => Encoding.UTF8.GetString(_log.ToArray());

    private FolderStore Store() => new(_folder.FullName, _meter, _time);

    private Task<TestServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null, IObjectStore? store = null) =>
        TestServer.StartAsync(store ?? Store(), _meter, LayoutKind.V2, options => (change ?? (same => same))(options with { Log = _log }), _time);

    private Bucket Open() => new(Store(), new TransferEngine(new()), new BucketSettings(LayoutKind.V2, Public: false));

    // One that is asked by the test, and that no clock wakes.
    private static ScheduledCollection Scheduled(TestServer server, bool retains) => new(server.App.Services.GetRequiredService<RegistryServices>(), retains, Day);

    [Fact]
    public async Task Pulls_ByTagAndDigest_AreKept_AQuestionIsNone()
    {
        var app = RepositoryName.Parse("app");
        Digest digest;
        var store = new Watched(Store());
        await using (var server = await StartAsync(store: store))
        {
            digest = await server.PushAsync("app", "1");
            await server.PushAsync("app", "asked");
            (await server.HeadAsync("/v2/app/manifests/asked")).Is(200);
            (await server.GetAsync("/v2/app/manifests/none")).Is(404);
            (await server.GetAsync("/v2/app/manifests/1", ("If-None-Match", $"\"{digest}\""))).Is(304);
            (await server.GetAsync($"/v2/app/manifests/{digest}")).Is(200);
            // One that nobody's clock wakes.
            var recorder = new PullRecorder(server.App.Services.GetRequiredService<RegistryServices>());
            await recorder.TryRunAsync(Cancel);
            Assert.Equal(0, store.Count("PUT", PullKeys.Prefix));
            _time.Advance(TimeSpan.FromHours(1));
            for (var times = 0; times < 3; times++)
                await recorder.TryRunAsync(Cancel);
            await Eventually.TrueAsync(() => store.Count("PUT", PullKeys.Prefix) > 0);
            (await server.GetAsync("/v2/app/manifests/asked")).Is(200);
        }
        // The server's own recorder may write the same object at the same moment.
        Assert.InRange(store.Count("PUT", PullKeys.Prefix), 2, 3);
        var history = await PullHistory.ReadAsync(Open(), DateTimeOffset.MinValue, Cancel);
        Assert.NotNull(history.LastPull(app, "1", Digest.Of([1])));
        Assert.NotNull(history.LastPull(app, "other", digest));
        // Of the hour that had not ended when the server stopped.
        Assert.True(history.LastPull(app, "asked", Digest.Of([1])) > history.LastPull(app, "1", Digest.Of([1])));
        Assert.Null(history.LastPull(app, "none", Digest.Of([1])));
    }

    [Fact]
    public async Task Pulls_WithoutPermissionToWrite_AreToldOnce()
    {
        await using (var server = await StartAsync(store: new Watched(Store()) { Refused = PullKeys.Prefix }))
        {
            var recorder = server.App.Services.GetServices<IHostedService>().OfType<PullRecorder>().Single();
            await server.PushAsync("app", "1");
            for (var hour = 0; hour < 3; hour++)
            {
                (await server.GetAsync("/v2/app/manifests/1")).Is(200);
                _time.Advance(TimeSpan.FromHours(1));
                await recorder.TryRunAsync(Cancel);
            }
        }
        Assert.Equal(1, Log.Split("pull times are not kept").Length - 1);
    }

    [Fact]
    public async Task Schedule_OfTwoReplicas_OneRuns_AndBothTell()
    {
        var store = new Watched(Store());
        await using var one = await StartAsync(store: store);
        await using var two = await StartAsync(store: store);
        (await one.GetAsync("/healthz/details")).Is(200);
        await CollectOnceAsync();
        var orphan = Digest.Of([7]);
        await Open().Store.PutAsync($"v2/app/blobs/{orphan}", new ReadOnlySequence<byte>([7]), new ObjectHeaders(MediaTypes.OctetStream), PutCondition.None, Cancel);
        _time.Advance(2 * Day);

        await Scheduled(one, retains: false).TryRunAsync(Cancel);
        Assert.Null(await Open().Store.HeadAsync($"v2/app/blobs/{orphan}", Cancel));
        // Not due: one GET, whoever asks.
        var (gets, all) = (store.Count("GET", CollectSchedule.Key), store.Count("", CollectKeys.Prefix));
        await Scheduled(one, retains: false).TryRunAsync(Cancel);
        await Scheduled(two, retains: false).TryRunAsync(Cancel);
        Assert.Equal((2, 2), (store.Count("GET", CollectSchedule.Key) - gets, store.Count("", CollectKeys.Prefix) - all));
        foreach (var server in new[] { one, two })
        {
            var details = (await server.GetAsync("/healthz/details")).Is(200).Json.GetProperty("gc");
            Assert.Equal((1, 1, 0), (details.GetProperty("freedObjects").GetInt64(), details.GetProperty("freedBytes").GetInt64(), details.GetProperty("warnings").GetInt32()));
            Assert.False(details.TryGetProperty("error", out _));
            Assert.True(details.GetProperty("ended").GetDateTimeOffset() >= details.GetProperty("started").GetDateTimeOffset());
        }
        Assert.Contains("garbage was collected: 1 objects of 1 bytes", Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Schedule_ManyAtOnce_OneTakesTheRun()
    {
        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CollectSchedule.TryTakeAsync(Open(), retains: false, Day, Cancel)));
        Assert.Single(taken, pair => pair.Taken is not null);
        Assert.NotNull((await CollectSchedule.TryTakeAsync(Open(), retains: true, Day, Cancel)).Taken);
        _time.Advance(Day - TimeSpan.FromSeconds(1));
        Assert.Null((await CollectSchedule.TryTakeAsync(Open(), retains: false, Day, Cancel)).Taken);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull((await CollectSchedule.TryTakeAsync(Open(), retains: false, Day, Cancel)).Taken);
    }

    [Fact]
    public async Task Retention_OnSchedule_DropsTags_AndAFailureEndsNothing()
    {
        await using var server = await StartAsync();
        await server.PushAsync("app", "1");
        await server.PushAsync("app", "2");
        await CollectOnceAsync();
        _time.Advance(2 * Day);
        await Scheduled(server, retains: true).TryRunAsync(Cancel);
        Assert.Equal("NotFound", (await server.GetAsync("/healthz/details")).Json.GetProperty("retain").GetProperty("error").GetString());
        Assert.Contains("has no retention policy", Log, StringComparison.Ordinal);

        await RetentionFile.WriteAsync(Open(), "rules: [{repositories: app, keep: [{last: 1}]}]", Cancel);
        _time.Advance(2 * Day);
        await Scheduled(server, retains: true).TryRunAsync(Cancel);
        Assert.Equal(1, (await server.GetAsync("/healthz/details")).Json.GetProperty("retain").GetProperty("droppedTags").GetInt64());
        (await server.GetAsync("/v2/app/manifests/1")).Is(404);
        (await server.GetAsync("/v2/app/manifests/2")).Is(200);
    }

    [Fact]
    public async Task Server_ThatIsToldTo_RunsBothByItsClock()
    {
        await RetentionFile.WriteAsync(Open(), "rules: [{repositories: app, keep: [{last: 1}]}]", Cancel);
        await CollectOnceAsync();
        await using var server = await StartAsync(options => options with { GcEvery = Day, RetainEvery = Day });
        await Eventually.TrueAsync(async () =>
        {
            _time.Advance(TimeSpan.FromMinutes(3));
            var details = (await server.GetAsync("/healthz/details")).Is(200).Json;
            return HasEnded(details, "gc") && HasEnded(details, "retain");
        });
    }

    [Fact]
    public void Schedule_OfAReadOnlyServer_IsRefused() =>
        Assert.Contains("read-only", Assert.Throws<PailException>(() => ServeConfiguration.Read(new Dictionary<string, IReadOnlyList<string>> { ["read-only"] = ["true"], ["gc-every"] = ["1d"] }, _ => null, null)).Message, StringComparison.Ordinal);

    private static bool HasEnded(JsonElement details, string what) => details.TryGetProperty(what, out var run) && run.TryGetProperty("ended", out _) && !run.TryGetProperty("error", out _);

    // The first collection of a bucket waits for those who don't know of collections.
    private Task<CollectReport> CollectOnceAsync() => new Collector(Open(), new() { Alone = true, Pace = 5 }).RunAsync(Cancel);

    // Counts requests, and may refuse to write.
    private sealed class Watched(IObjectStore inner) : StoreLayer(inner)
    {
        private readonly ConcurrentQueue<string> _made = new();

        public string? Refused { get; init; }

        public int Count(string method, string prefix) => _made.Count(request => request.StartsWith(method, StringComparison.Ordinal) && request[4..].StartsWith(prefix, StringComparison.Ordinal));

        public override Task<ObjectContent?> GetAsync(string key, ByteRange? range, CancellationToken cancel = default)
        {
            _made.Enqueue($"GET {key}");
            return base.GetAsync(key, range, cancel);
        }

        public override Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default)
        {
            _made.Enqueue($"PUT {key}");
            return Refused is { } refused && key.StartsWith(refused, StringComparison.Ordinal) ? throw new StoreException(StoreError.AccessDenied, "no") : base.PutAsync(key, body, headers, condition, cancel);
        }
    }
}
