using Pail.Cli;

namespace Pail.Tests.Cli;

[Trait("Also", "Native")]
public sealed class PullsCommandTests : BucketCommands
{
    private const string Log = "#Version: 1.0\n#Fields: date time cs-method cs-uri-stem sc-status\n2026-11-27\t10:15:00\tGET\t/v2/team/app/manifests/1.0\t200\n2026-11-27\t10:16:00\tGET\t/favicon.ico\t404\n";

    [Fact]
    public async Task Import_TellsWhatItRead_AndTheSameAgainChangesNothing()
    {
        (await Command.RunAsync("init", Bucket)).Ended(0);
        await File.WriteAllTextAsync(Folder["log"], Log, TestContext.Current.CancellationToken);
        var ran = (await Command.RunAsync("pulls", "import", Bucket, Folder["log"])).Ended(0);
        Assert.Contains("1 pulls of 1 tags and digests in 4 lines, from 2026-11-27 10:15 UTC to 2026-11-27 10:15 UTC", ran.Error, StringComparison.Ordinal);
        var path = Assert.Single(Directory.GetFiles(Folder["bucket/pail/pulls/2026-11-27-10"]));
        var before = (await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken), File.GetLastWriteTimeUtc(path));
        Assert.Equal("""{"version":1,"pulls":{"team/app":{"1.0":"2026-11-27T10:15:00+00:00"}}}""", before.Item1);
        AssertJson("""
            {"bucket": "B", "lines": 4, "unknown": 0, "pulls": 1, "references": 1, "first": "2026-11-27T10:15:00+00:00", "last": "2026-11-27T10:15:00+00:00"}
            """, await Command.RunAsync("pulls", "import", "--json", Bucket, Folder["log"]));
        Assert.Equal(before, (await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken), File.GetLastWriteTimeUtc(path)));
    }

    [Fact]
    public async Task Import_WhatIsNoLog_SaysSo()
    {
        (await Command.RunAsync("init", Bucket)).Ended(0);
        await File.WriteAllTextAsync(Folder["log"], "hello\n", TestContext.Current.CancellationToken);
        Assert.Contains("access log", (await Command.RunAsync("pulls", "import", Bucket, Folder["log"])).Ended(ExitCode.BadContent).OneLine(), StringComparison.Ordinal);
        (await Command.RunAsync("pulls", "import", Bucket, Folder["none"])).Ended(ExitCode.NotFound).OneLine();
    }
}
