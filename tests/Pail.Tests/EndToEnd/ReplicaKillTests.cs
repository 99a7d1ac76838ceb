using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;
using Xunit.Sdk;

namespace Pail.Tests.EndToEnd;

/// <summary>
/// Three replicas behind HAProxy, of which one is killed again and again while clients push and pull: nobody sees more of
/// that than a connection that broke, and what a client was told to be pushed is there, whole.
/// </summary>
[NeedsServers]
public sealed partial class ReplicaKillTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private const int Replicas = 3;

    private readonly string _bucket = S3Server.NewName();
    private readonly TestFolder _folder = new();
    private readonly PailServer[] _servers = new PailServer[Replicas];
    private readonly int[] _ports = [.. Enumerable.Range(0, Replicas).Select(_ => PailServer.FreePort())];
    private readonly int _front = PailServer.FreePort();
    private readonly ConcurrentDictionary<string, string> _pushed = new();
    private Child? _proxy;

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
        await Task.WhenAll(Enumerable.Range(0, Replicas).Select(StartAsync));
        // As docs/server.md advises, but a replica that answers late is not down.
        await File.WriteAllTextAsync(_folder["haproxy.cfg"], $"""
            defaults
                mode http
                timeout connect 1m
                timeout check 1m
                timeout client 10m
                timeout server 10m
            frontend registry
                bind 127.0.0.1:{_front}
                default_backend pail
            backend pail
                balance roundrobin
                option httpchk GET /readyz
                option redispatch 1
                retry-on conn-failure
                http-request set-header X-Forwarded-Host %[req.hdr(Host)]
                option forwardfor
                default-server check inter 500ms fall 1 rise 1
            {string.Join('\n', _ports.Select((port, index) => $"    server r{index} 127.0.0.1:{port}"))}

            """, Cancel);
        _proxy = Child.Start("/usr/sbin/haproxy", ["-db", "-f", _folder["haproxy.cfg"]]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_proxy is not null)
            await _proxy.DisposeAsync();
        foreach (var server in _servers)
            await server.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
        _folder.Dispose();
    }

    private async Task StartAsync(int index) => _servers[index] = await PailServer.StartAsync(
        PailCli.Direct,
        [$"s3://{_bucket}", "--no-redirect", "--log", "off", "--secret-file", _folder["secret"], "--trusted-proxy", "127.0.0.1"],
        _ports[index]);

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
            var index = kill % Replicas;
            await _servers[index].KillAsync();
            await _servers[index].DisposeAsync();
            await StartAsync(index);
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
            var (reference, config) = ($"127.0.0.1:{_front}/team/{name}:{round}", layout.Read(root).Config!.Digest.ToString());
            await TryAgainAsync(() => client.PushAsync(layout, reference));
            _pushed[reference] = config;
            await TryAgainAsync(() => AssertWholeAsync(client, reference, config));
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

    private static async Task TryAgainAsync(Func<Task> work)
    {
        for (var tries = 1; ; tries++)
            try
            {
                await work();
                return;
            }
            catch (XunitException e) when (tries < 20 && Broken().IsMatch(e.Message))
            {
                // The next try goes to another replica, or to this one when it is there again.
            }
    }

    // A connection that broke, to the client or, which HAProxy tells as 502, to the replica. Nothing that a registry says.
    [GeneratedRegex(@"\bEOF\b|connection reset|broken pipe|closed network connection|502 \(?Bad Gateway", RegexOptions.NonBacktracking)]
    private static partial Regex Broken();
}
