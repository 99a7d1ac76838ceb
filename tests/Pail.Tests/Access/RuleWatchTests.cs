using Microsoft.Extensions.DependencyInjection;
using Pail.Access;
using Pail.Buckets;
using Pail.Server;
using Pail.Server.Access;
using Pail.Server.Configuration;
using Pail.Tests.Images;
using static Pail.Tests.Access.DoorBench;

namespace Pail.Tests.Access;

/// <summary>Where rules come from, and what happens when they change.</summary>
public sealed class RuleWatchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rules_ThatChange_AreFollowed_AndBrokenOnesAreNot(bool inBucket)
    {
        using var folder = new TestFolder();
        DoorOptions? found = null;
        await using var first = await StartAsync();
        await WriteAsync("rules: [{subjects: \"user:alice\", repositories: x, allow: list}]");
        found = await DoorOptions.FindAsync(inBucket ? null : folder["rules"], first.Server.Bucket, Cancel);
        await using var bench = await StartAsync(door: options => found! with { PasswordFile = options.PasswordFile });
        var services = bench.Server.App.Services.GetRequiredService<RegistryServices>();
        var watch = new RuleWatch(services);
        (await bench.Server.GetAsync("/v2/x/tags/list", Basic("alice"))).Is(404);
        (await bench.Server.GetAsync("/v2/x/tags/list", Basic("bob"))).Is(403);

        await WriteAsync("rules: [{subjects: \"user:bob\", repositories: x, allow: list}]");
        await watch.TryRunAsync(Cancel);
        (await bench.Server.GetAsync("/v2/x/tags/list", Basic("alice"))).Is(403);
        (await bench.Server.GetAsync("/v2/x/tags/list", Basic("bob"))).Is(404);
        Assert.Equal("ok\n", (await bench.Server.GetAsync("/readyz")).Is(200).Text);

        foreach (var broken in new[] { "rules: [{subjects: \"user:alice\"}]", "rules: [", null })
        {
            await WriteAsync(broken);
            await watch.TryRunAsync(Cancel);
            (await bench.Server.GetAsync("/v2/x/tags/list", Basic("alice"))).Is(403);
            (await bench.Server.GetAsync("/v2/x/tags/list", Basic("bob"))).Is(404);
            Assert.Equal("ok\nthe access rules or passwords can't be read; those of before are in use\n", (await bench.Server.GetAsync("/readyz")).Is(200).Text);
        }
        await WriteAsync("rules: [{subjects: \"user:alice\", repositories: x, allow: list}]");
        await watch.TryRunAsync(Cancel);
        (await bench.Server.GetAsync("/v2/x/tags/list", Basic("alice"))).Is(404);
        Assert.Equal("ok\n", (await bench.Server.GetAsync("/readyz")).Text);

        async Task WriteAsync(string? text)
        {
            if (!inBucket && text is not null)
                await File.WriteAllTextAsync(folder["rules"], text, Cancel);
            else if (!inBucket)
                File.Delete(folder["rules"]);
            else if (text is null)
                await first.Store.DeleteAsync(AccessFile.Key, Cancel);
            else
                await first.Store.PutAsync(AccessFile.Key, new(System.Text.Encoding.UTF8.GetBytes(text)), new("application/yaml", ""), Pail.Stores.PutCondition.None, Cancel);
        }
    }

    [Fact]
    public async Task Passwords_ThatChange_AreFollowed_AndBrokenOnesAreNot()
    {
        await using var bench = await StartAsync();
        var watch = new RuleWatch(bench.Server.App.Services.GetRequiredService<RegistryServices>());
        await File.WriteAllTextAsync(bench.PasswordFile, $"alice:{BCrypt.Net.BCrypt.HashPassword("new", 4)}", Cancel);
        await watch.TryRunAsync(Cancel);
        (await bench.Server.GetAsync("/v2/", Basic("alice"))).Is(401);
        (await bench.Server.GetAsync("/v2/", Basic("alice", "new"))).Is(200);
        (await bench.Server.GetAsync("/v2/", Basic("bob"))).Is(401);
        await File.WriteAllTextAsync(bench.PasswordFile, "alice:new", Cancel);
        await watch.TryRunAsync(Cancel);
        (await bench.Server.GetAsync("/v2/", Basic("alice", "new"))).Is(200);
        Assert.Contains("those of before are in use", (await bench.Server.GetAsync("/readyz")).Is(200).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rules_ThatTakeARightAway_TakeItFromTokensToo()
    {
        using var folder = new TestFolder();
        await File.WriteAllTextAsync(folder["rules"], Rules, Cancel);
        await using var bench = await StartAsync(door: options => options with { Reread = async cancel => AccessRules.Parse(await File.ReadAllTextAsync(folder["rules"], cancel), "rules") });
        var token = Bearer(await bench.TokenAsync("alice", "repository:team-a/app:pull"));
        (await bench.Server.GetAsync("/v2/team-a/app/manifests/1", token)).Is(404);
        await File.WriteAllTextAsync(folder["rules"], Rules.Replace("[alice]", "[bob]", StringComparison.Ordinal), Cancel);
        await new RuleWatch(bench.Server.App.Services.GetRequiredService<RegistryServices>()).TryRunAsync(Cancel);
        (await bench.Server.GetAsync("/v2/team-a/app/manifests/1", token)).Is(401);
    }

    [Theory]
    [InlineData("127.0.0.1:5000", "", null)]
    [InlineData("localhost:5000", "", null)]
    [InlineData("[::1]:5000", "", null)]
    [InlineData("0.0.0.0:5000", "", "could push and delete")]
    [InlineData("*:5000", "", "could push and delete")]
    [InlineData("10.0.0.5:5000,127.0.0.1:5000", "", "10.0.0.5:5000 could push and delete")]
    [InlineData("0.0.0.0:5000", "no-delete", "could push and delete")]
    [InlineData("0.0.0.0:5000", "read-only", null)]
    [InlineData("0.0.0.0:5000", "open", null)]
    [InlineData("0.0.0.0:5000", "rules", null)]
    [InlineData("0.0.0.0:5000", "rules,open", "contradict")]
    [InlineData("127.0.0.1:5000", "htpasswd", "without access rules lets nobody do anything")]
    [InlineData("127.0.0.1:5000", "htpasswd,rules", null)]
    [InlineData("127.0.0.1:5000", "redirect-base", null)]
    [InlineData("127.0.0.1:5000", "redirect-base,rules", "addresses that anybody can use")]
    public void Guarded_Addresses_AreOpenOnlyWhereThatWasSaid(string listen, string flags, string? error)
    {
        var set = flags.Split(',', StringSplitOptions.RemoveEmptyEntries).ToList();
        var values = set.Where(flag => flag is not "rules").ToDictionary(flag => flag, flag => (IReadOnlyList<string>)[flag switch { "htpasswd" => "users", "redirect-base" => "https://cdn.example", _ => "true" }]);
        values["listen"] = listen.Split(',');
        var configuration = ServeConfiguration.Read(values, _ => null, null);
        var rules = set.Contains("rules") ? new DoorOptions(AccessRules.None) : null;
        if (error is null)
        {
            var options = configuration.Guarded(rules);
            Assert.Equal(rules is null, options.Door is null);
            Assert.Equal(rules is null ? TimeSpan.FromMinutes(15) : TimeSpan.FromSeconds(60), options.SignedLifetime);
        }
        else
        {
            var e = Assert.Throws<PailException>(() => configuration.Guarded(rules));
            Assert.Equal(Failure.BadInput, e.Failure);
            Assert.Contains(error, e.Message, StringComparison.Ordinal);
        }
    }
}
