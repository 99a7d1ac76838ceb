using Pail.Cli;

namespace Pail.Tests.Cli;

[Trait("Also", "Native")]
public sealed class AccessCommandTests : BucketCommands
{
    private const string Good = "rules:\n  - name: all pull\n    subjects: anonymous\n    repositories: \"**\"\n    allow: pull\n";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CheckSetExplain_Rules_AreOfAFileOrABucket()
    {
        await File.WriteAllTextAsync(Folder["good"], Good, Cancel);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        (await Command.RunAsync("access", "check", Bucket)).Ended(ExitCode.NotFound).OneLine();
        Assert.Contains("valid; rules: 1", (await Command.RunAsync("access", "check", Folder["good"])).Ended(0).Error, StringComparison.Ordinal);
        Assert.Contains("Wrote", (await Command.RunAsync("access", "set", Bucket, Folder["good"])).Ended(0).Error, StringComparison.Ordinal);
        Assert.Contains("stays as it is", (await Command.RunAsync("access", "set", Bucket, Folder["good"])).Ended(0).Error, StringComparison.Ordinal);
        Assert.Equal("allowed: rule 'all pull' (line 2) allows it\n", (await Command.RunAsync("access", "explain", "pull", "team/app", "--as", "user:alice", "--access", Bucket)).Ended(0).Output);
        Assert.Equal("denied: no rule allows it\n", (await Command.RunAsync("access", "explain", "push", "team/app", "--access", Folder["good"])).Ended(0).Output);
        AssertJson("""{"subject": "robot:ci", "action": "pull", "repository": "a", "allowed": true, "line": 2, "rule": "all pull"}""",
            await Command.RunAsync("access", "explain", "pull", "a", "--as", "robot:ci", "--access", Bucket, "--json"));
        (await Command.RunAsync("access", "explain", "read", "a", "--access", Bucket)).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("access", "explain", "pull", "A", "--access", Bucket)).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("access", "explain", "pull", "a", "--as", "group:x", "--access", Bucket)).Ended(ExitCode.BadUsage).OneLine();
    }

    [Fact]
    public async Task Robot_IsMadeListedRotatedAndRemoved()
    {
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var made = (await Command.RunAsync("robot", "create", Bucket, "ci", "--repo", "team/*", "--actions", "pull,push", "--expires", "30d")).Ended(0);
        Assert.StartsWith("pail_", made.Output, StringComparison.Ordinal);
        Assert.Contains("robot+ci", made.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(made.Output.Trim(), made.Error, StringComparison.Ordinal);
        (await Command.RunAsync("robot", "create", Bucket, "ci", "--repo", "x")).Ended(ExitCode.Conflict).OneLine();
        (await Command.RunAsync("robot", "create", Bucket, "X", "--repo", "x")).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("robot", "create", Bucket, "y", "--repo", "X")).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("robot", "create", Bucket, "y", "--repo", "x", "--actions", "read")).Ended(ExitCode.BadUsage).OneLine();
        var second = (await Command.RunAsync("robot", "rotate", Bucket, "ci", "--overlap", "2h")).Ended(0).Output;
        Assert.NotEqual(made.Output, second);
        Assert.StartsWith("ci  pull,push  team/*  2 secrets  ends ", (await Command.RunAsync("robot", "ls", Bucket)).Ended(0).Output, StringComparison.Ordinal);
        (await Command.RunAsync("robot", "rm", Bucket, "ci")).Ended(0);
        (await Command.RunAsync("robot", "rm", Bucket, "ci")).Ended(ExitCode.NotFound).OneLine();
        Assert.Empty((await Command.RunAsync("robot", "ls", Bucket)).Ended(0).Output);
    }

    [Fact]
    public async Task Check_Mistakes_AreALineEach_WithTheirPlaces()
    {
        await File.WriteAllTextAsync(Folder["bad"], "rules:\n  - subjects: alice\n    repositories: X\n    allow: read\n", Cancel);
        var ran = (await Command.RunAsync("access", "check", Folder["bad"])).Ended(ExitCode.BadContent);
        Assert.Equal([$"{Folder["bad"]}:2:15:", $"{Folder["bad"]}:3:19:", $"{Folder["bad"]}:4:12:"], ran.Lines.Select(line => line.Split(' ')[0]));
        (await Command.RunAsync("init", Bucket)).Ended(0);
        (await Command.RunAsync("access", "set", Bucket, Folder["bad"])).Ended(ExitCode.BadContent).OneLine();
        (await Command.RunAsync("access", "check", Bucket)).Ended(ExitCode.NotFound).OneLine();
    }
}
