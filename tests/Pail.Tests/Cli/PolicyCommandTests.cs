using System.Buffers;
using System.Text;
using Pail.Cli;
using Pail.Stores;
using Pail.Stores.Folder;
using Pail.Tests.Kit;

namespace Pail.Tests.Cli;

[Trait("Also", "Native")]
public sealed class PolicyCommandTests : BucketCommands
{
    private const string Good = """
        rules:
          - name: newest
            repositories: "team/**"
            keep:
              - last: 10
              - tags: [latest]

        """;

    private const string Bad = "rules:\n  - repositories: x\n    keep: [{newer-than: 30}]\n  - repos: y\n";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SetShowCheck_KeepTheFileAsItWasWritten()
    {
        await File.WriteAllTextAsync(Folder["good"], Good, Cancel);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        (await Command.RunAsync("policy", "show", Bucket)).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("policy", "check", Bucket)).Ended(ExitCode.NotFound).OneLine();
        Assert.Contains("Wrote", (await Command.RunAsync("policy", "set", Bucket, Folder["good"])).Ended(0).Error, StringComparison.Ordinal);
        Assert.Equal(Good, (await Command.RunAsync("policy", "show", Bucket)).Ended(0).Output);
        Assert.Contains("stays as it is", (await Command.RunAsync("policy", "set", Bucket, Folder["good"])).Ended(0).Error, StringComparison.Ordinal);
        AssertJson($$"""
            {"policy": "B", "valid": true, "problems": [], "historyKeep": "2592000s",
             "rules": [{"line": 2, "repositories": "team/**", "tags": "*", "keeps": ["last 10", "tags latest"], "name": "newest"}], "text": {{System.Text.Json.JsonSerializer.Serialize(Good)}} }
            """, await Command.RunAsync("policy", "show", "--json", Bucket));
        Assert.Empty((await Command.RunAsync("policy", "check", Bucket)).Ended(0).Output);
        Assert.True(Json(await Command.RunAsync("policy", "set", "--json", Bucket, Folder["good"]))["changed"]!.GetValue<bool>() is false);
    }

    [Fact]
    public async Task Check_Mistakes_AreALineEach_WithTheirPlaces()
    {
        await File.WriteAllTextAsync(Folder["bad"], Bad, Cancel);
        var ran = (await Command.RunAsync("policy", "check", Folder["bad"])).Ended(ExitCode.BadContent);
        Assert.Equal([$"{Folder["bad"]}:3:25:", $"{Folder["bad"]}:4:5:", $"{Folder["bad"]}:4:5:", $"{Folder["bad"]}:4:5:"], ran.Lines.Select(line => line.Split(' ')[0]));
        Assert.Contains("4 mistakes", ran.OneLine(), StringComparison.Ordinal);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        Assert.Contains(":3:25: a time with its unit is expected, such as 12h, 30d", (await Command.RunAsync("policy", "set", Bucket, Folder["bad"])).Ended(ExitCode.BadContent).OneLine(), StringComparison.Ordinal);
        (await Command.RunAsync("policy", "show", Bucket)).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("policy", "check", Folder["none"])).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("policy", "check", Folder.Path)).Ended(ExitCode.BadUsage).OneLine();
    }

    [Fact]
    public async Task Check_APolicyOfTheBucket_ThatSomethingElseWrote()
    {
        (await Command.RunAsync("init", Bucket)).Ended(0);
        await new FolderStore(Folder["bucket"], new RequestMeter()).PutAsync("pail/retention.yaml", new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(Bad)), new ObjectHeaders("text/plain"), PutCondition.None, Cancel);
        Assert.Equal(4, (await Command.RunAsync("policy", "check", Bucket)).Ended(ExitCode.BadContent).Lines.Length);
        Assert.Contains("Not valid", (await Command.RunAsync("policy", "show", Bucket)).Ended(0).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Import_WritesAPolicyThatChecks_AndSaysWhatDiffers()
    {
        await File.WriteAllTextAsync(Folder["ecr"], """{"rules":[{"rulePriority":1,"selection":{"tagStatus":"tagged","tagPrefixList":["v"],"countType":"imageCountMoreThan","countNumber":3},"action":{"type":"expire"}}]}""", Cancel);
        var ran = (await Command.RunAsync("policy", "import", "ecr", Folder["ecr"], "--for", "team/app")).Ended(0);
        Assert.Contains("Differs: ", ran.Error, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Folder["imported"], ran.Output, Cancel);
        (await Command.RunAsync("policy", "check", Folder["imported"])).Ended(0);
        Assert.Equal(ran.Output, Json(await Command.RunAsync("policy", "import", "--json", "ecr", Folder["ecr"], "--for", "team/app"))["policy"]!.GetValue<string>());
        Assert.Contains("--for", (await Command.RunAsync("policy", "import", "ecr", Folder["ecr"])).Ended(ExitCode.BadUsage).OneLine(), StringComparison.Ordinal);
        (await Command.RunAsync("policy", "import", "zot", Folder["ecr"])).Ended(ExitCode.BadContent).OneLine();
        (await Command.RunAsync("policy", "import", "quay", Folder["ecr"])).Ended(ExitCode.BadUsage).OneLine();
    }

    [Fact]
    [NeedsServers]
    public async Task Edit_WritesWhatTheEditorMade_IfItIsValid()
    {
        (await Command.RunAsync("init", Bucket)).Ended(0);
        await File.WriteAllTextAsync(Folder["good"], Good, Cancel);
        await File.WriteAllTextAsync(Folder["bad"], Bad, Cancel);
        (await EditAsync($"cp {Folder["good"]}")).Ended(0);
        Assert.Equal(Good, (await Command.RunAsync("policy", "show", Bucket)).Ended(0).Output);
        // An editor that changes nothing, one that fails, one that makes a mistake.
        Assert.Contains("stays as it is", (await EditAsync("true")).Ended(0).Error, StringComparison.Ordinal);
        (await EditAsync("false")).Ended(ExitCode.BadUsage);
        var bad = (await EditAsync($"cp {Folder["bad"]}")).Ended(ExitCode.BadContent);
        Assert.Contains(":3:25: ", bad.Error, StringComparison.Ordinal);
        Assert.Equal(Bad, await File.ReadAllTextAsync(bad.Error.Split("What was edited is in ")[1].Trim().TrimEnd('.'), Cancel));
        Assert.Equal(Good, (await Command.RunAsync("policy", "show", Bucket)).Ended(0).Output);
    }

    [Fact]
    [NeedsServers]
    public async Task Edit_ChangedMeanwhile_IsAConflict_AndKeepsWhatWasEdited()
    {
        (await Command.RunAsync("init", Bucket)).Ended(0);
        await File.WriteAllTextAsync(Folder["good"], Good, Cancel);
        await File.WriteAllTextAsync(Folder["other"], $"# of somebody else\n{Good}", Cancel);
        // The editor is slow: another one writes while it is open.
        await File.WriteAllTextAsync(Folder["editor"], $"{BuiltPail.ShellCommand} policy set {Bucket} {Folder["other"]} && cp {Folder["good"]} \"$1\"\n", Cancel);
        var ran = (await EditAsync($"sh {Folder["editor"]}")).Ended(ExitCode.Conflict);
        Assert.StartsWith("# of somebody else", (await Command.RunAsync("policy", "show", Bucket)).Ended(0).Output, StringComparison.Ordinal);
        Assert.Equal(Good, await File.ReadAllTextAsync(ran.Error.Split("What was edited is in ")[1].Split(';')[0], Cancel));
    }

    private Task<Finished> EditAsync(string editor) => PailChild.RunAsync(["policy", "edit", Bucket], ("VISUAL", null), ("EDITOR", editor), ("TMPDIR", Folder.Path));
}
