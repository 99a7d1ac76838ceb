using Pail.Cli;

namespace Pail.Tests.Cli;

/// <summary>What the verbs on a bucket print, for people and programs.</summary>
[Trait("Also", "Native")]
public sealed class BucketOutputTests : BucketCommands
{
    [Fact]
    public async Task Json_OfEachVerb_HasItsShape()
    {
        var image = await LayoutAsync("plain");
        var digest = image.Root!.Digest.ToString();
        AssertJson("""{"bucket":"B","made":true,"layout":"v2","public":true}""", await Command.RunAsync("init", Bucket, "--public", "--json"));
        var push = Json(await Command.RunAsync("push", $"oci:{Folder["plain"]}:1", $"{Bucket}//app:1", "--json"));
        Assert.Equal(
            ["source", "destination", "digest", "mediaType", "changed", "blobs", "bytesSent", "seconds"],
            push.AsObject().Select(member => member.Key));
        Assert.Equal((true, digest, 3), ((bool)push["changed"]!, (string)push["digest"]!, (int)push["blobs"]!["sent"]!));
        Assert.Equal(image.Root.Blobs.Sum(blob => blob.Size), (long)push["bytesSent"]!);
        Assert.False((bool)Json(await Command.RunAsync("push", $"oci:{Folder["plain"]}:1", $"{Bucket}//app:1", "--json"))["changed"]!);
        AssertJson("""{"bucket":"B","repositories":[{"name":"app"}]}""", await Command.RunAsync("ls", Bucket, "--json"));
        AssertJson("""{"bucket":"B","repositories":[{"name":"app","tags":["1"]}]}""", await Command.RunAsync("ls", "-t", Bucket, "--json"));
        AssertJson("""{"repository":"B//app","tags":["1"]}""", await Command.RunAsync("tags", $"{Bucket}//app", "--json"));
        AssertJson($$"""{"repository":"B//app","digest":"{{digest}}","tags":["x","y"]}""", await Command.RunAsync("tag", $"{Bucket}//app:1", "x", "y", "--json"));
        AssertJson("""{"removed":["B//app:x","B//app:y"]}""", await Command.RunAsync("rm", $"{Bucket}//app:x", $"{Bucket}//app:y", "--json"));
    }

    [Fact]
    public async Task Push_PlainOutput_ALineABlobOnStderrTheResultOnStdout()
    {
        await LayoutAsync("plain");
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var ran = (await Command.RunAsync("push", $"oci:{Folder["plain"]}:1", $"{Bucket}//app:1")).Ended(0);
        Assert.Equal(3, ran.Error.Split('\n').Count(line => line.EndsWith("  sent", StringComparison.Ordinal)));
        Assert.Contains("3 blobs sent", ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', ran.Error);
        Assert.Single(ran.Lines);
        var quiet = (await Command.RunAsync("push", "--quiet", $"oci:{Folder["plain"]}:1", $"{Bucket}//app:2")).Ended(0);
        Assert.Empty(quiet.Error);
        Assert.Single(quiet.Lines);
    }

    [Fact]
    public async Task ExplainCost_TellsPeopleAndPrograms()
    {
        await LayoutAsync("plain");
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var people = (await Command.RunAsync("push", "-q", "--explain-cost", $"oci:{Folder["plain"]}:1", $"{Bucket}//app:1")).Ended(0);
        Assert.Contains("PutObject", people.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("PutObject", people.Output, StringComparison.Ordinal);
        var again = await Command.RunAsync("push", "-q", "--json", "--explain-cost", $"oci:{Folder["plain"]}:1", $"{Bucket}//app:1");
        Assert.Empty(again.Error);
        var requests = Json(again)["requests"]!;
        Assert.Equal((0, 2, 0.0000008m), ((int)requests["classA"]!, (int)requests["classB"]!, (decimal)requests["priceUsd"]!));
        Assert.Equal(2, requests["operations"]!.AsObject().Sum(operation => (int)operation.Value!));
    }

    [Fact]
    public async Task ExplainCost_OfWorkThatFails_IsToldToo()
    {
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var ran = (await Command.RunAsync("inspect", "--explain-cost", $"{Bucket}//app:1")).Ended(ExitCode.NotFound);
        Assert.Contains("GetObject", ran.Error, StringComparison.Ordinal);
        ran.OneLine();
    }
}
