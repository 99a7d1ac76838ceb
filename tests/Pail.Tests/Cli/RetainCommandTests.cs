using System.Buffers;
using Pail.Cli;
using Pail.Stores;
using Pail.Stores.Folder;

namespace Pail.Tests.Cli;

[Trait("Also", "Native")]
public sealed class RetainCommandTests : BucketCommands
{
    private const string LastOne = """
        rules:
          - name: newest
            repositories: "*"
            keep:
              - last: 1
              - in-use: true

        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Retain_ExplainsDropsAndLeavesTheRest()
    {
        var first = await PushedAsync("plain");
        await LayoutAsync("index");
        (await Command.RunAsync("push", $"oci:{Folder["index"]}:1", $"{Bucket}//app:2")).Ended(0);
        (await Command.RunAsync("push", $"oci:{Folder["index"]}:1", $"{Bucket}//other/app:1")).Ended(0);
        Age();
        foreach (var file in Directory.EnumerateFiles(Folder["bucket/v2/app/manifests"], "2*"))
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-2));
        await File.WriteAllTextAsync(Folder["policy"], LastOne, Cancel);
        (await Command.RunAsync("policy", "set", Bucket, Folder["policy"])).Ended(0);

        // What runs is not known: then nothing goes.
        var rehearsal = (await Command.RunAsync("retain", Bucket, "--dry-run", "--alone")).Ended(0);
        Assert.Contains("would drop 0 of 3 tags", rehearsal.Output, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Folder["runs"], "host/elsewhere:1\n", Cancel);
        rehearsal = (await Command.RunAsync("retain", Bucket, "--dry-run", "--in-use", Folder["runs"])).Ended(0);
        Assert.Matches(@"(?m)^drop +app:1 +[\d.]+ \w+ +line 2 +nothing keeps it: rule 'newest' \(line 2\)$", rehearsal.Output);
        Assert.Matches(@"(?m)^keep +app:2 +line 5 +rule 'newest' \(line 2\): last 1$", rehearsal.Output);
        Assert.Matches(@"(?m)^- +other/app:1 +no rule for this repository$", rehearsal.Output);
        Assert.Contains("go after another 30d, while 'pail undelete' can bring them back", rehearsal.Output, StringComparison.Ordinal);

        var json = Json(await Command.RunAsync("retain", Bucket, "--json", "--alone", "--pace", "5s", "--in-use", Folder["runs"]));
        Assert.Equal(["app:1 drop true", "app:2 keep false", "other/app:1 none false"], json["tags"]!.AsArray().Select(tag => $"{tag!["image"]} {tag["fate"]} {tag["removed"]}"));
        Assert.Equal((await first.GetRootAsync(Cancel)).Digest.ToString(), json["tags"]![0]!["digest"]!.ToString());
        Assert.Equal("2", (await Command.RunAsync("tags", $"{Bucket}//app")).Ended(0).Output.Trim());
        (await Command.RunAsync("pull", $"{Bucket}//app@{(await first.GetRootAsync(Cancel)).Digest}", $"oci:{Folder["back"]}:1")).Ended(0);
        (await Command.RunAsync("undelete", $"{Bucket}//app:1")).Ended(0);
        Assert.Equal(["1", "2"], (await Command.RunAsync("tags", $"{Bucket}//app")).Ended(0).Lines);
    }

    [Fact]
    public async Task Retain_WithoutAPolicy_OrWithABadOne_SaysSo_AndSoDoesGc()
    {
        await PushedAsync("plain");
        Assert.Contains("has no retention policy", (await Command.RunAsync("retain", Bucket)).Ended(ExitCode.NotFound).OneLine(), StringComparison.Ordinal);
        (await Command.RunAsync("gc", Bucket, "--dry-run")).Ended(0);
        await new FolderStore(Folder["bucket"], new RequestMeter()).PutAsync("pail/retention.yaml", new ReadOnlySequence<byte>("rules: 7\n"u8.ToArray()), new ObjectHeaders("text/plain"), PutCondition.None, Cancel);
        Assert.Contains("pail/retention.yaml:1:8", (await Command.RunAsync("retain", Bucket)).Ended(ExitCode.BadContent).OneLine(), StringComparison.Ordinal);
        Assert.Contains("pail/retention.yaml:1:8", (await Command.RunAsync("gc", Bucket, "--dry-run")).Ended(ExitCode.BadContent).OneLine(), StringComparison.Ordinal);
        (await Command.RunAsync("gc", Bucket, "--dry-run", "--history", "30d")).Ended(0);
    }

    [Fact]
    public async Task Retain_AListThatNamesNothing_IsAnError()
    {
        await PushedAsync("plain");
        await File.WriteAllTextAsync(Folder["runs"], "", Cancel);
        Assert.Contains("names no image", (await Command.RunAsync("retain", Bucket, "--in-use", Folder["runs"])).Ended(ExitCode.BadContent).OneLine(), StringComparison.Ordinal);
        (await Command.RunAsync("retain", Bucket, "--in-use", Folder["none"])).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("retain", Bucket, "--in-use", Folder.Path)).Ended(ExitCode.BadUsage).OneLine();
    }

    private void Age()
    {
        foreach (var file in Directory.EnumerateFiles(Folder["bucket/v2"], "*", SearchOption.AllDirectories))
            File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-3));
    }
}
