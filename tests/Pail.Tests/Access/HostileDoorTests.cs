using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pail.Access;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Server.Access;
using Pail.Tests.Kit;
using Pail.Tests.Server;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Access;

/// <summary>
/// Credentials, token requests and rules that nobody should send, at random: no 500, no silence, memory stays bounded; nobody gets a token for another
/// subject or more than the rules allow; and nothing of a repository that is not theirs is read, listed or changed.
/// </summary>
[Collection(FuzzTests.Alone)]
public sealed class HostileDoorTests
{
    private const string Secret = "the secret layer of team-b";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public Task Requests_AtRandom_GetNothing(LayoutKind layout) => RunAsync(layout, 10_000);

    [Theory]
    [Trait("Category", "Long")]
    [InlineData(LayoutKind.V2)]
    [InlineData(LayoutKind.Pool)]
    public Task Requests_TwoHundredThousandAtRandom_GetNothing(LayoutKind layout) => RunAsync(layout, 100_000);

    private static async Task RunAsync(LayoutKind layout, int count)
    {
        const int Connections = 8;
        await using var issuer = new TestIssuer(() => new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));
        var text = $"{Rules}\n  - {{subjects: {{issuer: ci, claims: {{repository_id: \"123\"}} }}, repositories: \"team-a/**\", allow: [pull, push]}}\nissuers: {{ci: {{issuer: \"{issuer.Url}\", audience: registry.example}} }}\n";
        var rules = AccessRules.Parse(text, "rules");
        // Requests come from many addresses, by a proxy: else most would wait until failed logins of others have had their turns.
        await using var bench = await StartAsync(layout, text, options => options with { TrustedProxies = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")] });
        var (blob, manifest, _) = await bench.PushAsync("team-b/app", "1", Secret);
        var before = (await bench.Server.KeysAsync()).Where(key => !IsOfTeamA(key)).ToHashSet(StringComparer.Ordinal);
        var token = await bench.TokenAsync("alice", "repository:team-a/app:pull,push");
        var (seal, seed) = (new TokenSeal([Secret(1)]), Random.Shared.Next());
        // Failed logins wait for their turn.
        using var stop = new CancellationTokenSource();
        var clock = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await Task.Delay(5, CancellationToken.None);
                bench.Time.Advance(TimeSpan.FromSeconds(1));
            }
        }, CancellationToken.None);
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        var statuses = new int[600];
        try
        {
            await Parallel.ForEachAsync(Enumerable.Range(0, Connections), new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = Cancel }, async (lane, _) =>
            {
                var fuzz = new DoorFuzz(new Random(seed + lane), issuer, token, blob, manifest);
                await using var client = new RawClient(bench.Server.Address);
                for (var i = 0; i < count / Connections; i++)
                {
                    var where = $"seed {seed}, lane {lane}, request {i}";
                    if (i % 8 == 0)
                        Check(fuzz.Rules(text), where);
                    var (request, subject, isToken) = fuzz.Next();
                    var (status, location) = await client.SendAsync(request, Eventually.Limit, where);
                    var shown = $"{where}: {status} {Encoding.Latin1.GetString(client.Body)} for\n{Encoding.Latin1.GetString(request.Bytes)}";
                    Assert.True(status is >= 200 and < 500 or 503, shown);
                    Interlocked.Increment(ref statuses[status]);
                    Assert.False(client.Body.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Secret)) >= 0 || client.Body.AsSpan().IndexOf(Encoding.ASCII.GetBytes(blob.ToString())) >= 0 && status < 300, shown);
                    Assert.False(location?.Contains("team-b", StringComparison.Ordinal) == true, shown);
                    if (isToken && status == 200)
                    {
                        var given = seal.Open(JsonDocument.Parse(client.Body).RootElement.GetProperty("token").GetString()!)!;
                        Assert.True(given.Subject == subject, shown);
                        Assert.All(given.Scopes, scope => Assert.True(scope.Repository is null || AccessWords.All.All(word => AccessWords.Read(word) is not { } action || !scope.Actions.HasFlag(action) || rules.Allow(given.Subject, action, scope.Repository.ToString()!)), shown));
                    }
                }
            });
        }
        finally
        {
            await stop.CancelAsync();
            await clock;
        }
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - memory < 200L << 20);
        // It is worth something only if all kinds of answers came.
        foreach (var status in (int[])[200, 202, 400, 401, 403, 404])
            Assert.True(statuses[status] > 0, $"no {status}, seed {seed}");
        Assert.Equal(before.Order(StringComparer.Ordinal), (await bench.Server.KeysAsync()).Where(key => !IsOfTeamA(key)).Order(StringComparer.Ordinal));
        Assert.Equal(Digest.Of((await bench.Server.GetAsync("/v2/team-b/app/manifests/1", Basic("root"))).Is(200).Body), manifest);
    }

    // What alice may write: her repositories, and in a pool blobs that nobody else holds.
    private static bool IsOfTeamA(string key) => key.Contains("team-a", StringComparison.Ordinal) || key.StartsWith("pail/uploads/", StringComparison.Ordinal);

    private static void Check(string text, string where)
    {
        try
        {
            var (rules, problems) = AccessRules.Read(text);
            Assert.True(rules is null == problems.Count > 0, where);
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"{where}: {e}\n{text}");
        }
    }
}

/// <summary>Makes requests with wrong, missing, mixed and few good credentials, and rules with mistakes.</summary>
internal sealed class DoorFuzz(Random random, TestIssuer issuer, string token, Digest blob, Digest manifest)
{
    private readonly List<string> _broken = [];

    private static readonly Subject Alice = new(SubjectKind.User, "alice");
    private static readonly string[] Users = ["alice", "bob", "root", "", "robot+ci", "robot+../x", "robot+", "a:b", "é", "\u0001", "*", new string('u', 300)];
    private static readonly string[] Scopes =
        ["repository:team-a/app:pull,push", "repository:team-b/app:pull", "repository:team-b/app:*", "repository:**:*", "repository:*:pull", "registry:catalog:*", "registry:*:*", "repository:team-a/../team-b/app:pull", "repository:public/x:pull", "repository:TEAM-B/app:pull", "::", ":", "repository:team-b/app:pull:push", "repository(plugin):team-b/app:pull", "repository:team-a/app:admin,list,delete", "%00", "%ff"];
    private static readonly string[] RuleWords = ["allow: admin", "anonymous", "anyone", "\"**\"", "[", "{", "}", "]", ": ", "- ", "\n", "  ", "&a ", "*a", "!!x ", "\u0000", "\"", "'", "|", ">", "%", "user:", "issuer: x", "deny: pull", "\t", "é", "?", "#", "<<: *a", "---\n"];
    private static readonly string[] Grants = ["password", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange", "authorization_code", "", "%00"];

    /// <summary>A request; whose token it may get, if it is for one.</summary>
    public (FuzzRequest Request, Subject? Subject, bool IsToken) Next() => random.Next(2) == 0 ? ForToken() : ForContent();

    /// <summary>Rules with a few mistakes.</summary>
    public string Rules(string text)
    {
        var rules = new StringBuilder(text);
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var at = random.Next(rules.Length);
            switch (random.Next(3))
            {
                case 0:
                    rules.Remove(at, Math.Min(rules.Length - at, random.Next(1, 30)));
                    break;
                case 1:
                    rules.Insert(at, string.Concat(Enumerable.Repeat(Pick(RuleWords), random.Next(20) == 0 ? 300 : 1)));
                    break;
                default:
                    rules[at] = (char)random.Next(1, 256);
                    break;
            }
        }
        return rules.ToString();
    }

    private (FuzzRequest, Subject?, bool) ForToken()
    {
        var scopes = string.Concat(Enumerable.Range(0, random.Next(random.Next(20) == 0 ? 60 : 4)).Select(_ => $"&scope={Pick(Scopes)}"));
        if (random.Next(2) == 0)
        {
            var (header, subject) = Authorization(forToken: true);
            return (Get($"/token?service={Junk()}{scopes}&account={Junk()}&offline_token=true", header), subject, true);
        }
        var secret = Pick([Broken(), Damaged(token), Junk(), token, new string('x', 3000)]);
        var form = $"grant_type={Pick(Grants)}{scopes}&username={Uri.EscapeDataString(Pick(Users))}&password={secret}&refresh_token={secret}&assertion={secret}&subject_token={secret}&subject_token_type=urn:ietf:params:oauth:token-type:{Pick(["jwt", "id_token", "x"])}&{Junk()}";
        var body = Encoding.Latin1.GetBytes(random.Next(30) == 0 ? new string('&', 70_000) : form);
        var type = random.Next(8) == 0 ? Pick(["text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded; charset=x", ""]) : "application/x-www-form-urlencoded";
        return (new([.. Encoding.Latin1.GetBytes($"{Pick(["POST", "POST", "POST", "PUT"])} /token HTTP/1.1\r\nHost: x\r\n{From()}Content-Type: {type}\r\nContent-Length: {body.Length}\r\n\r\n"), .. body], false), null, true);
    }

    private (FuzzRequest, Subject?, bool) ForContent()
    {
        var prefix = Pick(["/v2/team-b/app", "/v2/team-b/app", "/v2/team-a/app", "/v2/team-a/%2e%2e/team-b/app", "/v2/team-a/../team-b/app", "/v2/team-a%2f..%2fteam-b/app", "//v2/team-b/app", "/V2/team-b/app", "/v2/team-b/app/../app", "/v2/team-b%00/app", "/v2/./team-b/app"]);
        var (method, path) = Pick<(string, string)>(
        [
            ("GET", $"{prefix}/manifests/1"), ("GET", $"{prefix}/manifests/{manifest}"), ("GET", $"{prefix}/blobs/{blob}"), ("HEAD", $"{prefix}/blobs/{blob}"), ("GET", $"{prefix}/tags/list"), ("GET", $"{prefix}/referrers/{manifest}"),
            ("DELETE", $"{prefix}/manifests/1"), ("DELETE", $"{prefix}/blobs/{blob}"), ("POST", $"{prefix}/blobs/uploads/"), ("POST", $"/v2/team-a/app/blobs/uploads/?mount={blob}&from={Pick(["team-b/app", "", "team-a/../team-b/app", "*"])}"),
            ("GET", "/v2/_catalog"), ("GET", "/v2/"), ("PUT", $"{prefix}/manifests/1"),
        ]);
        var (header, _) = Authorization(forToken: false);
        return (Get(path, header, method), null, false);
    }

    // A header, and the subject it is good for; null for none.
    private (string Header, Subject? Subject) Authorization(bool forToken)
    {
        switch (random.Next(10))
        {
            case 0:
                return ("", Subject.Anonymous);
            case 1:
                return (Line(Basic("alice")[0].Item2), Alice);
            case 2 when !forToken:
                return (Line($"Bearer {token}"), null);
            case 3:
                return (Line($"Bearer {Pick([Damaged(token), Broken(), Junk(), ""])}"), null);
            case 4:
                return (Line(Basic(Pick(Users), Pick(["x", Broken(), "", Junk()]))[0].Item2), null);
            case 5:
                return (Line(Basic("alice", Broken())[0].Item2), null);
            case 6:
                return (Line(Basic("alice", "x")[0].Item2) + Line(Basic("alice")[0].Item2), null);
            case 7:
                return (Line($"{Pick(["Basic", "basic", "Bearer", "Digest", "Negotiate", "Basic,Bearer", ""])} {Junk()}"), null);
            case 8:
                return (Line("Basic " + Convert.ToBase64String(RandomNumberGenerator.GetBytes(random.Next(60)))), null);
            default:
                return (Line(Basic("u" + random.Next(), Junk())[0].Item2), null);
        }
    }

    // Signing takes longer than all else.
    private string Broken()
    {
        if (_broken.Count < 100)
            _broken.Add(NewBroken());
        return Pick(_broken);
    }

    // An identity token with one thing wrong.
    private string NewBroken()
    {
        var claims = issuer.Claims(("repository_id", "123"), ("exp", 99_999_999_999));
        var good = issuer.Token(claims);
        var parts = good.Split('.');
        switch (random.Next(9))
        {
            case 0:
                return issuer.Token(claims, TestIssuer.Header(Pick(["none", "None", "HS256", "HS512", "RS512", "ES256", "PS256", "", "\u0000"])));
            case 1:
                return issuer.Token(claims, TestIssuer.Header(key: Pick(["two", "", "../one", "http://127.0.0.1:1/", new string('k', 2000)])));
            case 2:
                return $"{parts[0]}.{parts[1]}.{Pick(["", "x", parts[0], parts[2][..^4], parts[2] + "AAAA"])}";
            case 3:
                return issuer.Token(issuer.Claims(("repository_id", "123"), (Pick(["aud", "exp", "iss"]), Pick<JsonNode?>([null, "x", 1, 1e300, -1, true, new JsonArray(), new JsonObject()]))));
            case 4:
                return issuer.Token(Damaged(claims.ToJsonString()), TestIssuer.Header().ToJsonString(), _ => [1, 2, 3]);
            case 5:
                return issuer.Token(claims.ToJsonString(), Damaged(TestIssuer.Header().ToJsonString()), bytes => bytes);
            case 6:
                return issuer.Token(new string('[', random.Next(1, 5000)), TestIssuer.Header().ToJsonString());
            case 7:
                return Damaged(parts[0]) + "." + parts[1] + "." + parts[2];
            default:
                return parts[0] + "." + Damaged(parts[1]) + "." + parts[2];
        }
    }

    // Other than it was, and not by its last character alone, of which some bits may mean nothing.
    private string Damaged(string text)
    {
        var at = random.Next(text.Length - 2);
        return random.Next(3) switch
        {
            0 => text.Remove(at, 1 + random.Next(text.Length - 1 - at)) + "~",
            1 => text.Insert(at, Pick(["~", "\"", ".", "=", "é", "{"])),
            _ => $"{text[..at]}{(text[at] == 'Q' ? 'R' : 'Q')}{text[(at + 1)..]}",
        };
    }

    private string Junk() => new(random.GetItems("abcXYZ019-._~%:/+,;!@$'()*[]{}é\u0080".AsSpan(), random.Next(1, 40)));

    private static string Line(string value, string name = "Authorization") => $"{name}: {value}\r\n";

    private string From() => Line($"10.{random.Next(256)}.{random.Next(256)}.{random.Next(256)}", "X-Forwarded-For");

    private FuzzRequest Get(string target, string header, string method = "GET") =>
        new(Encoding.Latin1.GetBytes($"{method} {target.Replace("é", "%C3%A9", StringComparison.Ordinal).Replace("\u0080", "%80", StringComparison.Ordinal)} HTTP/1.1\r\nHost: x\r\n{From()}{header}Content-Length: 0\r\n\r\n"), method == "HEAD");

    private T Pick<T>(IReadOnlyList<T> from) => from[random.Next(from.Count)];
}
