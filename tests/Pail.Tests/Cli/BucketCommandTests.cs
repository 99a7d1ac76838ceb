using Pail.Cli;
using Pail.OciLayout;

namespace Pail.Tests.Cli;

/// <summary>The verbs on a bucket in a folder.</summary>
[Trait("Also", "Native")]
public sealed class BucketCommandTests : BucketCommands
{
    [Fact]
    public async Task InitPushListTagPullRemove_TheWholeWay()
    {
        var image = await LayoutAsync("plain");
        Assert.Empty((await Command.RunAsync("init", Bucket)).Ended(0).Output);
        Assert.Equal([$"{Bucket}//team/app@{image.Root!.Digest}"], (await Command.RunAsync("push", $"oci:{Folder["plain"]}:1", $"{Bucket}//team/app")).Ended(0).Lines);
        Assert.Equal(["team/app"], (await Command.RunAsync("ls", Bucket)).Ended(0).Lines);
        Assert.Equal(["1"], (await Command.RunAsync("tags", $"{Bucket}//team/app")).Ended(0).Lines);
        (await Command.RunAsync("tag", $"{Bucket}//team/app:1", "stable", "2")).Ended(0);
        Assert.Equal([$"{Bucket}//team/app:1", $"{Bucket}//team/app:2", $"{Bucket}//team/app:stable"], (await Command.RunAsync("ls", "--tags", Bucket)).Ended(0).Lines);
        (await Command.RunAsync("rm", $"{Bucket}//team/app:1", $"{Bucket}//team/app:2")).Ended(0);
        Assert.Equal([$"{Bucket}//team/app:stable"], (await Command.RunAsync("ls", $"{Bucket}//team/app")).Ended(0).Lines);
        Assert.Equal([image.Root.Digest.ToString()], (await Command.RunAsync("pull", $"{Bucket}//team/app:stable", $"oci:{Folder["out"]}:x")).Ended(0).Lines);
        await using var pulled = new OciLayoutSource(Folder["out"], "x");
        Assert.True((await pulled.GetRootAsync(TestContext.Current.CancellationToken)).Bytes.Span.SequenceEqual(image.Root.Bytes.Span));
    }

    [Fact]
    public async Task Push_LayerNotWhatItsDigestSays_IsBadContentAndNoTag()
    {
        var image = await LayoutAsync("plain");
        var layer = Path.Combine(Folder["plain"], "blobs", "sha256", image.Root!.Layers[0].Digest.Hex);
        var bytes = await File.ReadAllBytesAsync(layer, TestContext.Current.CancellationToken);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(layer, bytes, TestContext.Current.CancellationToken);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        (await Command.RunAsync("push", $"oci:{Folder["plain"]}:1", $"{Bucket}//app:1")).Ended(ExitCode.BadContent).OneLine();
        (await Command.RunAsync("tags", $"{Bucket}//app")).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task NotThere_IsItsExitCode()
    {
        (await Command.RunAsync("ls", Bucket)).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("init", Bucket)).Ended(0);
        Assert.Empty((await Command.RunAsync("ls", Bucket)).Ended(0).Output);
        (await Command.RunAsync("ls", $"{Bucket}//app")).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("tags", $"{Bucket}//app")).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("inspect", $"{Bucket}//app")).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("tag", $"{Bucket}//app:1", "x")).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("rm", $"{Bucket}//app:1")).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("push", $"oci:{Folder["none"]}", $"{Bucket}//app:1")).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("inspect", $"oci-archive:{Folder["none"]}")).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task Tag_BadTag_ChangesNothing()
    {
        await PushedAsync("plain");
        (await Command.RunAsync("tag", $"{Bucket}//app:1", "good", "b@d")).Ended(ExitCode.BadUsage).OneLine();
        Assert.Equal(["1"], (await Command.RunAsync("tags", $"{Bucket}//app")).Ended(0).Lines);
    }

    [Fact]
    public async Task Init_OtherLayoutThanItsImages_IsAConflict()
    {
        await PushedAsync("plain");
        (await Command.RunAsync("init", Bucket, "--layout", "pool")).Ended(ExitCode.Conflict).OneLine();
    }

    [Fact]
    public async Task Pool_HoldsAndGivesImagesToo()
    {
        var image = await LayoutAsync("index");
        (await Command.RunAsync("init", Bucket, "--layout", "pool")).Ended(0);
        (await Command.RunAsync("push", $"oci:{Folder["index"]}:1", $"{Bucket}//app")).Ended(0);
        Assert.Equal([$"{Bucket}//app:1"], (await Command.RunAsync("ls", "-t", Bucket)).Ended(0).Lines);
        Assert.Equal(image.Root!.Bytes.ToArray(), (await Command.RunAsync("manifest", $"{Bucket}//app:1")).Ended(0).Bytes);
    }
}
