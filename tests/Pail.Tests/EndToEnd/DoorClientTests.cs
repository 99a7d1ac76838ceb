using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;

namespace Pail.Tests.EndToEnd;

/// <summary>Real clients log in, push and pull under rules, over TLS, at three replicas.</summary>
[NeedsServers]
[UsesDebian13]
public abstract class DoorClientTests(GuardedReplicas registry) : IDisposable
{
    private readonly TestFolder _folder = new();

    public static TheoryData<string> EveryClient { get; } = new(ContainerClient.Names);

    [Theory]
    [MemberData(nameof(EveryClient))]
    public async Task Client_MayWhatTheRulesSay_AndNoMore(string name)
    {
        var layout = new TestLayout(_folder["image"]);
        var config = layout.Read(layout.Tag(layout.ImageOf(200_000, 100_000))).Config!.Digest.ToString();
        var (team, open) = ($"{registry.Host}/team/{name.Replace(' ', '-')}:1", $"{registry.Host}/public/{name.Replace(' ', '-')}:1");
        using var folders = new Folders();
        var (alice, bob, anonymous) = (ContainerClient.Of(name, folders.One), ContainerClient.Of(name, folders.Two), ContainerClient.Of(name, folders.Three));
        alice.Authority = bob.Authority = anonymous.Authority = registry.Authority;
        (await alice.LoginAsync(registry.Host, "alice", GuardedReplicas.Password)).Succeeded();
        (await bob.LoginAsync(registry.Host, "bob", GuardedReplicas.Password)).Succeeded();
        if (anonymous is not Ctr)
            Assert.NotEqual(0, (await anonymous.LoginAsync(registry.Host, "alice", "wrong")).ExitCode);

        foreach (var reference in new[] { team, open })
        {
            await alice.PushAsync(layout, reference);
            await alice.PushAsync(layout, reference); // nothing new
            await AssertPullsAsync(alice, reference, config);
        }
        await AssertPullsAsync(bob, team, config);
        await AssertPullsAsync(anonymous, open, config);
        // Another image: containerd asks for nothing more where its image is there already.
        var other = new TestLayout(_folder["other"]);
        other.Tag(other.ImageOf(100_001));
        await AssertRefusedAsync(() => bob.PushAsync(other, team));
        await AssertRefusedAsync(() => anonymous.PushAsync(other, open));
        await AssertRefusedAsync(() => anonymous.PullAsync(team));
    }

    [Fact]
    public async Task Oras_MayWhatTheRulesSay_AndNoMore()
    {
        using var folders = new Folders();
        var (alice, bob) = (new Tool("oras", folders.One) { Authority = registry.Authority }, new Tool("oras", folders.Two) { Authority = registry.Authority });
        await alice.DoAsync("login", "--username", "alice", "--password", GuardedReplicas.Password, registry.Host);
        await bob.DoAsync("login", "--username", "bob", "--password", GuardedReplicas.Password, registry.Host);
        await File.WriteAllTextAsync(folders.One["sbom.json"], """{"whale":1}""", TestContext.Current.CancellationToken);
        await alice.DoAsync("push", $"{registry.Host}/team/oras:1", "sbom.json:application/json");
        await bob.DoAsync("pull", "--output", "pulled", $"{registry.Host}/team/oras:1");
        Assert.Equal("""{"whale":1}""", await File.ReadAllTextAsync(Path.Combine(folders.Two["pulled"], "sbom.json"), TestContext.Current.CancellationToken));
        Assert.NotEqual(0, (await bob.RunAsync("tag", $"{registry.Host}/team/oras:1", "2")).ExitCode);
        Assert.NotEqual(0, (await new Tool("oras", folders.Three) { Authority = registry.Authority }.RunAsync("pull", $"{registry.Host}/team/oras:1")).ExitCode);
    }

    [Fact]
    public async Task Pail_MayWhatTheRulesSay_AndNoMore()
    {
        var layout = new TestLayout(_folder["image"]);
        // Large enough for parts that go past the server.
        layout.Tag(layout.ImageOf(20 << 20, 1000));
        using var folders = new Folders();
        var (alice, bob, anonymous) = (Cli(folders.One), Cli(folders.Two), Cli(folders.Three));
        (await alice.StartWith(GuardedReplicas.Password, "login", "-u", "alice", "--password-stdin", registry.Host).EndAsync()).Succeeded();
        (await bob.StartWith(GuardedReplicas.Password, "login", "-u", "bob", "--password-stdin", registry.Host).EndAsync()).Succeeded();
        (await anonymous.StartWith("wrong", "login", "-u", "alice", "--password-stdin", registry.Host).EndAsync()).Ended(4);
        await alice.DoAsync("push", layout.Address(), $"docker://{registry.Host}/team/pail:1");
        await alice.DoAsync("copy", $"docker://{registry.Host}/team/pail:1", $"docker://{registry.Host}/public/pail:1");
        await bob.DoAsync("pull", $"docker://{registry.Host}/team/pail:1", $"oci:{_folder["bob"]}:1");
        await anonymous.DoAsync("pull", $"docker://{registry.Host}/public/pail:1", $"oci:{_folder["anonymous"]}:1");
        (await bob.RunAsync("push", layout.Address(), $"docker://{registry.Host}/team/pail:2")).Ended(4);
        (await anonymous.RunAsync("pull", $"docker://{registry.Host}/team/pail:1", $"oci:{_folder["none"]}:1")).Ended(4);

        PailCli Cli(TestFolder home) => new(TestEnvironment.S3, home: home.Path) { Variables = new Dictionary<string, string> { ["SSL_CERT_FILE"] = registry.Authority } };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _folder.Dispose();
    }

    private static async Task AssertPullsAsync(ContainerClient client, string reference, string config)
    {
        await client.PullAsync(reference);
        Assert.Equal(config, await client.ConfigDigestAsync(reference));
        await client.RemoveAsync(reference);
    }

    private static async Task AssertRefusedAsync(Func<Task> work)
    {
        var e = await Assert.ThrowsAnyAsync<Exception>(work);
        Assert.Matches("(?i)denied|unauthorized|authentication required|insufficient_scope|authorization failed", e.Message);
    }

    // Logins are kept below the home folder, so each subject has its own.
    private sealed class Folders : IDisposable
    {
        public TestFolder One { get; } = new();

        public TestFolder Two { get; } = new();

        public TestFolder Three { get; } = new();

        public void Dispose()
        {
            One.Dispose();
            Two.Dispose();
            Three.Dispose();
        }
    }
}

public sealed class V2DoorClientTests(GuardedV2 registry) : DoorClientTests(registry), IClassFixture<GuardedV2>;

public sealed class PoolDoorClientTests(GuardedPool registry) : DoorClientTests(registry), IClassFixture<GuardedPool>;
