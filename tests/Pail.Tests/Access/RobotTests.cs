using Pail.Access;
using Pail.Buckets;
using Pail.Tests.Kit.Servers;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Access;

/// <summary>Robots of the bucket log in to a server with rules.</summary>
public sealed class RobotTests : IAsyncLifetime
{
    private DoorBench _bench = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private TestServer Server => _bench.Server;

    private Bucket Bucket => Server.Bucket;

    private DateTimeOffset Now => _bench.Time.GetUtcNow();

    public async ValueTask InitializeAsync() => _bench = await StartAsync();

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public async Task Robot_MayWhatItWasMadeFor_UnlessARuleDeniesIt()
    {
        var secret = await CreateAsync("ci", ["team-a/*"], ["pull", "push"]);
        (await Server.GetAsync("/v2/", Basic("robot+ci", secret))).Is(200);
        (await StartUploadAsync("team-a/app", secret)).Is(202);
        (await StartUploadAsync("team-b/app", secret)).Is(403);
        (await StartUploadAsync("team-a/frozen", secret)).Is(403);
        (await Server.SendAsync("DELETE", "/v2/team-a/app/manifests/1", headers: Basic("robot+ci", secret))).Is(403);
        (await Server.GetAsync("/v2/public/app/manifests/1", Basic("robot+ci", secret))).Is(404);
        var token = (await Server.GetAsync("/token?scope=repository:team-a/app:pull,push,delete", Basic("robot+ci", secret))).Is(200).Json.GetProperty("token").GetString()!;
        (await Server.SendAsync("POST", "/v2/team-a/app/blobs/uploads/", headers: Bearer(token))).Is(202);
        (await Server.SendAsync("DELETE", "/v2/team-a/app/manifests/1", headers: Bearer(token))).Is(401);
        foreach (var (name, password) in new[] { ("robot+ci", "wrong"), ("ci", secret), ("robot+other", secret), ("robot+../access.json", secret), ("robot+", secret), ("robot+CI", secret) })
            (await Server.GetAsync("/v2/", Basic(name, password))).Is(401);
        Assert.DoesNotContain(secret, System.Text.Encoding.UTF8.GetString((await RobotFile.ReadAsync(Bucket, "ci", Cancel))!.Write()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Robot_Removed_EndsWithItsTokens()
    {
        var secret = await CreateAsync("ci", ["**"], ["admin"]);
        var answer = (await Server.GetAsync("/token?offline_token=true&scope=repository:a:pull", Basic("robot+ci", secret))).Is(200).Json;
        var (token, refresh) = (answer.GetProperty("token").GetString()!, answer.GetProperty("refresh_token").GetString()!);
        (await Server.GetAsync("/v2/a/manifests/1", Bearer(token))).Is(404);
        await RobotFile.RemoveAsync(Bucket, "ci", Cancel);
        _bench.Time.Advance(TimeSpan.FromSeconds(31));
        (await Server.GetAsync("/v2/a/manifests/1", Bearer(token))).Is(401);
        (await Server.GetAsync("/v2/", Basic("robot+ci", secret))).Is(401);
        (await RenewAsync(refresh)).Is(401);
    }

    [Fact]
    public async Task Robot_Rotated_HasTwoSecretsForAWhile()
    {
        var first = await CreateAsync("ci", ["**"], ["pull"]);
        var refresh = (await Server.GetAsync("/token?offline_token=true", Basic("robot+ci", first))).Is(200).Json.GetProperty("refresh_token").GetString()!;
        var second = (await RobotFile.RotateAsync(Bucket, "ci", Now, Now.AddHours(1), Cancel)).Secret;
        _bench.Time.Advance(TimeSpan.FromSeconds(31));
        (await LoginAsync(first)).Is(200);
        (await LoginAsync(second)).Is(200);
        (await RenewAsync(refresh)).Is(200);
        _bench.Time.Advance(TimeSpan.FromHours(1));
        (await LoginAsync(first)).Is(401);
        (await RenewAsync(refresh)).Is(401);
        (await LoginAsync(second)).Is(200);
        // Of three, two are good at most.
        var third = (await RobotFile.RotateAsync(Bucket, "ci", Now, Now.AddDays(1), Cancel)).Secret;
        var fourth = (await RobotFile.RotateAsync(Bucket, "ci", Now, Now.AddDays(1), Cancel)).Secret;
        _bench.Time.Advance(TimeSpan.FromSeconds(31));
        (await LoginAsync(second)).Is(401);
        (await LoginAsync(third)).Is(200);
        (await LoginAsync(fourth)).Is(200);
        _bench.Time.Advance(TimeSpan.FromDays(30));
        (await LoginAsync(fourth)).Is(401);

        Task<Answer> LoginAsync(string secret) => Server.GetAsync("/v2/", Basic("robot+ci", secret));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("nonsense")]
    [InlineData("{\"name\":\"other\",\"repositories\":[\"**\"],\"actions\":[\"admin\"],\"secrets\":[]}")]
    [InlineData("{\"name\":\"ci\",\"repositories\":[null],\"actions\":[\"admin\"],\"secrets\":[]}")]
    [InlineData("{\"name\":\"ci\",\"repositories\":[\"X\"],\"actions\":[\"admin\"],\"secrets\":[null]}")]
    public async Task Robot_Damaged_IsNone(string json)
    {
        await _bench.Store.PutAsync(RobotFile.Prefix + "ci", new(System.Text.Encoding.UTF8.GetBytes(json)), new("application/json", ""), Pail.Stores.PutCondition.None, Cancel);
        (await Server.GetAsync("/v2/", Basic("robot+ci", "x"))).Is(401);
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAsync<PailException>(() => RobotFile.ReadAsync(Bucket, "ci", Cancel))).Failure);
        await RobotFile.RemoveAsync(Bucket, "ci", Cancel);
    }

    [Fact]
    public async Task Create_NameThatIsTaken_IsRefused()
    {
        await CreateAsync("ci", ["**"], ["pull"]);
        Assert.Equal(Failure.Conflict, (await Assert.ThrowsAsync<PailException>(() => CreateAsync("ci", ["**"], ["pull"]))).Failure);
        Assert.Equal(Failure.NotFound, (await Assert.ThrowsAsync<PailException>(() => RobotFile.RotateAsync(Bucket, "no", Now, Now, Cancel))).Failure);
        Assert.Equal(["ci"], (await RobotFile.ListAsync(Bucket, Cancel)).Select(robot => robot.Name));
    }

    private async Task<string> CreateAsync(string name, string[] repositories, string[] actions)
    {
        var (robot, secret) = Robot.Create(name, repositories, actions, Now, Now.AddDays(30));
        await RobotFile.CreateAsync(Bucket, robot, Cancel);
        return secret;
    }

    private Task<Answer> StartUploadAsync(string repository, string secret) => Server.SendAsync("POST", $"/v2/{repository}/blobs/uploads/", headers: Basic("robot+ci", secret));

    private Task<Answer> RenewAsync(string refresh) => Server.SendAsync("POST", "/token", new FormUrlEncodedContent([new("grant_type", "refresh_token"), new("refresh_token", refresh)]));
}
