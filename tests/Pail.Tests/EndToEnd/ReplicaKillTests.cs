using System.Collections.Concurrent;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.EndToEnd;

/// <summary>
/// Three replicas behind HAProxy, of which one is killed again and again while clients push and pull: nobody sees more of
/// that than a connection that broke, and what a client was told to be pushed is there, whole.
/// </summary>
[NeedsServers]
public sealed class ReplicaKillTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;

    private readonly string _bucket = S3Server.NewName();
    private readonly TestFolder _folder = new();
    private readonly ConcurrentDictionary<string, string> _pushed = new();
    private BalancedReplicas? _replicas;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public Task Replica_KilledUnderPushesAndPulls_CostsARetryAtMost() => RunAsync(kills: 6);

    [Fact]
    [Trait("Category", "Long")]
    public Task Replica_KilledAHundredTimes_CostsARetryAtMost() => RunAsync(kills: 100);

    public async ValueTask InitializeAsync()
    {
        await PailCli.Direct.DoAsync("init", $"s3://{_bucket}");
        await File.WriteAllTextAsync(_folder["secret"], "the same on all replicas", Cancel);
        _replicas = await BalancedReplicas.StartAsync(_folder, [$"s3://{_bucket}", "--no-redirect", "--secret-file", _folder["secret"]]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_replicas is not null)
            await _replicas.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
        _folder.Dispose();
    }

    private async Task RunAsync(int kills)
    {
        using var over = new CancellationTokenSource();
        var working = Task.WhenAll(
            WorkAsync(folder => new Skopeo(folder), "skopeo", over),
            WorkAsync(folder => new Skopeo(folder), "other", over),
            WorkAsync(folder => new Podman(folder, "podman"), "podman", over));
        await KillAsync(kills, over.Token);
        await over.CancelAsync();
        await working;
        using var folder = new TestFolder();
        var skopeo = new Skopeo(folder);
        foreach (var (reference, config) in _pushed)
            await AssertWholeAsync(skopeo, reference, config);
    }

    // Something is pushed between any two kills, however slow the machine is; else no push might ever come through.
    private async Task KillAsync(int kills, CancellationToken over)
    {
        for (var kill = 0; kill < kills; kill++)
        {
            var pushed = _pushed.Count;
            await Eventually.TrueAsync(() => _pushed.Count > pushed || over.IsCancellationRequested);
            await Task.Delay(Random.Shared.Next(1000), Cancel);
            if (over.IsCancellationRequested)
                return;
            await _replicas!.KillAsync(kill % BalancedReplicas.Count);
        }
    }

    private async Task WorkAsync(Func<TestFolder, ContainerClient> make, string name, CancellationTokenSource over)
    {
        using var folder = new TestFolder();
        try
        {
            await WorkAsync(make(folder), folder, name, over.Token);
        }
        catch
        {
            await over.CancelAsync();
            throw;
        }
    }

    private async Task WorkAsync(ContainerClient client, TestFolder folder, string name, CancellationToken over)
    {
        for (var round = 0; !over.IsCancellationRequested; round++)
        {
            // One layer in one request, or in parts.
            var layout = new TestLayout(folder[$"round-{round}"]);
            var root = layout.Tag(layout.ImageOf(100_000, round % 2 == 0 ? 30 * MiB : 2 * MiB));
            var (reference, config) = ($"127.0.0.1:{_replicas!.Port}/team/{name}:{round}", layout.Read(root).Config!.Digest.ToString());
            await BrokenConnections.TryAgainAsync(() => client.PushAsync(layout, reference));
            _pushed[reference] = config;
            await BrokenConnections.TryAgainAsync(() => AssertWholeAsync(client, reference, config));
            Directory.Delete(layout.Folder, recursive: true);
        }
    }

    // The client checks each digest.
    private static async Task AssertWholeAsync(ContainerClient client, string reference, string config)
    {
        await client.PullAsync(reference);
        Assert.Equal(config, await client.ConfigDigestAsync(reference));
        await client.RemoveAsync(reference);
    }
}
