using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Pail.Buckets;
using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Policies;
using Pail.Server;
using Pail.Server.Events;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Images;
using Pail.Tests.Kit;
using Pail.Tests.Kit.Servers;
using Pail.Tests.Server.Uploads;

namespace Pail.Tests.Watching;

/// <summary>What webhooks are sent, and that nothing is lost: a receiver that is down, a server that ends or is killed, a bucket that refuses.</summary>
public sealed class WebhookTests : IDisposable
{
    private const string Secret = "a secret of webhooks";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pail-events-");
    private readonly RequestMeter _meter = new();

    public void Dispose() => _folder.Delete(recursive: true);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static WebhookOptions Hasty(params Webhook[] hooks) => new(hooks)
    {
        FirstRetry = TimeSpan.FromMilliseconds(5), LongestRetry = TimeSpan.FromMilliseconds(50), LookEvery = TimeSpan.FromMilliseconds(100), LeaseLife = TimeSpan.FromDays(1), Settle = TimeSpan.FromMilliseconds(20),
    };

    private Task<TestServer> StartAsync(WebhookOptions? hooks, IObjectStore? store = null, Func<ServerOptions, ServerOptions>? change = null) => TestServer.StartAsync(
        store ?? new FolderStore(_folder.FullName, _meter), _meter, LayoutKind.V2, options => (change ?? (same => same))(options with { Webhooks = hooks }));

    private static Task EmptyAsync(TestServer server) => Eventually.TrueAsync(
        async () => server.App.Services.GetRequiredService<RegistryServices>().Events!.Count == 0 && (await server.KeysAsync(EventObjects.Prefix)).Count == 0, () => "events stay in the bucket, or in memory");

    private static string DigestOf(JsonElement sent) => sent.GetProperty("events")[0].GetProperty("target").GetProperty("digest").GetString()!;

    [Fact]
    public async Task Push_PullAndDelete_AreSent_WithTagAndDigest_Signed()
    {
        await using var receiver = await TestReceiver.StartAsync();
        var hook = new Webhook("all", new(receiver.Address, "/hook?token=in-the-address"))
        {
            Secret = Encoding.UTF8.GetBytes(Secret), Headers = [("Authorization", "Bearer of-webhook")], Actions = new HashSet<string> { "push", "pull", "delete" },
        };
        using var log = new MemoryStream();
        await using (var server = await StartAsync(Hasty(hook), change: options => options with { Log = Stream.Synchronized(log) }))
        {
            var digest = await server.PushAsync("team/app", "1");
            (await server.GetAsync("/v2/team/app/manifests/1", ("User-Agent", "docker/26"))).Is(200);
            (await server.HeadAsync("/v2/team/app/manifests/1")).Is(200);
            (await server.SendAsync("DELETE", "/v2/team/app/manifests/1")).Is(202);
            var sent = await receiver.TookAsync(3);
            await EmptyAsync(server);
            Assert.Equal(3, receiver.Asked);
            Assert.Equal(["push", "pull", "delete"], sent.Select(one => JsonDocument.Parse(one.Body).RootElement.GetProperty("events")[0].GetProperty("action").GetString()));
            foreach (var one in sent)
            {
                Assert.Equal("/hook", one.Path);
                Assert.Equal("Bearer of-webhook", one.Headers["Authorization"]);
                Assert.Equal("application/vnd.docker.distribution.events.v1+json", one.Headers["Content-Type"]);
                var said = JsonDocument.Parse(one.Body).RootElement.GetProperty("events")[0];
                var target = said.GetProperty("target");
                Assert.Equal(digest.ToString(), target.GetProperty("digest").GetString());
                Assert.Equal("1", target.GetProperty("tag").GetString());
                Assert.Equal("team/app", target.GetProperty("repository").GetString());
                Assert.Equal(MediaTypes.OciManifest, target.GetProperty("mediaType").GetString());
                Assert.Equal($"http://{server.Host}/v2/team/app/manifests/{digest}", target.GetProperty("url").GetString());
                Assert.Equal(server.Host, said.GetProperty("request").GetProperty("host").GetString());
                Assert.Equal("127.0.0.1", said.GetProperty("request").GetProperty("addr").GetString());
                Assert.Equal(said.GetProperty("id").GetString(), one.Headers["webhook-id"]);
                var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes($"{one.Headers["webhook-id"]}.{one.Headers["webhook-timestamp"]}.{one.Text}"));
                Assert.Equal($"v1,{Convert.ToBase64String(signature)}", one.Headers["webhook-signature"]);
            }
            Assert.Equal("docker/26", JsonDocument.Parse(sent[1].Body).RootElement.GetProperty("events")[0].GetProperty("request").GetProperty("useragent").GetString());
            receiver.Answer = _ => 500;
            await server.PushAsync("team/app", "2");
            await Eventually.TrueAsync(() => receiver.Asked > 4);
        }
        var text = Encoding.UTF8.GetString(log.ToArray());
        Assert.Contains("it answered 500", text, StringComparison.Ordinal);
        foreach (var secret in new[] { Secret, "of-webhook", "in-the-address" })
            Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deletion_ByDigest_IsAnEventForEachTag_AndOneForTheDigest()
    {
        await using var receiver = await TestReceiver.StartAsync();
        await using var server = await StartAsync(Hasty(new Webhook("deletions", receiver.Address) { Format = EventFormat.CloudEvents, Actions = new HashSet<string> { "delete" } }));
        var manifest = await server.AddImageAsync("app");
        var digest = Digest.Of(manifest);
        (await server.PutAsync("/v2/app/manifests/a?tag=b", manifest)).Is(201);
        (await server.SendAsync("DELETE", $"/v2/app/manifests/{digest}")).Is(202);
        (await server.SendAsync("DELETE", $"/v2/app/manifests/{digest}")).Is(404);
        var sent = (await receiver.TookAsync(3)).Select(one => (one.Headers["Content-Type"], JsonDocument.Parse(one.Body).RootElement)).ToList();
        await EmptyAsync(server);
        Assert.Equal(3, receiver.Asked);
        Assert.All(sent, one => Assert.Equal("application/cloudevents+json; charset=utf-8", one.Item1));
        Assert.All(sent, one => Assert.Equal("1.0", one.Item2.GetProperty("specversion").GetString()));
        Assert.All(sent, one => Assert.Equal("pail.image.delete", one.Item2.GetProperty("type").GetString()));
        Assert.All(sent, one => Assert.Equal($"http://{server.Host}/v2/app", one.Item2.GetProperty("source").GetString()));
        Assert.All(sent, one => Assert.Equal(digest.ToString(), one.Item2.GetProperty("data").GetProperty("digest").GetString()));
        Assert.Equal([$"app:a@{digest}", $"app:b@{digest}", $"app@{digest}"], sent.Select(one => one.Item2.GetProperty("subject").GetString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Filters_LeaveOut_WhatIsNotWanted_AndThenNothingIsWritten()
    {
        await using var receiver = await TestReceiver.StartAsync();
        var hook = new Webhook("some", receiver.Address) { Repositories = new([Glob.OfRepositories("team/**")], [Glob.OfRepositories("team/secret")]) };
        var (store, written) = (new HookedStore(new FolderStore(_folder.FullName, _meter)), 0);
        store.Before = call =>
        {
            if (call.Operation == StoreOperation.PutObject && call.Key.StartsWith(EventObjects.Prefix, StringComparison.Ordinal))
                Interlocked.Increment(ref written);
            return Task.CompletedTask;
        };
        await using var server = await StartAsync(Hasty(hook), store);
        await server.PushAsync("other/app", "1");
        await server.PushAsync("team/secret", "1");
        Assert.Equal(0, written);
        var digest = await server.PushAsync("team/app", "1");
        Assert.Equal(digest.ToString(), DigestOf(JsonDocument.Parse((await receiver.TookAsync(1))[0].Body).RootElement));
        await EmptyAsync(server);
        Assert.Equal(1, receiver.Asked);
        Assert.Equal(1, written);
    }

    [Fact]
    public async Task Receiver_ThatIsDown_MissesNothing_AndAnotherWaitsForNothing()
    {
        await using var down = await TestReceiver.StartAsync();
        await using var up = await TestReceiver.StartAsync();
        await down.EndAsync();
        await using var server = await StartAsync(Hasty(new Webhook("down", down.Address), new Webhook("up", up.Address)));
        List<string> pushed = [];
        for (var i = 0; i < 5; i++)
            pushed.Add((await server.PushAsync("app", $"{i}")).ToString());
        Assert.Equal(pushed, (await up.TookAsync(5)).Select(one => DigestOf(JsonDocument.Parse(one.Body).RootElement)));
        Assert.Equal(5, (await server.KeysAsync(EventObjects.Prefix)).Count(EventObjects.HoldsEvents));
        await down.BeginAsync();
        Assert.Equal(pushed, (await down.TookAsync(5)).Select(one => DigestOf(JsonDocument.Parse(one.Body).RootElement)));
        await EmptyAsync(server);
        Assert.Equal(5, up.Asked);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Server_ThatEndsOrDies_LosesNothing(bool dies)
    {
        await using var receiver = await TestReceiver.StartAsync();
        var hooks = Hasty(new Webhook("hook", receiver.Address));
        await receiver.EndAsync();
        List<string> pushed = [];
        // One that dies says nothing: its store takes nothing any more.
        var (store, isDead) = (new HookedStore(new FolderStore(_folder.FullName, _meter)), false);
        store.Before = _ => isDead ? throw new StoreException(StoreError.Rejected, "dead") : Task.CompletedTask;
        await using (var first = await StartAsync(hooks, store))
        {
            for (var i = 0; i < 3; i++)
                pushed.Add((await first.PushAsync("app", $"{i}")).ToString());
            isDead = dies;
        }
        await receiver.BeginAsync();
        await using var second = await StartAsync(hooks with { LeaseLife = dies ? TimeSpan.FromMilliseconds(300) : hooks.LeaseLife });
        Assert.Equal(pushed, (await receiver.TookAsync(3)).Select(one => DigestOf(JsonDocument.Parse(one.Body).RootElement)));
        await EmptyAsync(second);
        Assert.Equal(3, receiver.Asked);
    }

    [Fact]
    public async Task Replica_ThatLives_KeepsItsEvents()
    {
        await using var receiver = await TestReceiver.StartAsync();
        receiver.Answer = _ => 503;
        // Leases are renewed five times in their life, and looked for as often.
        var hooks = Hasty(new Webhook("hook", receiver.Address)) with { LeaseLife = TimeSpan.FromSeconds(30), LongestRetry = TimeSpan.FromSeconds(1) };
        await using var first = await StartAsync(hooks);
        await first.PushAsync("app", "1");
        await using var second = await StartAsync(hooks);
        var services = second.App.Services.GetRequiredService<RegistryServices>();
        var keeper = second.App.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<EventKeeper>().Single();
        for (var i = 0; i < 3; i++)
            await keeper.TryRunAsync(Cancel);
        Assert.Equal(0, services.Events!.Count);
        receiver.Answer = _ => 200;
        await receiver.TookAsync(1);
        await EmptyAsync(first);
    }

    [Fact]
    public async Task Bucket_ThatDoesNotTakeAnEvent_FailsThePush_AndTheEventIsSentAllTheSame()
    {
        await using var receiver = await TestReceiver.StartAsync();
        var (store, refuses) = (new HookedStore(new FolderStore(_folder.FullName, _meter)), false);
        store.Before = call => refuses && call.Operation == StoreOperation.PutObject && call.Key.StartsWith(EventObjects.Prefix, StringComparison.Ordinal) ? throw new StoreException(StoreError.Rejected, "full") : Task.CompletedTask;
        await using var server = await StartAsync(Hasty(new Webhook("hook", receiver.Address)), store);
        var manifest = await server.AddImageAsync("app");
        refuses = true;
        Assert.True((await server.PutAsync("/v2/app/manifests/1", manifest)).Status >= 500);
        Assert.Equal(Digest.Of(manifest).ToString(), DigestOf(JsonDocument.Parse((await receiver.TookAsync(1))[0].Body).RootElement));
        refuses = false;
        (await server.PutAsync("/v2/app/manifests/1", manifest)).Is(201);
        await receiver.TookAsync(2);
    }

    [Fact]
    public async Task Events_ThatComeTogether_TakeAtMostOnePutEach_AndOldOnesAreGivenUp()
    {
        await using var receiver = await TestReceiver.StartAsync();
        receiver.Answer = _ => 500;
        var (store, written) = (new HookedStore(new FolderStore(_folder.FullName, _meter)), 0);
        store.Before = call =>
        {
            if (call.Operation == StoreOperation.PutObject && call.Key.StartsWith(EventObjects.Prefix, StringComparison.Ordinal))
                Interlocked.Increment(ref written);
            return Task.CompletedTask;
        };
        await using var server = await StartAsync(Hasty(new Webhook("hook", receiver.Address)) with { Keep = TimeSpan.Zero }, store);
        var manifests = new List<byte[]>();
        for (var i = 0; i < 10; i++)
            manifests.Add(await server.AddImageAsync($"app{i}"));
        foreach (var answer in await Task.WhenAll(manifests.Select((manifest, i) => server.PutAsync($"/v2/app{i}/manifests/1", manifest))))
            answer.Is(201);
        await EmptyAsync(server);
        Assert.InRange(written, 1, 10);
        Assert.Equal(10, receiver.Asked);
    }

    [Theory]
    [InlineData("webhooks: [{name: a, url: \"https://a.example/x\", secret: short}]", "at least 16")]
    [InlineData("webhooks: [{name: a, url: \"https://user:pass@a.example/x\"}]", "without credentials")]
    [InlineData("webhooks: [{name: a, url: ftp://a.example}]", "http://HOST")]
    [InlineData("webhooks: [{url: https://a.example}]", "what is it called")]
    [InlineData("webhooks: [{name: a, url: https://a.example, actions: [mount]}]", "push, pull, delete")]
    [InlineData("webhooks: [{name: a, url: https://a.example}, {name: a, url: https://b.example}]", "two webhooks")]
    [InlineData("webhooks: [{name: a, url: https://a.example, format: xml}]", "cloudevents")]
    [InlineData("hooks: []", "means nothing")]
    [InlineData("keep: 3", "with its unit")]
    public void File_ThatIsWrong_SaysWhereAndWhat(string text, string what)
    {
        var problems = new List<PolicyProblem>();
        new WebhookReader(problems).Read(text);
        Assert.Contains(what, problems[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void File_ThatIsRight_SaysAll()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder["secret"], $"{Secret}\n");
        File.WriteAllText(folder["hooks"], $$"""
            keep: 3d
            webhooks:
              - name: ci
                url: https://ci.example/hooks
                format: cloudevents
                secret-file: {{folder["secret"]}}
                headers: {Authorization: Bearer x}
                actions: [push, pull]
                repositories: ["team/**", "base"]
                except-repositories: team/private
              - {name: plain, url: "http://10.0.0.1:8080/", secret: "whsec_{{Convert.ToBase64String(Encoding.UTF8.GetBytes(Secret))}}"}
            """);
        var options = WebhookReader.ReadFile(folder["hooks"]);
        Assert.Equal(TimeSpan.FromDays(3), options.Keep);
        var (ci, plain) = (options.Hooks[0], options.Hooks[1]);
        Assert.Equal((EventFormat.CloudEvents, Secret, "Bearer x"), (ci.Format, Encoding.UTF8.GetString(ci.Secret!), ci.Headers[0].Value));
        Assert.Equal((EventFormat.Distribution, Secret), (plain.Format, Encoding.UTF8.GetString(plain.Secret!)));
        Assert.True(ci.Wants(Event("pull", "team/app")) && ci.Wants(Event("push", "base")));
        Assert.False(ci.Wants(Event("delete", "team/app")) || ci.Wants(Event("push", "team/private")) || ci.Wants(Event("push", "other")));
        Assert.True(plain.Wants(Event("delete", "other")) && !plain.Wants(Event("pull", "other")));

        static RegistryEvent Event(string action, string repository) => new("1", default, action, repository, null, "", "", 0);
    }
}
