using Microsoft.Extensions.Time.Testing;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Remote;
using Pail.Remote.Credentials;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit.Registries;
using Pail.Tests.Kit.Servers;

namespace Pail.Tests.Remote;

/// <summary>Registries that want bearer tokens.</summary>
public sealed class TokenTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private readonly RegistryKit _kit;
    private TestServer _server = null!;
    private TokenGate _gate = null!;

    public TokenTests() => _kit = new() { Time = _time };

    private string Host => _gate.Host;

    public async ValueTask InitializeAsync()
    {
        var meter = new RequestMeter();
        Directory.CreateDirectory(_kit.Folder["bucket"]);
        _server = await TestServer.StartAsync(new FolderStore(_kit.Folder["bucket"], meter), meter, LayoutKind.V2);
        _gate = await TokenGate.StartAsync(_server.Address, _time);
        _kit.LogIn(Host, TokenGate.User, TokenGate.Password);
    }

    public async ValueTask DisposeAsync()
    {
        await _gate.DisposeAsync();
        await _server.DisposeAsync();
        _kit.Dispose();
    }

    [Fact]
    public async Task Copy_ThereAndBack_AsksForOneTokenEachAndForTheScopesItNeeds()
    {
        var image = MemoryImage.Index();
        await RegistryKit.CopyAsync(image, _kit.Sink(Host));
        Assert.Equal("GET /token?service=test%2C%20%22gate%22&scope=repository%3Ateam%2Fapp%3Apull%2Cpush&account=whale", Assert.Single(_gate.ToRealm));
        _gate.Requests.Clear();
        MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host)));
        Assert.Contains("Apull&", Assert.Single(_gate.ToRealm), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_Unchanged_TakesTwoRequestsAtEachEnd()
    {
        var image = MemoryImage.Index();
        await RegistryKit.CopyAsync(image, _kit.Sink(Host));
        await RegistryKit.CopyAsync(_kit.Source(Host), _kit.Sink(Host, "team/other"));
        _gate.Requests.Clear();
        Assert.True((await RegistryKit.CopyAsync(_kit.Source(Host), _kit.Sink(Host, "team/other"))).Unchanged);
        Assert.Equal(
            ["GET /v2/team/app/manifests/1", "GET /v2/team/app/manifests/1", "HEAD /v2/team/other/manifests/1", "HEAD /v2/team/other/manifests/1"],
            _gate.ToRegistry);
    }

    [Fact]
    public async Task Mount_AsksForBothScopesAtOnce()
    {
        await RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(Host));
        _gate.Requests.Clear();
        var result = await RegistryKit.CopyAsync(_kit.Source(Host), _kit.Sink(Host, "team/other", mountFrom: "team/app"));
        Assert.Equal((0, 3), (result.Sent, result.Copied));
        Assert.Contains(_gate.ToRealm, line => line.Contains("scope=repository%3Ateam%2Fother%3Apull%2Cpush&scope=repository%3Ateam%2Fapp%3Apull", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("told")] // renewed before they end
    [InlineData("not told")] // refused in the middle
    [InlineData("revoked")]
    public async Task Copy_TokensEndOnTheWay_GetsNewOnes(string how)
    {
        var requests = 0;
        if (how != "revoked")
            _gate.Lifetime = TimeSpan.FromSeconds(1);
        if (how == "not told")
            _gate.StatedLifetime = 3600;
        _gate.Before = _ =>
        {
            var number = Interlocked.Increment(ref requests);
            if (how == "revoked" && number is 9 or 20)
                _gate.Revoke();
            else if (how != "revoked" && number is 3 or 60)
                _time.Advance(TimeSpan.FromSeconds(1.1));
        };
        var image = MemoryImage.Plain(layers: 12);
        await RegistryKit.CopyAsync(image, _kit.Sink(Host));
        MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host)));
        Assert.True(_gate.ToRealm.Count > 2);
    }

    [Fact]
    public async Task Copy_TokenEndsWhileABlobIsSent_SendsItAgain()
    {
        var ended = 0;
        // What is sent was let in; then it turns out that the token had ended when the body came.
        _gate.Refuses = request => request.Method == "PUT" && request.Path.Value!.Contains("/uploads/", StringComparison.Ordinal) && Interlocked.Exchange(ref ended, 1) == 0;
        var image = MemoryImage.Plain();
        await RegistryKit.CopyAsync(image, _kit.Sink(Host));
        Assert.Equal((1, 2), (ended, _gate.ToRealm.Count));
        MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host)));
    }

    [Fact]
    public async Task Copy_RevokedInTheMiddle_IsDeniedAndNamesNothing()
    {
        var requests = 0;
        _gate.Before = _ =>
        {
            if (Interlocked.Increment(ref requests) != 4)
                return;
            _gate.Closed = true;
            _gate.Revoke();
        };
        var error = await Assert.ThrowsAnyAsync<PailException>(() => RegistryKit.CopyAsync(MemoryImage.Plain(layers: 12), _kit.Sink(Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.DoesNotContain(TokenGate.Password, error.ToString(), StringComparison.Ordinal);
        Assert.Null(await _server.Bucket.Repository(RepositoryName.Parse("team/app")).Manifests.GetAsync(Reference.Parse("1"), default));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData(null, "GET")]
    [InlineData("wrong-too", null)]
    public async Task Copy_WrongLogin_IsDeniedWithoutTryingAgain(string? identity, string? lacks)
    {
        if (lacks is not null)
            _gate.Lacks = (lacks, 405);
        Keep(new { auth = RegistryKit.Base64($"{TokenGate.User}:{(identity is null ? "wrong-one" : "")}"), identitytoken = identity });
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.Contains("config.json", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-", error.ToString(), StringComparison.Ordinal);
        Assert.Single(_gate.ToRegistry);
        Assert.Equal(lacks is null ? 1 : 2, _gate.ToRealm.Count);
    }

    [Fact]
    public async Task Copy_IdentityToken_IsExchanged()
    {
        Keep(new { auth = RegistryKit.Base64("whale:"), identitytoken = _gate.RefreshToken });
        var image = MemoryImage.Plain();
        await RegistryKit.CopyAsync(image, _kit.Sink(Host));
        Assert.Equal("POST /token", Assert.Single(_gate.ToRealm));
        MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host)));
    }

    [Theory]
    [InlineData(404)]
    [InlineData(405)]
    public async Task Copy_RealmThatKnowsNoPost_GetsThePasswordKeptBesideTheIdentityToken(int status)
    {
        _gate.Lacks = ("POST", status);
        Keep(new { auth = RegistryKit.Base64($"{TokenGate.User}:{TokenGate.Password}"), identitytoken = _gate.RefreshToken });
        await RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(Host));
        Assert.Equal(["POST", "GET"], _gate.ToRealm.Select(line => line.Split(' ')[0]));
    }

    [Theory]
    [InlineData(404)]
    [InlineData(405)]
    public async Task Copy_RealmThatKnowsNoGet_GetsThePasswordByPost(int status)
    {
        _gate.Lacks = ("GET", status);
        await RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(Host));
        Assert.Equal(["GET", "POST"], _gate.ToRealm.Select(line => line.Split(' ')[0]));
        var kept = await RegistryLogin.CheckAsync(Host, new Credential(TokenGate.User, TokenGate.Password), _kit.Effective, _kit.Engine.Retry, default);
        Assert.Equal((null, _gate.RefreshToken), (kept.Password, kept.IdentityToken));
    }

    [Fact]
    public async Task Copy_RegistryToken_IsTakenAsItIsAndNotRenewed()
    {
        _gate.Ready = "ready-made";
        Keep(new { registrytoken = "ready-made" });
        var image = MemoryImage.Plain();
        await RegistryKit.CopyAsync(image, _kit.Sink(Host));
        MemoryImage.AssertSame(image, await Copying.ReadAsync(_kit.Source(Host)));
        Assert.Empty(_gate.ToRealm);

        _gate.Ready = null;
        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.ReadAsync(_kit.Source(Host)));
        Assert.Equal(Failure.Denied, error.Failure);
        Assert.Contains($"The login for {Host}", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("ready-made", error.ToString(), StringComparison.Ordinal);
        Assert.Empty(_gate.ToRealm);
    }

    [Fact]
    public async Task Login_KeepsTheRefreshTokenThePasswordWasExchangedFor()
    {
        var kept = await RegistryLogin.CheckAsync(Host, new Credential(TokenGate.User, TokenGate.Password), _kit.Effective, _kit.Engine.Retry, default);
        Assert.Equal((null, _gate.RefreshToken), (kept.Password, kept.IdentityToken));
        await Assert.ThrowsAnyAsync<PailException>(() => RegistryLogin.CheckAsync(Host, new Credential(TokenGate.User, "wrong"), _kit.Effective, _kit.Engine.Retry, default));
    }

    [Fact]
    public async Task Proof_GoesToTheRegistryAndItsRealmOnly()
    {
        await RegistryKit.CopyAsync(MemoryImage.Plain(), _kit.Sink(Host));
        foreach (var (line, proof) in _gate.Requests)
            Assert.True(proof is null || proof.StartsWith(line.Contains("/token", StringComparison.Ordinal) ? "Basic " : "Bearer ", StringComparison.Ordinal), line);
    }

    private void Keep(object entry) => _kit.Write(new { auths = new Dictionary<string, object> { [Host] = entry } });
}
