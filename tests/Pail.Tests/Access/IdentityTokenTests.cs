using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Pail.Access;
using Pail.Server.Identity;
using Pail.Tests.Kit.Servers;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Access;

/// <summary>Identity tokens of an issuer as a login: which are taken, and what their bearers may do.</summary>
public sealed class IdentityTokenTests : IAsyncLifetime
{
    private const string Start = "/v2/team/app/blobs/uploads/";

    private static RSA Other { get; } = RSA.Create(2048);

    private DoorBench _bench = null!;
    private TestIssuer _issuer = null!;

    private TestServer Server => _bench.Server;

    public async ValueTask InitializeAsync()
    {
        var now = new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
        _issuer = new TestIssuer(() => _bench?.Time.GetUtcNow() ?? now);
        _bench = await StartAsync(rules: RulesOf(_issuer.Url));
    }

    public async ValueTask DisposeAsync()
    {
        await _bench.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    private static string RulesOf(string url) => $$"""
        issuers: {ci: {issuer: "{{url}}", audience: [registry.example, other.example], algorithms: [RS256, ES256] } }
        rules:
          - {subjects: {issuer: ci, claims: {repository_id: "123", ref: "refs/heads/*"} }, repositories: "team/**", allow: [pull, push]}
          - {subjects: {issuer: ci, claims: {project_id: "77", groups: admins} }, repositories: "team/**", allow: [pull, push]}
          - {subjects: {issuer: ci, claims: {kubernetes.io/serviceaccount/uid: "uid-1"} }, repositories: "team/**", allow: [pull, push]}
          - {subjects: {issuer: ci, claims: {environment: forbidden} }, repositories: "**", deny: push}
          - {subjects: user:alice, repositories: "**", allow: pull}
        """;

    private static (string, JsonNode?)[] GitHub => [("sub", "repo:acme@1/app@123:ref:refs/heads/main"), ("repository", "acme/app"), ("repository_id", "123"), ("repository_owner_id", "1"), ("ref", "refs/heads/main"), ("run_attempt", "1"), ("aud", "registry.example")];

    private string Good => _issuer.Token(_issuer.Claims(GitHub));

    [Fact]
    public async Task Login_AsPasswordOrPosted_MayWhatTheRulesAllow()
    {
        (await Server.SendAsync("POST", Start, headers: Basic("oidc", Good))).Is(202);
        (await Server.SendAsync("POST", "/v2/other/app/blobs/uploads/", headers: Basic("oidc", Good))).Is(403);
        (await Server.GetAsync("/v2/", Basic("whatever", Good))).Is(200);
        foreach (var answer in new[]
        {
            (await Server.GetAsync("/token?scope=repository:team/app:pull,push,delete&offline_token=true", Basic("oidc", Good))).Is(200),
            (await PostAsync($"grant_type=password&username=x&access_type=offline&scope=repository:team/app:pull,push&password={Good}")).Is(200),
            (await PostAsync($"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&scope=repository:team/app:pull,push&assertion={Good}")).Is(200),
            (await PostAsync($"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:id_token&scope=repository:team/app:pull,push&subject_token={Good}")).Is(200),
        })
        {
            var token = answer.Json.GetProperty("token").GetString()!;
            // A job ends; its login does not live on.
            Assert.False(answer.Json.TryGetProperty("refresh_token", out _));
            (await Server.SendAsync("POST", Start, headers: Bearer(token))).Is(202);
            (await Server.SendAsync("DELETE", "/v2/team/app/manifests/1", headers: Bearer(token))).Is(401);
        }
        // No token of the registry itself, and not by Bearer.
        (await Server.SendAsync("POST", Start, headers: Bearer(Good))).Is(401);
        (await PostAsync($"grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:saml2&subject_token={Good}")).Is(400);
        Assert.Equal(1, _issuer.Asked);
        (await Server.GetAsync("/v2/", Basic("alice"))).Is(200);
    }

    [Fact]
    public async Task Login_ClaimShapes_OfGitHubGitLabAndKubernetes()
    {
        await IsAsync(202, [.. GitHub]);
        await IsAsync(403, [.. GitHub, ("repository_id", "124")]);
        await IsAsync(403, [.. GitHub, ("ref", "refs/tags/v1")]);
        await IsAsync(403, [.. GitHub, ("repository_id", null)]);
        // A denial by another claim; a text that only looks like a list.
        await IsAsync(403, [.. GitHub, ("environment", "forbidden")]);
        await IsAsync(403, [.. GitHub, ("environment", new JsonArray("x", "forbidden"))]);
        await IsAsync(202, [.. GitHub, ("environment", "x\nforbidden")]);

        (string, JsonNode?)[] gitLab = [("sub", "project_path:acme/app:ref_type:branch:ref:main"), ("project_id", "77"), ("namespace_id", "5"), ("groups", new JsonArray("users", "admins")), ("ref", "main")];
        await IsAsync(202, gitLab);
        await IsAsync(202, [.. gitLab.Select(claim => (claim.Item1, claim.Item2?.DeepClone())), ("project_id", 77)]);
        await IsAsync(403, [.. gitLab.Select(claim => (claim.Item1, claim.Item2?.DeepClone())), ("groups", new JsonArray("users"))]);

        JsonObject Account(string uid) => new() { ["namespace"] = "build", ["serviceaccount"] = new JsonObject { ["name"] = "builder", ["uid"] = uid }, ["pod"] = new JsonObject { ["name"] = "p", ["uid"] = "u" } };
        await IsAsync(202, ("aud", new JsonArray("registry.example")), ("sub", "system:serviceaccount:build:builder"), ("kubernetes.io", Account("uid-1")));
        await IsAsync(403, ("aud", new JsonArray("registry.example")), ("sub", "system:serviceaccount:build:builder"), ("kubernetes.io", Account("uid-2")));
        // One name in two forms.
        await IsAsync(401, ("kubernetes.io", Account("uid-2")), ("kubernetes.io/serviceaccount/uid", "uid-1"));
        await IsAsync(401, ("repository_id", new JsonObject { ["x"] = "123" }));
        await IsAsync(401, [.. GitHub, ("ref", "refs/heads/" + new string('x', 4000))]);

        async Task IsAsync(int status, params (string, JsonNode?)[] claims) => (await Server.SendAsync("POST", Start, headers: Basic("oidc", _issuer.Token(_issuer.Claims(claims))))).Is(status);
    }

    public static TheoryData<string> WrongTokens => [.. Wrong.Keys];

    private static Dictionary<string, Func<IdentityTokenTests, string>> Wrong { get; } = new()
    {
        ["audience"] = t => t.Of(("aud", "evil.example")),
        ["audience in part"] = t => t.Of(("aud", "registry.example/")),
        ["no audience"] = t => t.Of(("aud", null)),
        ["audience empty"] = t => t.Of(("aud", new JsonArray())),
        ["expired"] = t => t.Of(("exp", t.Seconds - 61)),
        ["no end"] = t => t.Of(("exp", null)),
        ["end is a text"] = t => t.Of(("exp", "9999999999")),
        ["end without bounds"] = t => t.Of(("exp", 1e300)),
        ["not yet"] = t => t.Of(("nbf", t.Seconds + 61)),
        ["made later"] = t => t.Of(("iat", t.Seconds + 61)),
        ["other issuer"] = t => t.Of(("iss", "https://token.actions.githubusercontent.com")),
        ["issuer with a slash"] = t => t.Of(("iss", t._issuer.Url + "/")),
        ["no issuer"] = t => t.Of(("iss", null)),
        ["none"] = t => t._issuer.Token(t.Fields, TestIssuer.Header("none"), _ => []),
        ["none, signed"] = t => t._issuer.Token(t.Fields, TestIssuer.Header("none")),
        ["None"] = t => t._issuer.Token(t.Fields, TestIssuer.Header("None"), _ => [1]),
        ["no signature"] = t => t.Good[..(t.Good.LastIndexOf('.') + 1)],
        ["other signature"] = t => t._issuer.Token(t.Fields, null, bytes => [.. t.Sign(bytes).Reverse()]),
        ["other claims"] = t => string.Join('.', t.Good.Split('.')[0], t.Of(("repository_id", "123"), ("x", "y")).Split('.')[1], t.Good.Split('.')[2]),
        ["HS256 with the public key"] = t => t._issuer.Token(t.Fields, TestIssuer.Header("HS256"), bytes => HMACSHA256.HashData(Encoding.UTF8.GetBytes(t._issuer.Key.ExportSubjectPublicKeyInfoPem()), bytes)),
        ["HS256 with the modulus"] = t => t._issuer.Token(t.Fields, TestIssuer.Header("HS256"), bytes => HMACSHA256.HashData(t._issuer.Key.ExportParameters(false).Modulus!, bytes)),
        ["algorithm that the rules don't name"] = t => t._issuer.Token(t.Fields, TestIssuer.Header("RS512"), bytes => t._issuer.Key.SignData(bytes, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1)),
        ["algorithm of another key type"] = t => t._issuer.Token(t.Fields, TestIssuer.Header("ES256")),
        ["unknown key"] = t => t.Foreign("nobody"),
        ["known kid, other key"] = t => t.Foreign("one"),
        ["no kid"] = t => t._issuer.Token(t.Fields, TestIssuer.Header(key: null)),
        ["kid is a list"] = t => t._issuer.Token(t.Fields, new JsonObject { ["alg"] = "RS256", ["kid"] = new JsonArray("one") }),
        ["kid is a path"] = t => t.Foreign("../../keys"),
        ["kid is an address"] = t => t.Foreign("http://127.0.0.1/key"),
        ["own jwk"] = t => t.Foreign("one", ("jwk", TestIssuer.Public(Other, "one"))),
        ["own jku"] = t => t.Foreign("two", ("jku", "http://127.0.0.1:1/keys")),
        ["own x5u"] = t => t.Foreign("two", ("x5u", "http://127.0.0.1:1/cert")),
        ["critical"] = t => t._issuer.Token(t.Fields, new JsonObject { ["alg"] = "RS256", ["kid"] = "one", ["crit"] = new JsonArray("b64"), ["b64"] = false }),
        ["a member twice"] = t => t._issuer.Token(t.Fields.ToJsonString()[..^1] + ",\"repository_id\":\"123\"}", TestIssuer.Header().ToJsonString()),
        ["header twice"] = t => t._issuer.Token(t.Fields.ToJsonString(), """{"alg":"none","alg":"RS256","kid":"one"}"""),
        ["four parts"] = t => t.Good + ".x",
        ["encrypted"] = t => "eyJhbGciOiJSU0EtT0FFUCJ9.x.y.z.w",
        ["too long"] = t => t.Of(("x", new string('x', 17_000))),
    };

    private long Seconds => _bench.Time.GetUtcNow().ToUnixTimeSeconds();

    private JsonObject Fields => _issuer.Claims(GitHub);

    [Theory]
    [MemberData(nameof(WrongTokens))]
    public async Task Login_WrongToken_IsRefused(string wrong)
    {
        var token = Wrong[wrong](this);
        (await Server.GetAsync("/token?scope=repository:team/app:pull", Basic("oidc", token))).Is(401, "UNAUTHORIZED");
        (await PostAsync($"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion={Uri.EscapeDataString(token)}")).Is(401, "UNAUTHORIZED");
        (await Server.SendAsync("POST", Start, headers: Basic("oidc", token))).Is(401, "UNAUTHORIZED");
        // The same with nothing wrong is good, so it was that.
        (await Server.SendAsync("POST", Start, headers: Basic("oidc", Good))).Is(202);
    }

    [Fact]
    public async Task Login_WithinTheSkew_IsGood()
    {
        foreach (var token in new[] { Of(("exp", Seconds - 59)), Of(("nbf", Seconds + 59), ("iat", Seconds + 59)), Of(("nbf", null), ("iat", null)), Of(("exp", Seconds + 0.5)) })
            (await Server.GetAsync("/v2/", Basic("oidc", token))).Is(200);
    }

    [Fact]
    public async Task Login_EllipticKey_IsGood_AndUnusableKeysAreLeftOut()
    {
        using var curve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var small = RSA.Create(1024);
        var point = curve.ExportParameters(false).Q;
        var key = new JsonObject { ["kty"] = "EC", ["crv"] = "P-256", ["kid"] = "ec", ["x"] = System.Buffers.Text.Base64Url.EncodeToString(point.X), ["y"] = System.Buffers.Text.Base64Url.EncodeToString(point.Y) };
        var encrypting = TestIssuer.Public(Other, "enc");
        encrypting["use"] = "enc";
        var off = (JsonObject)key.DeepClone();
        (off["kid"], off["y"]) = ("off", off["x"]!.DeepClone());
        _issuer.Published.AddRange([key, encrypting, off, TestIssuer.Public(small, "small"), TestIssuer.Public(Other, "ps", "PS256"), new JsonObject { ["kty"] = "oct", ["kid"] = "oct", ["k"] = "AAAA" }, []]);
        (await LoginAsync(_issuer.Token(Fields, TestIssuer.Header("ES256", "ec"), bytes => curve.SignData(bytes, HashAlgorithmName.SHA256)))).Is(200);
        foreach (var bad in new[] { Foreign("enc"), Foreign("ps"), _issuer.Token(Fields, TestIssuer.Header("ES256", "off")), _issuer.Token(Fields, TestIssuer.Header(key: "small"), bytes => small.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)), _issuer.Token(Fields, TestIssuer.Header("HS256", "oct"), bytes => HMACSHA256.HashData(new byte[3], bytes)) })
            (await LoginAsync(bad)).Is(401);
    }

    [Fact]
    public async Task Keys_Rotate_AreAskedForOnce_AndOutagesPass()
    {
        (await LoginAsync(Good)).Is(200);
        // A new key is learned of by its first token; names that nobody has don't make the server ask each time.
        _issuer.Published.Add(TestIssuer.Public(Other, "two"));
        (await LoginAsync(Foreign("two"))).Is(401);
        _bench.Time.Advance(IssuerKeys.Pause);
        (await LoginAsync(Foreign("two"))).Is(200);
        Assert.Equal(2, _issuer.Asked);
        foreach (var name in Enumerable.Range(0, 20))
            (await LoginAsync(Foreign($"unknown{name}"))).Is(401);
        Assert.Equal(2, _issuer.Asked);
        // A key that is gone is good for an hour at most.
        _issuer.Published.RemoveAt(0);
        (await LoginAsync(Good)).Is(200);
        _bench.Time.Advance(IssuerKeys.Fresh);
        (await LoginAsync(Good)).Is(401);
        (await LoginAsync(Foreign("two"))).Is(200);
        Assert.Equal(3, _issuer.Asked);
        _issuer.IsAway = true;
        _bench.Time.Advance(IssuerKeys.Fresh);
        for (var i = 0; i < 5; i++)
            (await LoginAsync(Foreign("two"))).Is(200);
        Assert.Equal(4, _issuer.Asked);
        _bench.Time.Advance(IssuerKeys.Stale - IssuerKeys.Fresh);
        var away = (await LoginAsync(Foreign("two"))).Is(503, "UNAVAILABLE");
        Assert.Equal("10", away["Retry-After"]);
        _issuer.IsAway = false;
        _bench.Time.Advance(IssuerKeys.Pause);
        (await LoginAsync(Foreign("two"))).Is(200);
    }

    [Theory]
    [InlineData("https://evil.example", null)]
    [InlineData(null, "http://evil.example/keys")]
    [InlineData(null, "file:///etc/passwd")]
    [InlineData(null, "")]
    public async Task Keys_OfAnIssuerThatIsAnother_OrWithoutTls_AreNotTaken(string? name, string? keys)
    {
        (_issuer.Name, _issuer.KeysAddress) = (name, keys);
        (await LoginAsync(Good)).Is(503);
    }

    [Fact]
    public async Task Token_OfBefore_ARuleAsksForAnotherClaim_IsRefused()
    {
        var rules = RulesOf(_issuer.Url);
        await using var bench = await StartAsync(rules: rules, door: options => options with { Reread = _ => Task.FromResult(AccessRules.Parse(rules, "rules")) });
        async Task<int> PushAsync(string token) => (await bench.Server.SendAsync("POST", Start, headers: Bearer(token))).Status;
        async Task<string> AskAsync() => (await bench.Server.GetAsync("/token?scope=repository:team/app:pull,push", Basic("oidc", Of(("actor_id", "666"))))).Is(200).Json.GetProperty("token").GetString()!;
        var token = await AskAsync();
        Assert.Equal(202, await PushAsync(token));
        rules += "\n  - {subjects: {issuer: ci, claims: {actor_id: \"666\"}}, repositories: team/app, deny: push}\n";
        await new Pail.Server.Access.RuleWatch(Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<Pail.Server.RegistryServices>(bench.Server.App.Services)).TryRunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(401, await PushAsync(token));
        Assert.Equal(401, await PushAsync(await AskAsync()));
    }

    private Task<Answer> LoginAsync(string token) => Server.GetAsync("/v2/", Basic("oidc", token));

    private string Of(params (string, JsonNode?)[] more) => _issuer.Token(_issuer.Claims([.. GitHub, .. more]));

    private byte[] Sign(byte[] bytes) => _issuer.Key.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

    private string Foreign(string key, params (string, JsonNode?)[] header)
    {
        var head = TestIssuer.Header(key: key);
        foreach (var (name, value) in header)
            head[name] = value;
        return _issuer.Token(Fields, head, bytes => Other.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private Task<Answer> PostAsync(string form) => Server.SendAsync("POST", "/token", new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded"));
}
