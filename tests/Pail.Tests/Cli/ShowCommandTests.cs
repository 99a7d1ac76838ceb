using System.Text.Json.Nodes;
using Pail.Cli;
using Pail.Copy;
using Pail.Tests.Images;

namespace Pail.Tests.Cli;

/// <summary>What the verbs show of images: inspect, manifest, config, blob, export, and lists with sizes.</summary>
[Trait("Also", "Native")]
public sealed class ShowCommandTests : BucketCommands
{
    [Theory]
    [InlineData("plain")]
    [InlineData("index")]
    [InlineData("artifact")]
    public async Task Manifest_OfAnyImage_IsByteForByteWhatWasPushed(string kind)
    {
        var image = await PushedAsync(kind);
        Assert.Equal(image.Root!.Bytes.ToArray(), (await Command.RunAsync("manifest", $"{Bucket}//app:1")).Ended(0).Bytes);
        Assert.Equal(image.Root.Bytes.ToArray(), (await Command.RunAsync("manifest", $"{Bucket}//app@{image.Root.Digest}")).Ended(0).Bytes);
        Assert.Equal(image.Root.Bytes.ToArray(), (await Command.RunAsync("manifest", $"oci:{Folder[kind]}:1")).Ended(0).Bytes);
    }

    [Fact]
    public async Task InspectRaw_OfAnyImage_IsTheManifestItself()
    {
        var image = await PushedAsync("index");
        var arm = image.Manifests[image.Root!.Manifests.Single(child => child.Platform?.Architecture == "arm64").Digest];
        Assert.Equal(image.Root.Bytes.ToArray(), (await Command.RunAsync("inspect", "--raw", $"{Bucket}//app:1")).Ended(0).Bytes);
        Assert.Equal(arm.Bytes.ToArray(), (await Command.RunAsync("inspect", "--raw", "--platform", "linux/arm64", $"oci:{Folder["index"]}:1")).Ended(0).Bytes);
        (await Command.RunAsync("inspect", "--raw", "--json", $"{Bucket}//app:1")).Ended(ExitCode.BadUsage).OneLine();
    }

    [Fact]
    public async Task BlobGet_OfAnyPart_IsItsBytes()
    {
        var image = await PushedAsync("nested");
        foreach (var (digest, bytes) in image.Blobs)
            Assert.Equal(bytes, (await Command.RunAsync("blob", "get", $"{Bucket}//app:1", digest.ToString())).Ended(0).Bytes);
        foreach (var manifest in image.Manifests.Values)
            Assert.Equal(manifest.Bytes.ToArray(), (await Command.RunAsync("blob", "get", $"oci:{Folder["nested"]}:1", manifest.Digest.ToString())).Ended(0).Bytes);
        (await Command.RunAsync("blob", "get", $"{Bucket}//app:1", $"sha256:{new string('0', 64)}")).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("blob", "get", $"{Bucket}//app:1", "latest")).Ended(ExitCode.BadUsage).OneLine();
    }

    [Fact]
    public async Task BlobGet_DamagedBlob_EndsAsBadContent()
    {
        var image = await LayoutAsync("plain");
        var digest = image.Root!.Layers[0].Digest;
        var path = Path.Combine(Folder["plain"], "blobs", "sha256", digest.Hex);
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[0] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
        (await Command.RunAsync("blob", "get", $"oci:{Folder["plain"]}:1", digest.ToString())).Ended(ExitCode.BadContent).OneLine();
    }

    [Fact]
    public async Task Export_ToStdoutAndFile_IsTheSameTar()
    {
        await PushedAsync("index");
        var bytes = (await Command.RunAsync("export", "--platform", "linux/arm64", $"{Bucket}//app:1")).Ended(0).Bytes;
        (await Command.RunAsync("export", "--platform", "linux/arm64", "-o", Folder["tar"], $"oci:{Folder["index"]}:1")).Ended(0);
        Assert.Equal(await File.ReadAllBytesAsync(Folder["tar"], TestContext.Current.CancellationToken), bytes);
        Assert.True(bytes.Length > 1024);
        await PushedAsync("artifact");
        (await Command.RunAsync("export", $"oci:{Folder["artifact"]}:1")).Ended(ExitCode.BadUsage).OneLine();
    }

    [Fact]
    public async Task BlobPut_AFile_IsThereUnderItsDigest()
    {
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var bytes = ImageBytes.Bytes(new Random(1), 200_000);
        await File.WriteAllBytesAsync(Folder["file"], bytes, TestContext.Current.CancellationToken);
        var digest = Pail.Oci.Digest.Of(bytes).ToString();
        Assert.Equal([digest], (await Command.RunAsync("blob", "put", $"{Bucket}//team/app", Folder["file"])).Ended(0).Lines);
        Assert.Contains("there already", (await Command.RunAsync("blob", "put", $"{Bucket}//team/app", Folder["file"])).Ended(0).Error, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Assert.Single(Directory.GetFiles(Path.Combine(Folder["bucket"], "v2", "team", "app", "blobs"))), TestContext.Current.CancellationToken));
        (await Command.RunAsync("blob", "put", $"{Bucket}//team/app:1", Folder["file"])).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("blob", "put", $"{Bucket}//team/app", Folder["none"])).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task ListLong_OfBucketRepositoryAndImage_HasSizesAndDigests()
    {
        var image = await PushedAsync("index");
        (await Command.RunAsync("tag", $"{Bucket}//app:1", "2")).Ended(0);
        var size = image.Blobs.Values.Sum(blob => (long)blob.Length);
        foreach (var address in (string[])[Bucket, $"{Bucket}//app"])
        {
            var lines = (await Command.RunAsync("ls", "-l", address)).Ended(0).Lines;
            Assert.Equal(2, lines.Length);
            Assert.EndsWith($"  {image.Root!.Digest}  {Bucket}//app:1", lines[0], StringComparison.Ordinal);
        }
        var json = JsonNode.Parse((await Command.RunAsync("ls", "-l", "--json", Bucket)).Ended(0).Output)!["repositories"]![0]!["images"]!;
        Assert.Equal((size, image.Root!.MediaType), ((long)json[1]!["size"]!, (string)json[1]!["mediaType"]!));
        Assert.Contains(image.Root.Digest.ToString(), Assert.Single((await Command.RunAsync("ls", "-l", $"oci:{Folder["index"]}:1")).Ended(0).Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManifestAndConfig_WithAPlatform_AreThatImages()
    {
        var image = await PushedAsync("index");
        var arm = image.Manifests[image.Root!.Manifests.Single(child => child.Platform?.Architecture == "arm64").Digest];
        Assert.Equal(arm.Bytes.ToArray(), (await Command.RunAsync("manifest", "--platform", "linux/arm64", $"{Bucket}//app:1")).Ended(0).Bytes);
        Assert.Equal(image.Blobs[arm.Config!.Digest], (await Command.RunAsync("config", "--platform", "linux/arm64", $"{Bucket}//app:1")).Ended(0).Bytes);
        Assert.Contains("linux/arm64", (await Command.RunAsync("config", "--platform", "linux/s390x", $"{Bucket}//app:1")).Ended(ExitCode.NotFound).OneLine(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Config_NoPlatform_IsThisMachines()
    {
        var image = await PushedAsync("index");
        var here = image.Manifests[image.Root!.Manifests.Single(child => PlatformChoice.Host.Accepts(child.Platform!)).Digest];
        Assert.Equal(image.Blobs[here.Config!.Digest], (await Command.RunAsync("config", $"{Bucket}//app:1")).Ended(0).Bytes);
    }

    [Fact]
    public async Task Config_NotWhatItsDigestSays_IsBadContent()
    {
        var image = await LayoutAsync("plain");
        await File.WriteAllTextAsync(Path.Combine(Folder["plain"], "blobs", "sha256", image.Root!.Config!.Digest.Hex), "{}", TestContext.Current.CancellationToken);
        (await Command.RunAsync("config", $"oci:{Folder["plain"]}:1")).Ended(ExitCode.BadContent).OneLine();
    }

    [Fact]
    public async Task Inspect_Image_ShowsWhatItIsMadeOf()
    {
        var image = await PushedAsync("plain");
        var json = Json(await Command.RunAsync("inspect", "--json", $"{Bucket}//app:1"));
        Assert.Equal(image.Root!.Digest.ToString(), (string)json["digest"]!);
        Assert.Equal("linux/amd64", (string)json["platform"]!);
        Assert.Equal("65534", (string)json["run"]!["user"]!);
        Assert.Equal(image.Root.Layers.Select(layer => layer.Digest.ToString()), json["layers"]!.AsArray().Select(layer => (string)layer!["digest"]!));
        Assert.Equal(image.Root.Blobs.Sum(blob => blob.Size), (long)json["totalSize"]!);
        var people = (await Command.RunAsync("inspect", $"{Bucket}//app:1")).Ended(0);
        Assert.All(image.Root.Layers, layer => Assert.Contains(layer.Digest.ToString(), people.Output, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Inspect_IndexAndArtifact_ShowTheirs()
    {
        await PushedAsync("index");
        await PushedAsync("artifact", "thing");
        Assert.Equal(["linux/amd64", "linux/arm64"], Json(await Command.RunAsync("inspect", "--json", $"{Bucket}//app:1"))["manifests"]!.AsArray().Select(child => (string)child!["platform"]!));
        Assert.Equal("linux/arm64", (string)Json(await Command.RunAsync("inspect", "--json", "--platform", "linux/arm64", $"{Bucket}//app:1"))["platform"]!);
        var artifact = Json(await Command.RunAsync("inspect", "--json", $"{Bucket}//thing:1"));
        Assert.Equal("application/vnd.example.thing", (string)artifact["artifactType"]!);
        Assert.Null(artifact["run"]);
    }
}
