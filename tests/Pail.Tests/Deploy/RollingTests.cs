using System.Collections.Concurrent;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.Deploy;

/// <summary>
/// Two replicas behind HAProxy go from one version to the next, as docs/operations.md says, while clients push and pull without a
/// pause. No command of a client fails, and none is tried again.
/// </summary>
[NeedsServers]
public sealed class RollingTests : IAsyncLifetime
{
    private const int MiB = 1 << 20;
    private static readonly string[] Names = ["a", "b"];

    private readonly string _bucket = S3Server.NewName();
    private readonly TestFolder _folder = new();
    private readonly PailServer[] _servers = new PailServer[Names.Length];
    private readonly int[] _ports = [.. Names.Select(_ => FreePort.Take())];
    private readonly ConcurrentDictionary<string, (string Client, string Config)> _pushed = new();
    private ExampleProxy _proxy = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public Task Change_UnderLoad_FailsNoPush() => RunAsync([PailCli.Direct]);

    [Fact]
    [Trait("Category", "Long")]
    public async Task Change_ToAnotherBuildAndBack_FailsNoPush()
    {
        (await Child.RunAsync("dotnet",
        [
            "publish", Path.Combine(TestEnvironment.Sources, "src/Pail.Cli"), "-c", "Release", "-o", _folder["next"], "--artifacts-path", _folder["artifacts"],
            "--disable-build-servers", "-nologo", "-v", "quiet", "-p:RunAnalyzers=false", "-p:PublishReadyToRun=false", "-p:InformationalVersion=0.2.0",
        ])).Succeeded();
        var next = new PailCli(TestEnvironment.S3) { Assembly = _folder["next/Pail.Cli.dll"] };
        Assert.StartsWith("pail 0.2.0", (await next.DoAsync("--version")).Output, StringComparison.Ordinal);
        await RunAsync([next, PailCli.Direct, next]);
    }

    public async ValueTask InitializeAsync()
    {
        await PailCli.Direct.DoAsync("init", $"s3://{_bucket}");
        await File.WriteAllTextAsync(_folder["secret"], "the same on all replicas", Cancel);
        for (var index = 0; index < Names.Length; index++)
            await StartAsync(index, PailCli.Direct);
        _proxy = await ExampleProxy.StartAsync("haproxy", _ports);
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        foreach (var server in _servers)
            await server.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
        _folder.Dispose();
    }

    private async Task StartAsync(int index, PailCli version) => _servers[index] = await PailServer.StartAsync(
        version, [$"s3://{_bucket}", "--no-redirect", "--log", "off", "--secret-file", _folder["secret"], "--trusted-proxy", "127.0.0.1"], _ports[index]);

    private async Task RunAsync(IReadOnlyList<PailCli> versions)
    {
        using var over = new CancellationTokenSource();
        Task[] clients = [WorkAsync("docker", over), WorkAsync("skopeo", over), WorkAsync("podman", over)];
        try
        {
            foreach (var version in versions)
                for (var index = 0; index < Names.Length && !over.IsCancellationRequested; index++)
                {
                    await ChangeAsync(index, version);
                    // Somebody works with the new one, and with both together.
                    var pushed = _pushed.Count;
                    await Eventually.TrueAsync(() => _pushed.Count >= pushed + clients.Length || over.IsCancellationRequested, () => "The clients push nothing any more.");
                }
        }
        finally
        {
            await over.CancelAsync();
        }
        await Eventually.EndsAsync(Task.WhenAll(clients));
        // By the client that pushed it: others convert what docker pushes.
        foreach (var (reference, (client, config)) in _pushed)
        {
            using var folder = new TestFolder();
            await AssertWholeAsync(ContainerClient.Of(client, folder), reference, config);
        }
    }

    // Nothing new goes to it, what it has under way ends, and only then it stops.
    private async Task ChangeAsync(int index, PailCli version)
    {
        var name = Names[index];
        await _proxy.AskAsync($"set server pail/{name} state drain");
        await Eventually.TrueAsync(async () => await _proxy.StateAsync(name, "scur") == "0", () => $"Replica {name} has requests that do not end.");
        await _servers[index].StopAsync();
        await _servers[index].DisposeAsync();
        await StartAsync(index, version);
        await _proxy.AskAsync($"set server pail/{name} state ready");
        await Eventually.TrueAsync(async () => await _proxy.StateAsync(name, "status") == "UP", () => $"HAProxy does not see that replica {name} is up.");
    }

    private async Task WorkAsync(string name, CancellationTokenSource over)
    {
        using var folder = new TestFolder();
        var client = ContainerClient.Of(name, folder);
        try
        {
            for (var round = 0; !over.IsCancellationRequested; round++)
            {
                // One layer in one request, or in parts.
                var layout = new TestLayout(folder[$"round-{round}"]);
                var root = layout.Tag(layout.ImageOf(100_000, round % 2 == 0 ? 20 * MiB : 2 * MiB));
                var (reference, config) = ($"{_proxy.Host}/team/{name}:{round}", layout.Read(root).Config!.Digest.ToString());
                await client.PushAsync(layout, reference);
                await AssertWholeAsync(client, reference, config);
                _pushed[reference] = (name, config);
                Directory.Delete(layout.Folder, recursive: true);
            }
        }
        finally
        {
            await over.CancelAsync();
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
