using System.Text.Json.Nodes;
using Pail.Cli;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tests.Images;

namespace Pail.Tests.Cli;

/// <summary>Copies by the command, between buckets and files.</summary>
[Trait("Also", "Native")]
public sealed class CopyCommandTests : BucketCommands
{
    [Theory]
    [InlineData("v2")]
    [InlineData("pool")]
    public async Task Copy_WithinABucket_SendsNoBlob(string layout)
    {
        var image = await LayoutAsync("index");
        (await Command.RunAsync("init", Bucket, "--layout", layout)).Ended(0);
        (await Command.RunAsync("push", $"oci:{Folder["index"]}:1", $"{Bucket}//app:1")).Ended(0);
        var report = JsonNode.Parse((await Command.RunAsync("copy", "--json", "--explain-cost", $"{Bucket}//app:1", $"{Bucket}//team/other:2")).Ended(0).Output)!;
        Assert.Equal(layout == "pool" ? (0, 0) : (0, image.Blobs.Count), ((int)report["blobs"]!["sent"]!, (int)report["blobs"]!["copied"]!));
        Assert.Equal(0, (long)report["bytesSent"]!);
        (await Command.RunAsync("copy", $"{Bucket}//team/other:2", $"oci:{Folder["back"]}:1")).Ended(0);
        Assert.Contains("nothing to do", (await Command.RunAsync("copy", $"{Bucket}//app:1", $"{Bucket}//team/other:2")).Ended(0).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--platform", "linux/arm64,linux/amd64")]
    [InlineData("--platform", "linux/amd64", "--platform", "linux/arm64")]
    public async Task Copy_OfSeveralPlatforms_WritesAndTellsOfANewIndex(params string[] platforms)
    {
        var image = MemoryImage.Index(1, "amd64", "s390x", "arm64");
        await using (var sink = new OciLayoutSink(Folder["index"], "1"))
            await Copying.RunAsync(image, sink);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var copied = (await Command.RunAsync(["copy", "--json", .. platforms, $"oci:{Folder["index"]}:1", $"{Bucket}//app:1"])).Ended(0);
        var report = JsonNode.Parse(copied.Output)!;
        Assert.Equal(image.Root!.Digest.ToString(), (string?)report["cutFrom"]);
        Assert.Contains("A new index", copied.Error, StringComparison.Ordinal);
        Assert.Equal(["linux/amd64", "linux/arm64"], Json(await Command.RunAsync("inspect", "--json", $"{Bucket}//app:1"))["manifests"]!.AsArray().Select(entry => (string)entry!["platform"]!));

        var one = Json(await Command.RunAsync("copy", "--json", "--platform", "linux/arm64,linux/arm64", $"oci:{Folder["index"]}:1", $"{Bucket}//app:2"));
        Assert.Equal((image.Root.Manifests[2].Digest.ToString(), null), ((string?)one["digest"], (string?)one["cutFrom"]));
        (await Command.RunAsync("copy", "--platform", "linux/arm64,arm", $"oci:{Folder["index"]}:1", $"{Bucket}//app:2")).Ended(ExitCode.BadUsage).OneLine();
    }

    [Theory]
    [InlineData("oci", "index")]
    [InlineData("oci-archive", "plain")]
    [InlineData("dir", "index")]
    [InlineData("docker-archive", "plain")]
    public async Task DryRun_IntoAFileOrFolder_SaysWhatTheCopyThenDoesAndWritesNothing(string scheme, string kind)
    {
        await LayoutAsync(kind);
        string[] copy = ["copy", "--json", $"oci:{Folder[kind]}:1", $"{scheme}:{Folder["made"]}{(scheme == "oci" ? ":1" : "")}"];
        var before = Directory.GetFileSystemEntries(Folder.Path);
        var forecast = Json(await Command.RunAsync([.. copy, "--dry-run"]));
        Assert.Equal(before, Directory.GetFileSystemEntries(Folder.Path));
        var report = Json(await Command.RunAsync(copy));
        foreach (var property in (string[])["digest", "changed", "blobs", "bytesSent"])
            Assert.Equal(report[property]!.ToJsonString(), forecast[property]!.ToJsonString());
        Assert.False((bool)Json(await Command.RunAsync([.. copy, "--dry-run"]))["changed"]!);
    }

    [Fact]
    public async Task Dir_AnyVerb_TakesItAsSkopeosDirectory()
    {
        var image = await PushedAsync("index");
        var dir = $"dir:{Folder["a:b"]}";
        Assert.Equal([image.Root!.Digest.ToString()], (await Command.RunAsync("pull", $"{Bucket}//app:1", dir)).Ended(0).Lines);
        Assert.Equal(image.Root.Bytes.ToArray(), (await Command.RunAsync("inspect", "--raw", dir)).Ended(0).Bytes);
        Assert.Contains(image.Root.Digest.ToString(), Assert.Single((await Command.RunAsync("ls", "-l", dir)).Ended(0).Lines), StringComparison.Ordinal);
        Assert.Equal([$"{Bucket}//other@{image.Root.Digest}"], (await Command.RunAsync("push", dir, $"{Bucket}//other")).Ended(0).Lines);
        (await Command.RunAsync("copy", "--referrers", dir, $"{Bucket}//other:2")).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("digest", $"dir:{Folder["none"]}")).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task CopyReferrers_ThroughALayoutAndBack_KeepsThoseOfReferrersToo()
    {
        var root = (await PushedAsync("index")).Root!;
        var sbom = await PushReferrerAsync("sbom", root.Descriptor);
        var signature = await PushReferrerAsync("signature", sbom.Descriptor);
        string[] save = ["copy", "--json", "--referrers", $"{Bucket}//app:1", $"oci:{Folder["saved"]}:1"];

        Assert.Equal(2, (int)Json(await Command.RunAsync([.. save, "--dry-run"]))["referrers"]!["copied"]!);
        Assert.False(Directory.Exists(Folder["saved"]));
        Assert.Equal(2, (int)Json(await Command.RunAsync(save))["referrers"]!["copied"]!);
        Assert.False((bool)Json(await Command.RunAsync(save))["changed"]!);
        Assert.Equal(2, (int)Json(await Command.RunAsync("copy", "--json", "--referrers", $"oci:{Folder["saved"]}", $"{Bucket}//back:1"))["referrers"]!["copied"]!);

        foreach (var manifest in (Manifest[])[root, sbom, signature])
            Assert.Equal(manifest.Bytes.ToArray(), (await Command.RunAsync("manifest", $"{Bucket}//back@{manifest.Digest}")).Ended(0).Bytes);
        Assert.Equal([$"{Bucket}//back:1"], (await Command.RunAsync("ls", $"{Bucket}//back")).Ended(0).Lines);
    }
}
