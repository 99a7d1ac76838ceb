using System.Text;
using Pail.Access;
using Pail.Server.Access;
using Pail.Oci;
using Pail.Tests.Kit.Servers;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Access;

/// <summary>The token endpoint and the challenges that lead to it, as clients use them.</summary>
public sealed class TokenEndpointTests : IAsyncLifetime
{
    private DoorBench _bench = null!;

    private TestServer Server => _bench.Server;

    public async ValueTask InitializeAsync() => _bench = await StartAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Root_WithoutLogin_IsChallenged_EvenWhereAnonymousMayPull()
    {
        await _bench.PushAsync("public/app", "1", "x");
        var answer = (await Server.GetAsync("/v2/")).Is(401, "UNAUTHORIZED");
        Assert.Equal($"Bearer realm=\"http://{Server.Host}/token\",service=\"pail\"", answer["WWW-Authenticate"]);
        Assert.Equal("registry/2.0", answer["Docker-Distribution-Api-Version"]);
        (await Server.GetAsync("/v2/public/app/manifests/1")).Is(200);
        (await Server.GetAsync("/v2/", Bearer(await _bench.TokenAsync(null)))).Is(200);
        (await Server.GetAsync("/v2/", Bearer(await _bench.TokenAsync("alice")))).Is(200);
        (await Server.GetAsync("/v2/", Basic("alice"))).Is(200);
    }

    [Theory]
    [InlineData("GET", "/v2/team-a/app/manifests/1", "repository:team-a/app:pull")]
    [InlineData("PUT", "/v2/team-a/app/manifests/1", "repository:team-a/app:pull,push")]
    [InlineData("DELETE", "/v2/team-a/app/manifests/1", "repository:team-a/app:delete")]
    [InlineData("GET", "/v2/team-a/app/tags/list", "repository:team-a/app:pull")]
    [InlineData("GET", "/v2/_catalog", null)] // anonymous may list what is public
    [InlineData("POST", "/v2/team-a/app/blobs/uploads/?mount=sha256:0000000000000000000000000000000000000000000000000000000000000000&from=team-b/x", "repository:team-a/app:pull,push repository:team-b/x:pull")]
    public async Task Challenge_NamesTheScope(string method, string path, string? scope)
    {
        var answer = await Server.SendAsync(method, path, method == "PUT" ? Json("{}"u8.ToArray()) : null);
        if (scope is null)
            answer.Is(200);
        else
            Assert.Equal($"Bearer realm=\"http://{Server.Host}/token\",service=\"pail\",scope=\"{scope}\"", answer.Is(401)["WWW-Authenticate"]);
    }

    [Fact]
    public async Task Challenge_IsTheSameForEveryUserAgent_AndNamesTheHostAskedFor()
    {
        foreach (var agent in new[] { "docker/26", "curl/8", "Mozilla/5.0", "" })
            Assert.StartsWith("Bearer ", (await Server.GetAsync("/v2/", ("User-Agent", agent))).Is(401)["WWW-Authenticate"], StringComparison.Ordinal);
        Assert.StartsWith("Bearer realm=\"http://registry.example:8443/token\",", (await Server.GetAsync("/v2/", ("Host", "registry.example:8443"))).Is(401)["WWW-Authenticate"], StringComparison.Ordinal);
        // Nobody is trusted to say it otherwise.
        Assert.StartsWith($"Bearer realm=\"http://{Server.Host}/token\",", (await Server.GetAsync("/v2/", ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https"), ("Forwarded", "host=evil.example"))).Is(401)["WWW-Authenticate"], StringComparison.Ordinal);
        await using var behind = await _bench.AnotherAsync(default, options => options with { TrustedProxies = [System.Net.IPNetwork.Parse("127.0.0.0/8")] });
        Assert.StartsWith("Bearer realm=\"https://registry.example/token\",", (await behind.GetAsync("/v2/", ("X-Forwarded-Host", "registry.example"), ("X-Forwarded-Proto", "https"))).Is(401)["WWW-Authenticate"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_SeveralScopes_GrantsWhatTheRulesAllow()
    {
        var answer = (await Server.GetAsync("/token?service=x&scope=repository:team-a/app:pull,push,delete&scope=repository:team-b/app:pull%20repository:public/app:pull%20repository:team-a/new:*&account=alice&client_id=docker", Basic("alice"))).Is(200);
        Assert.Equal("application/json", answer["Content-Type"]);
        Assert.Equal("no-store", answer["Cache-Control"]);
        Assert.Equal(answer.Json.GetProperty("token").GetString(), answer.Json.GetProperty("access_token").GetString());
        Assert.Equal(300, answer.Json.GetProperty("expires_in").GetInt32());
        Assert.Equal("2026-11-28T12:00:00Z", answer.Json.GetProperty("issued_at").GetString());
        Assert.False(answer.Json.TryGetProperty("refresh_token", out _));
        var token = Open(answer.Json.GetProperty("token").GetString()!)!;
        Assert.Equal(["repository:team-a/app:pull,push", "repository:public/app:pull", "repository:team-a/new:pull,push"], token.Scopes.Select(scope => scope.ToString()));
    }

    [Theory]
    [InlineData("/token", 200)] // docker login
    [InlineData("/token?scope=", 200)]
    [InlineData("/token?scope=nonsense", 200)]
    [InlineData("/token?scope=repository:UPPER:pull", 200)]
    [InlineData("/token?scope=repository:../../x:pull", 200)]
    [InlineData("/token?scope=repository(plugin):team-a/app:pull", 200)]
    [InlineData("/token?scope=repository:team-b/app:pull,push,*", 200)]
    [InlineData("/token?scope=registry:other:*", 200)]
    public async Task Get_WhatGrantsNothing_IsATokenForNothing(string path, int status) =>
        Assert.Empty(Open((await Server.GetAsync(path, Basic("alice"))).Is(status).Json.GetProperty("token").GetString()!)!.Scopes);

    [Fact]
    public async Task Get_WrongCredentials_Are401()
    {
        foreach (var headers in new[]
        {
            Basic("alice", "wrong"), Basic("nobody", "x"), Basic("alice", ""), Basic("", ""), Basic("alice", new string('x', 5000)),
            [("Authorization", "Basic !!!")], [("Authorization", "Basic")], [("Authorization", "Digest x")], Bearer(await _bench.TokenAsync("alice")), Bearer(""),
        })
            (await Server.GetAsync("/token", headers)).Is(401, "UNAUTHORIZED");
        Assert.StartsWith("Basic ", (await Server.GetAsync("/token", Basic("alice", "wrong")))["WWW-Authenticate"], StringComparison.Ordinal);
        (await Server.SendAsync("DELETE", "/token", null)).Is(405);
    }

    [Fact]
    public async Task Post_PasswordAndRefreshToken_GiveTokens()
    {
        var password = (await PostAsync("grant_type=password&service=pail&client_id=ctr&access_type=offline&scope=repository%3Ateam-a%2Fapp%3Apull%2Cpush&username=alice&password=" + Uri.EscapeDataString(PasswordOf("alice")))).Is(200);
        Assert.Equal("repository:team-a/app:pull,push", password.Json.GetProperty("scope").GetString());
        var refresh = password.Json.GetProperty("refresh_token").GetString()!;
        var renewed = (await PostAsync($"grant_type=refresh_token&service=pail&client_id=docker&scope=repository:team-a/app:push+repository:team-b/app:pull&refresh_token={refresh}")).Is(200);
        Assert.Equal("repository:team-a/app:push", renewed.Json.GetProperty("scope").GetString());
        Assert.Equal(refresh, renewed.Json.GetProperty("refresh_token").GetString());
        (await Server.PutAsync("/v2/team-a/app/manifests/1", [], null)).Is(401);
        // Each token is for its own purpose.
        (await Server.GetAsync("/v2/", Bearer(refresh))).Is(401);
        (await PostAsync($"grant_type=refresh_token&refresh_token={renewed.Json.GetProperty("access_token").GetString()}")).Is(401);
        (await PostAsync("grant_type=password&username=alice&password=wrong")).Is(401);
        (await PostAsync("grant_type=refresh_token&refresh_token=x")).Is(401);
        (await PostAsync("grant_type=authorization_code&code=x")).Is(400);
        (await PostAsync("username=alice")).Is(400);
        (await Server.SendAsync("POST", "/token", new StringContent("{}"))).Is(400);
        (await PostAsync("grant_type=password&username=" + new string('x', 100_000))).Is(400);
    }

    [Fact]
    public async Task RefreshToken_EndsWithThePassword_TheUser_ItsTime_AndTheSecret()
    {
        var refresh = (await Server.GetAsync("/token?offline_token=true", Basic("alice"))).Is(200).Json.GetProperty("refresh_token").GetString()!;
        Task<Answer> RenewAsync(TestServer? server = null) => PostAsync($"grant_type=refresh_token&refresh_token={refresh}", server);
        (await RenewAsync()).Is(200);
        await using (var other = await _bench.AnotherAsync(default, options => options with { Secret = Secret(2), PreviousSecret = Secret(1) }))
            (await RenewAsync(other)).Is(200);
        await using (var other = await _bench.AnotherAsync(default, options => options with { Secret = Secret(3), PreviousSecret = Secret(2) }))
            (await RenewAsync(other)).Is(401);
        var users = await File.ReadAllTextAsync(_bench.PasswordFile, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_bench.PasswordFile, $"alice:{BCrypt.Net.BCrypt.HashPassword("new", 4)}\n", TestContext.Current.CancellationToken);
        await using (var other = await _bench.AnotherAsync(default))
        {
            (await RenewAsync(other)).Is(401);
            (await other.GetAsync("/token", Basic("bob"))).Is(401);
        }
        await File.WriteAllTextAsync(_bench.PasswordFile, users, TestContext.Current.CancellationToken);
        _bench.Time.Advance(TimeSpan.FromDays(91));
        (await RenewAsync()).Is(401);
    }

    [Fact]
    public async Task AnonymousToken_IsGivenWhereAnonymousMayDoSomething()
    {
        Assert.Equal("repository:public/app:pull", Assert.Single(Open(await _bench.TokenAsync(null, "repository:public/app:pull,push", "repository:team-a/app:pull"))!.Scopes).ToString());
        Assert.False((await Server.GetAsync("/token?offline_token=true")).Is(200).Json.TryGetProperty("refresh_token", out _));
        await using var closed = await StartAsync(rules: "rules: [{subjects: \"user:alice\", repositories: x, allow: pull}]");
        (await closed.AskAsync(null, "repository:x:pull")).Is(401);
    }

    [Fact]
    public async Task Token_ExpiredForgedOrStripped_IsRefused()
    {
        await _bench.PushAsync("team-a/app", "1", "x");
        const string path = "/v2/team-a/app/manifests/1";
        var token = await _bench.TokenAsync("alice", "repository:team-a/app:pull");
        (await Server.GetAsync(path, Bearer(token))).Is(200);
        var other = new TokenSeal([Secret(9)]).Seal(new AccessToken(new Subject(SubjectKind.User, "root"), _bench.Time.GetUtcNow().AddHours(1), [new(RepositoryName.Parse("team-a/app"), AccessActions.Pull)]));
        foreach (var bad in new[] { other, token[..^1], token[1..], "", "x", token + "x", token.ToUpperInvariant(), "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.", new string('A', 30_000), Flip(token, 5), Flip(token, token.Length - 5) })
        {
            var answer = (await Server.GetAsync(path, Bearer(bad))).Is(401, "UNAUTHORIZED");
            Assert.EndsWith(bad.Length == 0 ? "pull\"" : "error=\"invalid_token\"", answer["WWW-Authenticate"], StringComparison.Ordinal);
        }
        // Credentials that are wrong are refused even where none are needed: a client should hear of it.
        (await Server.GetAsync("/v2/public/app/manifests/1", Bearer("x"))).Is(401);
        (await Server.SendAsync("GET", path, headers: [.. Bearer(token), .. Bearer(token)])).Is(401);
        _bench.Time.Advance(TimeSpan.FromSeconds(301));
        Assert.EndsWith("error=\"invalid_token\"", (await Server.GetAsync(path, Bearer(token))).Is(401)["WWW-Authenticate"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Token_IsGoodOnEveryReplica_UntilItsKeyIsGone()
    {
        await _bench.PushAsync("team-a/app", "1", "x");
        var token = Bearer(await _bench.TokenAsync("alice", "repository:team-a/app:pull"));
        async Task SeesAsync(int status, byte now, byte? before)
        {
            await using var other = await _bench.AnotherAsync(default, options => options with { Secret = Secret(now), PreviousSecret = before is { } old ? Secret(old) : default(ReadOnlyMemory<byte>?) });
            (await other.GetAsync("/v2/team-a/app/manifests/1", token)).Is(status);
        }
        await SeesAsync(200, 1, null);
        await SeesAsync(200, 2, 1);
        await SeesAsync(401, 2, null);
        await SeesAsync(401, 3, 2);
    }

    private static AccessToken? Open(string token) => new TokenSeal([Secret(1)]).Open(token);

    private static string Flip(string text, int at) => $"{text[..at]}{(text[at] == 'A' ? 'B' : 'A')}{text[(at + 1)..]}";

    private Task<Answer> PostAsync(string form, TestServer? server = null) => (server ?? Server).SendAsync("POST", "/token", new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded"));
}
