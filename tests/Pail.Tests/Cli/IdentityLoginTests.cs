using Microsoft.Extensions.Time.Testing;
using Pail.Cli;
using Pail.Tests.Access;
using Pail.Tests.Images;
using Pail.Tests.Kit;

namespace Pail.Tests.Cli;

/// <summary><c>pail login --identity-token</c> at a server with rules.</summary>
[NeedsServers]
public sealed class IdentityLoginTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Login_IdentityToken_OfAFileOrAVariable_Pulls()
    {
        using var folder = new TestFolder();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero));
        await using var issuer = new TestIssuer(time.GetUtcNow);
        await using var bench = await DoorBench.StartAsync(rules: $$"""
            issuers: {ci: {issuer: "{{issuer.Url}}", audience: registry.example} }
            rules:
              - {subjects: {issuer: ci, claims: {project_id: "77"} }, repositories: "team/**", allow: [pull, list]}
              - {subjects: user:root, repositories: "**", allow: admin}
            """);
        await bench.PushAsync("team/app", "1", "x");
        var (good, bad) = (issuer.Token(issuer.Claims(("project_id", 77))), issuer.Token(issuer.Claims(("aud", "other"))));
        await File.WriteAllTextAsync(folder["good"], good + "\n", Cancel);
        await File.WriteAllTextAsync(folder["bad"], bad, Cancel);
        await File.WriteAllTextAsync(folder["secret"], "no token but a secret", Cancel);
        var environment = new Dictionary<string, string?> { ["DOCKER_CONFIG"] = folder["config"], ["REGISTRY_AUTH_FILE"] = null, ["ID_TOKEN"] = good };
        Task<Finished> PailAsync(params string[] arguments) => Child.RunAsync(BuiltPail.File, BuiltPail.Arguments(arguments), environment);

        foreach (var (where, code) in new[] { (folder["bad"], ExitCode.Denied), (folder["secret"], ExitCode.BadUsage), (folder["none"], ExitCode.BadUsage), ("env:NO_SUCH_TOKEN", ExitCode.BadUsage) })
        {
            var ended = await PailAsync("login", "--identity-token", where, bench.Server.Host);
            Assert.Equal(code, ended.ExitCode);
            Assert.DoesNotContain("a secret", ended.Error, StringComparison.Ordinal);
            Assert.DoesNotContain(bad.Split('.')[2], ended.Error, StringComparison.Ordinal);
        }
        Assert.NotEqual(0, (await PailAsync("tags", $"docker://{bench.Server.Host}/team/app")).ExitCode);
        foreach (var where in new[] { folder["good"], "env:ID_TOKEN" })
        {
            Assert.Equal(0, (await PailAsync("login", "--identity-token", where, bench.Server.Host)).ExitCode);
            Assert.Equal("1\n", (await PailAsync("tags", $"docker://{bench.Server.Host}/team/app")).Output);
            Assert.Equal(0, (await PailAsync("logout", bench.Server.Host)).ExitCode);
        }
    }
}
