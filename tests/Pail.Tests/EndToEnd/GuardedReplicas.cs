using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Registries;
using Pail.Tests.Kit.Servers;
using Pail.Tests.S3;

namespace Pail.Tests.EndToEnd;

/// <summary>Three replicas of <c>pail serve</c> with rules over one bucket of Ceph RGW, behind HAProxy, which speaks TLS.</summary>
public abstract class GuardedReplicas(string layout) : IAsyncLifetime
{
    /// <summary>The password of every user.</summary>
    public const string Password = "a password: with ümlaut";

    // Not an address of loopback, with which some clients speak plain HTTP; ./test makes it one.
    private const string Name = "registry.test";

    private const string Rules = """
        rules:
          - {subjects: anonymous, repositories: "public/**", allow: [pull, list]}
          - {subjects: "user:alice", repositories: ["team/**", "public/**"], allow: [pull, push, list]}
          - {subjects: "user:bob", repositories: "team/**", allow: [pull, list]}
        """;

    private readonly string _bucket = S3Server.NewName();
    private readonly TestFolder _folder = new();
    private BalancedReplicas? _replicas;

    /// <summary>The host and port that clients know.</summary>
    public string Host => $"{Name}:{_replicas!.Port}";

    /// <summary>The certificate of the authority that vouches for it.</summary>
    public string Authority { get; private set; } = "";

    internal BalancedReplicas Replicas => _replicas!;

    /// <summary>A file with a secret; the same one for the same number.</summary>
    internal string SecretFile(int number)
    {
        File.WriteAllText(_folder[$"secret{number}"], $"secret {number} of all replicas");
        return _folder[$"secret{number}"];
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(_folder["rules"], Rules);
        await File.WriteAllTextAsync(_folder["users"], $"alice:{BCrypt.Net.BCrypt.HashPassword(Password, 10)}\nbob:{BCrypt.Net.BCrypt.HashPassword(Password, 10)}\n");
        using var authority = TestCertificates.OfEngines();
        var certificates = new TestCertificates(_folder, authority);
        Authority = TestEnvironment.Authority;
        using (var issued = certificates.Issue(Name))
            await File.WriteAllTextAsync(_folder["proxy.pem"], await File.ReadAllTextAsync(certificates.Write(issued, "proxy")) + "\n" + await File.ReadAllTextAsync(_folder["proxy.key"]));
        await PailCli.Direct.DoAsync("init", $"s3://{_bucket}", "--layout", layout);
        await PailCli.Direct.DoAsync("access", "prepare", $"s3://{_bucket}");
        _replicas = await BalancedReplicas.StartAsync(_folder, [$"s3://{_bucket}", "--access", _folder["rules"], "--htpasswd", _folder["users"], "--token-lifetime", "1h"], ["--secret-file", SecretFile(1)], _folder["proxy.pem"], Authority);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_replicas is not null)
            await _replicas.DisposeAsync();
        await S3Server.Ceph.RemoveAsync(_bucket);
        _folder.Dispose();
    }
}

/// <summary>Each repository has its own blobs.</summary>
public sealed class GuardedV2() : GuardedReplicas("v2");

/// <summary>All repositories share their blobs.</summary>
public sealed class GuardedPool() : GuardedReplicas("pool");
