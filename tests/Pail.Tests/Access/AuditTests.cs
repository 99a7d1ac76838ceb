using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Pail.Access;
using Pail.Buckets;
using Pail.Server;
using Pail.Server.Access;
using Pail.Server.Audit;
using Pail.Stores;
using Pail.Tests.Kit;
using Pail.Transfer;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Access;

/// <summary>What the audit trail says, where, and what it never says.</summary>
public sealed class AuditTests
{
    private const string Prefix = "pail/audit/";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Trail_SaysWhoDidWhat_InLogAndBucket_WithoutSecrets()
    {
        using var log = new MemoryStream();
        var rules = Rules;
        await using var bench = await StartAsync(
            change: options => options with { Audit = true, Log = Stream.Synchronized(log) }, door: options => options with { Reread = _ => Task.FromResult(AccessRules.Parse(rules, "rules")) });
        var (services, server) = (bench.Server.App.Services.GetRequiredService<RegistryServices>(), bench.Server);
        var secret = "a secret typed as a name";
        var (blob, manifest, _) = await bench.PushAsync("team-a/app", "1", "x");
        (await server.SendAsync("DELETE", "/v2/team-a/app/manifests/1", headers: [.. Basic("carol"), ("User-Agent", "docker/26 (linux)")])).Is(202);
        (await server.SendAsync("DELETE", $"/v2/team-a/app/blobs/{blob}", headers: Basic("alice"))).Is(403);
        var token = await bench.TokenAsync("alice", "repository:team-b/app:push");
        (await server.SendAsync("POST", "/v2/team-b/app/blobs/uploads/?digest=" + secret, headers: Bearer(token))).Is(401);
        (await server.GetAsync("/v2/", Basic("alice", secret))).Is(401);
        (await server.GetAsync("/token?scope=repository:team-a/app:pull&password=" + secret, Basic(secret, "x"))).Is(401);
        (await server.GetAsync("/v2/team-a/app/manifests/1", Bearer("forged"))).Is(401);
        (await server.SendAsync("POST", "/token", new StringContent($"grant_type=refresh_token&refresh_token={secret}", Encoding.UTF8, "application/x-www-form-urlencoded"))).Is(401);
        // Not these: what clients begin with, what may be read, and a token that has ended.
        (await server.GetAsync("/v2/team-a/app/manifests/1")).Is(401);
        (await server.GetAsync("/v2/", Basic("alice"))).Is(200);
        bench.Time.Advance(TimeSpan.FromMinutes(6));
        (await server.GetAsync("/v2/team-a/app/manifests/1", Bearer(token))).Is(401);
        rules += "\n  - {subjects: user:bob, repositories: x, allow: pull}\n";
        await new RuleWatch(services).TryRunAsync(Cancel);

        await services.Audit!.FlushAsync(services.Bucket, end: false, Cancel);
        Assert.Empty(await server.KeysAsync(Prefix));
        bench.Time.Advance(TimeSpan.FromHours(1));
        await services.Audit.FlushAsync(services.Bucket, end: false, Cancel);
        await services.Audit.FlushAsync(services.Bucket, end: false, Cancel);
        var key = Assert.Single(await server.KeysAsync(Prefix));
        Assert.StartsWith("pail/audit/2026-11-28/12-", key, StringComparison.Ordinal);
        var text = Encoding.UTF8.GetString((await SmallObject.ReadAsync(bench.Store, key, 1 << 20, Cancel))!.Bytes.Span);
        var events = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(
            [
                "rules     0",
                $"push root team-a/app  {blob} 201", $"push root team-a/app 1 {manifest} 201", "delete carol team-a/app 1  202", $"denied alice team-a/app {blob}  403",
                "denied alice team-b/app   401", "login-failed alice    401", "login-failed     401", "login-failed  team-a/app 1  401", "login-failed     401", "rules     0",
            ],
            events.Select(said => string.Join(' ', Of(said, "event"), Of(said, "user"), Of(said, "repository"), Of(said, "reference"), Of(said, "digest"), said.TryGetProperty("status", out var status) ? status.GetInt32() : 0)));
        Assert.Equal("docker/26 (linux)", Of(events[3], "agent"));
        Assert.All(events.Where(said => Of(said, "event") != "rules"), said => Assert.True(Of(said, "client") == "127.0.0.1" && Of(said, "id").Length > 0));
        Assert.NotEqual(Of(events[0], "detail"), Of(events[^1], "detail"));

        await Eventually.TrueAsync(() => Task.FromResult(Logged().Count(line => line.Contains("\"message\":\"audit\"", StringComparison.Ordinal)) == events.Count), () => string.Join('\n', Logged()));
        foreach (var written in Logged().Append(text))
            foreach (var never in new[] { secret, Uri.EscapeDataString(secret), token, "forged", PasswordOf("alice"), Basic("alice")[0].Item2, "password" })
                Assert.DoesNotContain(never, written, StringComparison.Ordinal);

        string[] Logged()
        {
            lock (log)
                return Encoding.UTF8.GetString(log.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }

    [Fact]
    public async Task Trail_IsWrittenAtTheStop_AndKeptWhileTheBucketFails()
    {
        await using var bench = await StartAsync(change: options => options with { Audit = true });
        var trail = new AuditTrail(NullLogger.Instance, bench.Time, keeps: true);
        trail.Changed("rules", "first");
        bench.Time.Advance(TimeSpan.FromHours(2));
        var broken = new Bucket(new RefusingStore(bench.Store), new TransferEngine(new()), bench.Server.Bucket.Settings);
        for (var i = 0; i < 2; i++)
            await Assert.ThrowsAsync<PailException>(() => trail.FlushAsync(broken, end: false, Cancel));
        trail.Changed("rules", "second");
        await trail.FlushAsync(bench.Server.Bucket, end: true, Cancel);
        Assert.Equal(["12", "14"], (await HoursAsync("rules")).Where(hour => hour.Text.Contains("first", StringComparison.Ordinal) || hour.Text.Contains("second", StringComparison.Ordinal)).Select(hour => hour.Hour));

        var blob = await bench.PutBlobAsync("team-a/app", "y");
        await bench.Server.App.StopAsync(Cancel);
        Assert.Contains(await HoursAsync("push"), hour => hour.Hour == "14" && hour.Text.Contains(blob.ToString(), StringComparison.Ordinal));

        async Task<List<(string Hour, string Text)>> HoursAsync(string kind)
        {
            var found = new List<(string, string)>();
            foreach (var key in await bench.Server.KeysAsync(Prefix))
                if (Encoding.UTF8.GetString((await SmallObject.ReadAsync(bench.Store, key, 1 << 20, Cancel))!.Bytes.Span) is var text && text.Contains($"\"event\":\"{kind}\"", StringComparison.Ordinal))
                    found.Add((key["pail/audit/2026-11-28/".Length..][..2], text));
            return found;
        }
    }

    [Fact]
    public async Task Trail_WithoutTheFlag_IsInTheLogAlone_AndBoundedWithIt()
    {
        await using var bench = await StartAsync();
        var services = bench.Server.App.Services.GetRequiredService<RegistryServices>();
        await bench.PutBlobAsync("team-a/app", "x");
        await services.Audit!.FlushAsync(services.Bucket, end: true, Cancel);
        Assert.Empty(await bench.Server.KeysAsync(Prefix));

        var trail = new AuditTrail(NullLogger.Instance, bench.Time, keeps: true);
        var large = new string('x', 100_000);
        for (var i = 0; i < 300; i++)
            trail.Changed("rules", large);
        await trail.FlushAsync(services.Bucket, end: true, Cancel);
        Assert.Equal(16, (await bench.Server.KeysAsync(Prefix)).Count);
        trail.Changed("rules", "after");
        await trail.FlushAsync(services.Bucket, end: true, Cancel);
        var last = (await SmallObject.ReadAsync(bench.Store, (await bench.Server.KeysAsync(Prefix))[^1], 1 << 20, Cancel))!;
        Assert.Contains("\"event\":\"lost\",\"detail\":\"124 events\"", Encoding.UTF8.GetString(last.Bytes.Span), StringComparison.Ordinal);
    }

    private static string Of(JsonElement from, string name) => from.TryGetProperty(name, out var value) ? value.GetString()! : "";

    private sealed class RefusingStore(IObjectStore inner) : StoreLayer(inner)
    {
        public override Task<string?> PutAsync(string key, ReadOnlySequence<byte> body, ObjectHeaders headers, PutCondition condition, CancellationToken cancel = default) =>
            throw new PailException(Failure.Unavailable, "not now");
    }
}
