using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Clients;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.EndToEnd;

/// <summary><c>pail serve</c> with rules, over a folder, as people start it.</summary>
public abstract class GuardedFolder(string layout) : IAsyncLifetime
{
    /// <summary>The password of every user.</summary>
    public const string Password = "a password: with ümlaut";

    private const string Rules = """
        rules:
          - {subjects: anonymous, repositories: "public/**", allow: [pull, list]}
          - {subjects: "user:alice", repositories: ["team/**", "public/**"], allow: [pull, push, list]}
          - {subjects: "user:bob", repositories: "team/**", allow: [pull, list]}
        """;

    private readonly TestFolder _folder = new();
    private PailServer? _server;

    /// <summary>The server's host and port.</summary>
    public string Host => _server!.Host;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder["rules"], Rules);
        await File.WriteAllTextAsync(_folder["users"], $"alice:{BCrypt.Net.BCrypt.HashPassword(Password, 10)}\nbob:{BCrypt.Net.BCrypt.HashPassword(Password, 10)}\n");
        await PailCli.Direct.DoAsync("init", $"file:{_folder["bucket"]}", "--layout", layout);
        _server = await PailServer.StartAsync(PailCli.Direct, [$"file:{_folder["bucket"]}", "--log", "off", "--access", _folder["rules"], "--htpasswd", _folder["users"]]);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_server is not null)
        {
            await _server.StopAsync();
            await _server.DisposeAsync();
        }
        _folder.Dispose();
    }
}

/// <summary>Each repository has its own blobs.</summary>
public sealed class GuardedV2() : GuardedFolder("v2");

/// <summary>All repositories share their blobs.</summary>
public sealed class GuardedPool() : GuardedFolder("pool");

/// <summary>Real clients log in, push and pull under rules.</summary>
[NeedsServers]
[UsesDebian13]
public abstract class DoorClientTests(GuardedFolder registry) : IDisposable
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
        (await alice.LoginAsync(registry.Host, "alice", GuardedFolder.Password)).Succeeded();
        (await bob.LoginAsync(registry.Host, "bob", GuardedFolder.Password)).Succeeded();
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
