using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.EndToEnd;

/// <summary>Tokens at three replicas, and their change to another secret while clients work.</summary>
[NeedsServers]
public sealed class KeyRotationTests(GuardedPool registry) : IClassFixture<GuardedPool>
{
    private readonly List<string> _pushed = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Secret_ChangedAsTheDocumentsSay_EndsNothing_UntilTheOldOneIsGone()
    {
        var old = await TokenAsync(0);
        await AssertTokenAsync(old, 200);
        using var over = new CancellationTokenSource();
        var working = Task.WhenAll(WorkAsync("skopeo", over), WorkAsync("podman", over));
        // First all replicas learn of the new secret, then they seal with it.
        await RotateAsync(over, "--secret-file", registry.SecretFile(1), "--previous-secret-file", registry.SecretFile(2));
        var between = await TokenAsync(1);
        await RotateAsync(over, "--secret-file", registry.SecretFile(2), "--previous-secret-file", registry.SecretFile(1));
        await over.CancelAsync();
        await working;
        await AssertTokenAsync(old, 200);
        await AssertTokenAsync(between, 200);
        var last = await TokenAsync(2);
        await AssertTokenAsync(last, 200);
        await RotateAsync(null, "--secret-file", registry.SecretFile(2));
        await AssertTokenAsync(old, 401);
        await AssertTokenAsync(between, 401);
        await AssertTokenAsync(last, 200);
        // Clients log in by their passwords still, and all that was pushed is whole.
        using var folder = new TestFolder();
        var client = await ClientAsync("skopeo", folder);
        Assert.NotEmpty(_pushed);
        foreach (var reference in _pushed)
            await client.PullAsync(reference);
    }

    [Fact]
    public async Task Challenge_BehindTheProxy_NamesWhatTheClientAskedFor()
    {
        // As HAProxy asks a replica.
        var answer = await registry.Replicas.Each.First().SendAsync("GET", "/v2/", headers: [("X-Forwarded-Host", registry.Host), ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "127.0.0.1")]);
        Assert.Equal(401, answer.Status);
        Assert.Equal($"Bearer realm=\"https://{registry.Host}/token\",service=\"pail\"", answer["WWW-Authenticate"]);
    }

    // One replica after the other, each when a client has pushed something since the last.
    private async Task RotateAsync(CancellationTokenSource? over, params string[] options)
    {
        for (var index = 0; index < BalancedReplicas.Count; index++)
        {
            var pushed = Pushed();
            await Eventually.TrueAsync(() => over is null || over.IsCancellationRequested || Pushed() > pushed);
            await registry.Replicas.RestartAsync(index, options);
        }
    }

    private int Pushed()
    {
        lock (_pushed)
            return _pushed.Count;
    }

    private async Task WorkAsync(string name, CancellationTokenSource over)
    {
        using var folder = new TestFolder();
        try
        {
            var client = await ClientAsync(name, folder);
            for (var round = 0; !over.IsCancellationRequested; round++)
            {
                var layout = new TestLayout(folder[$"round-{round}"]);
                layout.Tag(layout.ImageOf(300_000, 1000));
                var reference = $"{registry.Host}/team/{name}:{round}";
                await BrokenConnections.TryAgainAsync(() => client.PushAsync(layout, reference));
                lock (_pushed)
                    _pushed.Add(reference);
                await BrokenConnections.TryAgainAsync(() => client.PullAsync(reference));
                await client.RemoveAsync(reference);
            }
        }
        catch
        {
            await over.CancelAsync();
            throw;
        }
    }

    private async Task<ContainerClient> ClientAsync(string name, TestFolder folder)
    {
        var client = ContainerClient.Of(name, folder);
        client.Authority = registry.Authority;
        (await client.LoginAsync(registry.Host, "alice", GuardedReplicas.Password)).Succeeded();
        return client;
    }

    // From one replica itself.
    private async Task<string> TokenAsync(int replica) =>
        (await registry.Replicas.Each.ElementAt(replica).GetAsync("/token?service=pail&scope=repository:team/app:pull,push", Basic("alice", GuardedReplicas.Password))).Is(200).Json.GetProperty("token").GetString()!;

    private async Task AssertTokenAsync(string token, int status)
    {
        foreach (var replica in registry.Replicas.Each)
        {
            var answer = (await replica.GetAsync("/v2/team/app/tags/list", Bearer(token)));
            Assert.Equal(status == 200 ? 404 : status, answer.Status);
            if (status == 401)
                Assert.Contains("error=\"invalid_token\"", answer["WWW-Authenticate"], StringComparison.Ordinal);
        }
    }
}
