using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Server;
using Pail.Server.Running;
using Pail.Server.Uploads;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit.Servers;
using Pail.Tests.Server.Uploads;
using Pail.Transfer;

namespace Pail.Tests.Server;

/// <summary>What runs beside requests: it survives, says what went wrong, and follows the settings in the bucket.</summary>
public sealed class BackgroundTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-background-");
    private readonly HookedStore _store;

    public BackgroundTests() => _store = new(new FolderStore(_folder.FullName, new RequestMeter()));

    public void Dispose() => _folder.Delete(recursive: true);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private Task<TestServer> StartAsync(Func<ServerOptions, ServerOptions> change) => TestServer.StartAsync(_store, new RequestMeter(), LayoutKind.V2, change);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Task_ThatFailsUnexpectedly_RunsAgainAndSaysWhy(bool cancelled)
    {
        using var output = new MemoryStream();
        var asked = 0;
        var again = new TaskCompletionSource();
        _store.Before = call =>
        {
            if (call.Operation == StoreOperation.ListObjects && Interlocked.Increment(ref asked) == 3)
                again.SetResult();
            // A request that gives up is cancelled though nobody cancelled it.
            return call.Operation != StoreOperation.ListObjects ? Task.CompletedTask : throw (cancelled ? new TaskCanceledException("gave up") : new InvalidOperationException("nobody thought of this"));
        };
        await using (var server = await StartAsync(options => options with { Log = output, SweepInterval = TimeSpan.FromMilliseconds(1) }))
        {
            await again.Task.WaitAsync(Cancel);
            (await server.GetAsync("/readyz")).Is(200);
            Assert.False(server.App.Lifetime.ApplicationStopping.IsCancellationRequested);
        }
        var line = Encoding.UTF8.GetString(output.ToArray()).Split('\n')[0];
        Assert.Contains(cancelled ? "gave up" : "nobody thought of this", line, StringComparison.Ordinal);
        Assert.Contains("removing what dead uploads left", line, StringComparison.Ordinal);
        Assert.Contains("\"exception\":", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_ThatStopsByItself_IsAnErrorThatSaysWhy()
    {
        var app = RegistryServer.Build(new() { Listen = [new(System.Net.IPAddress.Loopback, 0)] }, Registry());
        await using (app)
        {
            await app.StartAsync(Cancel);
            var waiting = RegistryServer.WaitAsync(app, Cancel);
            Assert.False(waiting.IsCompleted);
            app.Lifetime.StopApplication();
            Assert.Contains("stopped by itself", (await Assert.ThrowsAsync<InvalidOperationException>(() => waiting)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Host_ThatIsToldToStop_JustEnds()
    {
        await using var app = RegistryServer.Build(new() { Listen = [new(System.Net.IPAddress.Loopback, 0)] }, Registry());
        await app.StartAsync(Cancel);
        using var signal = new CancellationTokenSource();
        var waiting = RegistryServer.WaitAsync(app, signal.Token);
        await signal.CancelAsync();
        await waiting;
    }

    [Theory]
    [InlineData(StoreOperation.DeleteObject)]
    [InlineData(StoreOperation.AbortMultipartUpload)]
    public async Task Sweep_RequestThatFailsOnce_IsTriedAgain(StoreOperation failing)
    {
        await using var server = await StartAsync(options => options);
        var session = (await server.SendAsync(HttpMethod.Post, "/v2/a/blobs/uploads/", [])).Is(202)["Location"]!;
        (await server.SendAsync(HttpMethod.Patch, session, new byte[20 << 20])).Is(202);
        var staged = (await KeysAsync()).Single(key => key.Contains("uploads/", StringComparison.Ordinal));
        await _store.CreateUploadAsync(staged, new ObjectHeaders(MediaTypes.OctetStream, "no-store"), Cancel);
        var failed = 0;
        _store.Before = call => call.Operation == failing && Interlocked.Increment(ref failed) == 1 ? throw new StoreException(StoreError.Unavailable, "once") : Task.CompletedTask;
        var sweeper = new UploadSweeper(new RegistryServices(new(), Registry(), NullLogger.Instance, new Later()));
        Assert.Equal((1, 1), await sweeper.SweepAsync(Cancel));
        Assert.Equal(2, failed);
    }

    private sealed class Later : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromDays(30);
    }

    [Fact]
    public async Task Settings_ChangedInTheBucket_AreFollowed()
    {
        await using var server = await StartAsync(options => options);
        var services = server.App.Services.GetRequiredService<RegistryServices>();
        var watch = server.App.Services.GetServices<IHostedService>().OfType<SettingsWatch>().Single();
        await server.PushAsync("a", "1");
        Assert.DoesNotContain("v2/a/tags/list", await KeysAsync());

        await new BucketSettings(LayoutKind.V2, Public: true).WriteAsync(_store, Cancel);
        await watch.TryRunAsync(Cancel);
        await server.PushAsync("a", "2");
        Assert.Contains("v2/a/tags/list", await KeysAsync());
        Assert.True(SettingsWatch.Interval <= TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Layout_ChangedInTheBucket_IsLoggedOnceAndNotFollowed()
    {
        using var output = new MemoryStream();
        await using (var server = await StartAsync(options => options with { Log = output }))
        {
            var services = server.App.Services.GetRequiredService<RegistryServices>();
            var watch = server.App.Services.GetServices<IHostedService>().OfType<SettingsWatch>().Single();
            await new BucketSettings(LayoutKind.Pool, Public: false).WriteAsync(_store, Cancel);
            await watch.TryRunAsync(Cancel);
            await watch.TryRunAsync(Cancel);
            Assert.Equal(LayoutKind.V2, services.Bucket.Settings.Layout);
        }
        Assert.Contains("restart", Assert.Single(Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private Bucket Registry() => new(_store, new TransferEngine(new() { Retry = new() { Attempts = 2, FirstDelay = TimeSpan.FromMilliseconds(1) } }), new BucketSettings(LayoutKind.V2, Public: false));

    private async Task<List<string>> KeysAsync() => [.. (await _store.ListAsync(new ListQuery(""), Cancel)).Objects.Select(entry => entry.Key)];
}
