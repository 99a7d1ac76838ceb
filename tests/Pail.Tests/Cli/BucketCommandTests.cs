using System.Text;
using System.Text.Json.Nodes;
using Pail.Cli;
using Pail.Images;
using Pail.Images.OciLayouts;
using Pail.Oci;
using Pail.Tests.Images;

namespace Pail.Tests.Cli;

/// <summary>The verbs on a bucket in a folder.</summary>
public sealed class BucketCommandTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private string Bucket => $"file:{_folder["bucket"]}";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task InitPushListTagPullRemove_TheWholeWay()
    {
        var image = await LayoutAsync("plain");
        Assert.Empty((await Command.RunAsync("init", Bucket)).Ended(0).Output);
        Assert.Equal([$"{Bucket}//team/app@{image.Root!.Digest}"], (await Command.RunAsync("push", $"oci:{_folder["plain"]}:1", $"{Bucket}//team/app")).Ended(0).Lines);
        Assert.Equal(["team/app"], (await Command.RunAsync("ls", Bucket)).Ended(0).Lines);
        Assert.Equal(["1"], (await Command.RunAsync("tags", $"{Bucket}//team/app")).Ended(0).Lines);
        (await Command.RunAsync("tag", $"{Bucket}//team/app:1", "stable", "2")).Ended(0);
        Assert.Equal([$"{Bucket}//team/app:1", $"{Bucket}//team/app:2", $"{Bucket}//team/app:stable"], (await Command.RunAsync("ls", "--tags", Bucket)).Ended(0).Lines);
        (await Command.RunAsync("rm", $"{Bucket}//team/app:1", $"{Bucket}//team/app:2")).Ended(0);
        Assert.Equal([$"{Bucket}//team/app:stable"], (await Command.RunAsync("ls", $"{Bucket}//team/app")).Ended(0).Lines);
        Assert.Equal([image.Root.Digest.ToString()], (await Command.RunAsync("pull", $"{Bucket}//team/app:stable", $"oci:{_folder["out"]}:x")).Ended(0).Lines);
        await using var pulled = new OciLayoutSource(_folder["out"], "x");
        Assert.True((await pulled.GetRootAsync(TestContext.Current.CancellationToken)).Bytes.Span.SequenceEqual(image.Root.Bytes.Span));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("index")]
    [InlineData("artifact")]
    public async Task Manifest_OfAnyImage_IsByteForByteWhatWasPushed(string kind)
    {
        var image = await PushedAsync(kind);
        Assert.Equal(image.Root!.Bytes.ToArray(), (await Command.RunAsync("manifest", $"{Bucket}//app:1")).Ended(0).Bytes);
        Assert.Equal(image.Root.Bytes.ToArray(), (await Command.RunAsync("manifest", $"{Bucket}//app@{image.Root.Digest}")).Ended(0).Bytes);
        Assert.Equal(image.Root.Bytes.ToArray(), (await Command.RunAsync("manifest", $"oci:{_folder[kind]}:1")).Ended(0).Bytes);
    }

    [Fact]
    public async Task InspectRaw_OfAnyImage_IsTheManifestItself()
    {
        var image = await PushedAsync("index");
        var arm = image.Manifests[image.Root!.Manifests.Single(child => child.Platform?.Architecture == "arm64").Digest];
        Assert.Equal(image.Root.Bytes.ToArray(), (await Command.RunAsync("inspect", "--raw", $"{Bucket}//app:1")).Ended(0).Bytes);
        Assert.Equal(arm.Bytes.ToArray(), (await Command.RunAsync("inspect", "--raw", "--platform", "linux/arm64", $"oci:{_folder["index"]}:1")).Ended(0).Bytes);
        (await Command.RunAsync("inspect", "--raw", "--json", $"{Bucket}//app:1")).Ended(ExitCode.BadUsage).OneLine();
    }

    [Fact]
    public async Task BlobGet_OfAnyPart_IsItsBytes()
    {
        var image = await PushedAsync("nested");
        foreach (var (digest, bytes) in image.Blobs)
            Assert.Equal(bytes, (await Command.RunAsync("blob", "get", $"{Bucket}//app:1", digest.ToString())).Ended(0).Bytes);
        foreach (var manifest in image.Manifests.Values)
            Assert.Equal(manifest.Bytes.ToArray(), (await Command.RunAsync("blob", "get", $"oci:{_folder["nested"]}:1", manifest.Digest.ToString())).Ended(0).Bytes);
        (await Command.RunAsync("blob", "get", $"{Bucket}//app:1", $"sha256:{new string('0', 64)}")).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("blob", "get", $"{Bucket}//app:1", "latest")).Ended(ExitCode.BadUsage).OneLine();
    }

    [Fact]
    public async Task BlobGet_DamagedBlob_EndsAsBadContent()
    {
        var image = await LayoutAsync("plain");
        var digest = image.Root!.Layers[0].Digest;
        var path = Path.Combine(_folder["plain"], "blobs", "sha256", digest.Hex);
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[0] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);
        (await Command.RunAsync("blob", "get", $"oci:{_folder["plain"]}:1", digest.ToString())).Ended(ExitCode.BadContent).OneLine();
    }

    [Fact]
    public async Task Export_ToStdoutAndFile_IsTheSameTar()
    {
        await PushedAsync("index");
        var bytes = (await Command.RunAsync("export", "--platform", "linux/arm64", $"{Bucket}//app:1")).Ended(0).Bytes;
        (await Command.RunAsync("export", "--platform", "linux/arm64", "-o", _folder["tar"], $"oci:{_folder["index"]}:1")).Ended(0);
        Assert.Equal(await File.ReadAllBytesAsync(_folder["tar"], TestContext.Current.CancellationToken), bytes);
        Assert.True(bytes.Length > 1024);
        await PushedAsync("artifact");
        (await Command.RunAsync("export", $"oci:{_folder["artifact"]}:1")).Ended(ExitCode.BadUsage).OneLine();
    }

    [Fact]
    public async Task BlobPut_AFile_IsThereUnderItsDigest()
    {
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var bytes = RandomImage.Bytes(new Random(1), 200_000);
        await File.WriteAllBytesAsync(_folder["file"], bytes, TestContext.Current.CancellationToken);
        var digest = Pail.Oci.Digest.Of(bytes).ToString();
        Assert.Equal([digest], (await Command.RunAsync("blob", "put", $"{Bucket}//team/app", _folder["file"])).Ended(0).Lines);
        Assert.Contains("there already", (await Command.RunAsync("blob", "put", $"{Bucket}//team/app", _folder["file"])).Ended(0).Error, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Assert.Single(Directory.GetFiles(Path.Combine(_folder["bucket"], "v2", "team", "app", "blobs"))), TestContext.Current.CancellationToken));
        (await Command.RunAsync("blob", "put", $"{Bucket}//team/app:1", _folder["file"])).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("blob", "put", $"{Bucket}//team/app", _folder["none"])).Ended(ExitCode.NotFound).OneLine();
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
        Assert.Contains(image.Root.Digest.ToString(), Assert.Single((await Command.RunAsync("ls", "-l", $"oci:{_folder["index"]}:1")).Ended(0).Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v2")]
    [InlineData("pool")]
    public async Task Copy_WithinABucket_SendsNoBlob(string layout)
    {
        var image = await LayoutAsync("index");
        (await Command.RunAsync("init", Bucket, "--layout", layout)).Ended(0);
        (await Command.RunAsync("push", $"oci:{_folder["index"]}:1", $"{Bucket}//app:1")).Ended(0);
        var report = JsonNode.Parse((await Command.RunAsync("copy", "--json", "--explain-cost", $"{Bucket}//app:1", $"{Bucket}//team/other:2")).Ended(0).Output)!;
        Assert.Equal(layout == "pool" ? (0, 0) : (0, image.Blobs.Count), ((int)report["blobs"]!["sent"]!, (int)report["blobs"]!["copied"]!));
        Assert.Equal(0, (long)report["bytesSent"]!);
        (await Command.RunAsync("copy", $"{Bucket}//team/other:2", $"oci:{_folder["back"]}:1")).Ended(0);
        Assert.Contains("nothing to do", (await Command.RunAsync("copy", $"{Bucket}//app:1", $"{Bucket}//team/other:2")).Ended(0).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--platform", "linux/arm64,linux/amd64")]
    [InlineData("--platform", "linux/amd64", "--platform", "linux/arm64")]
    public async Task Copy_OfSeveralPlatforms_WritesAndTellsOfANewIndex(params string[] platforms)
    {
        var image = RandomImage.Index(1, "amd64", "s390x", "arm64");
        await using (var sink = new OciLayoutSink(_folder["index"], "1"))
            await Copying.RunAsync(image, sink);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var copied = (await Command.RunAsync(["copy", "--json", .. platforms, $"oci:{_folder["index"]}:1", $"{Bucket}//app:1"])).Ended(0);
        var report = JsonNode.Parse(copied.Output)!;
        Assert.Equal(image.Root!.Digest.ToString(), (string?)report["cutFrom"]);
        Assert.Contains("A new index", copied.Error, StringComparison.Ordinal);
        Assert.Equal(["linux/amd64", "linux/arm64"], Json(await Command.RunAsync("inspect", "--json", $"{Bucket}//app:1"))["manifests"]!.AsArray().Select(entry => (string)entry!["platform"]!));

        var one = Json(await Command.RunAsync("copy", "--json", "--platform", "linux/arm64,linux/arm64", $"oci:{_folder["index"]}:1", $"{Bucket}//app:2"));
        Assert.Equal((image.Root.Manifests[2].Digest.ToString(), null), ((string?)one["digest"], (string?)one["cutFrom"]));
        (await Command.RunAsync("copy", "--platform", "linux/arm64,arm", $"oci:{_folder["index"]}:1", $"{Bucket}//app:2")).Ended(ExitCode.BadUsage).OneLine();
    }

    [Theory]
    [InlineData("oci", "index")]
    [InlineData("oci-archive", "plain")]
    [InlineData("dir", "index")]
    [InlineData("docker-archive", "plain")]
    public async Task DryRun_IntoAFileOrFolder_SaysWhatTheCopyThenDoesAndWritesNothing(string scheme, string kind)
    {
        await LayoutAsync(kind);
        string[] copy = ["copy", "--json", $"oci:{_folder[kind]}:1", $"{scheme}:{_folder["made"]}{(scheme == "oci" ? ":1" : "")}"];
        var before = Directory.GetFileSystemEntries(_folder.Path);
        var forecast = Json(await Command.RunAsync([.. copy, "--dry-run"]));
        Assert.Equal(before, Directory.GetFileSystemEntries(_folder.Path));
        var report = Json(await Command.RunAsync(copy));
        foreach (var property in (string[])["digest", "changed", "blobs", "bytesSent"])
            Assert.Equal(report[property]!.ToJsonString(), forecast[property]!.ToJsonString());
        Assert.False((bool)Json(await Command.RunAsync([.. copy, "--dry-run"]))["changed"]!);
    }

    [Fact]
    public async Task Dir_AnyVerb_TakesItAsSkopeosDirectory()
    {
        var image = await PushedAsync("index");
        var dir = $"dir:{_folder["a:b"]}";
        Assert.Equal([image.Root!.Digest.ToString()], (await Command.RunAsync("pull", $"{Bucket}//app:1", dir)).Ended(0).Lines);
        Assert.Equal(image.Root.Bytes.ToArray(), (await Command.RunAsync("inspect", "--raw", dir)).Ended(0).Bytes);
        Assert.Contains(image.Root.Digest.ToString(), Assert.Single((await Command.RunAsync("ls", "-l", dir)).Ended(0).Lines), StringComparison.Ordinal);
        Assert.Equal([$"{Bucket}//other@{image.Root.Digest}"], (await Command.RunAsync("push", dir, $"{Bucket}//other")).Ended(0).Lines);
        (await Command.RunAsync("copy", "--referrers", dir, $"{Bucket}//other:2")).Ended(ExitCode.BadUsage).OneLine();
        (await Command.RunAsync("digest", $"dir:{_folder["none"]}")).Ended(ExitCode.NotFound).OneLine();
    }

    [Fact]
    public async Task CopyReferrers_ThroughALayoutAndBack_KeepsThoseOfReferrersToo()
    {
        var root = (await PushedAsync("index")).Root!;
        var sbom = await PushReferrerAsync("sbom", root.Descriptor);
        var signature = await PushReferrerAsync("signature", sbom.Descriptor);
        string[] save = ["copy", "--json", "--referrers", $"{Bucket}//app:1", $"oci:{_folder["saved"]}:1"];

        Assert.Equal(2, (int)Json(await Command.RunAsync([.. save, "--dry-run"]))["referrers"]!["copied"]!);
        Assert.False(Directory.Exists(_folder["saved"]));
        Assert.Equal(2, (int)Json(await Command.RunAsync(save))["referrers"]!["copied"]!);
        Assert.False((bool)Json(await Command.RunAsync(save))["changed"]!);
        Assert.Equal(2, (int)Json(await Command.RunAsync("copy", "--json", "--referrers", $"oci:{_folder["saved"]}", $"{Bucket}//back:1"))["referrers"]!["copied"]!);

        foreach (var manifest in (Manifest[])[root, sbom, signature])
            Assert.Equal(manifest.Bytes.ToArray(), (await Command.RunAsync("manifest", $"{Bucket}//back@{manifest.Digest}")).Ended(0).Bytes);
        Assert.Equal([$"{Bucket}//back:1"], (await Command.RunAsync("ls", $"{Bucket}//back")).Ended(0).Lines);
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
        await File.WriteAllTextAsync(Path.Combine(_folder["plain"], "blobs", "sha256", image.Root!.Config!.Digest.Hex), "{}", TestContext.Current.CancellationToken);
        (await Command.RunAsync("config", $"oci:{_folder["plain"]}:1")).Ended(ExitCode.BadContent).OneLine();
    }

    [Fact]
    public async Task Push_LayerNotWhatItsDigestSays_IsBadContentAndNoTag()
    {
        var image = await LayoutAsync("plain");
        var layer = Path.Combine(_folder["plain"], "blobs", "sha256", image.Root!.Layers[0].Digest.Hex);
        var bytes = await File.ReadAllBytesAsync(layer, TestContext.Current.CancellationToken);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(layer, bytes, TestContext.Current.CancellationToken);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        (await Command.RunAsync("push", $"oci:{_folder["plain"]}:1", $"{Bucket}//app:1")).Ended(ExitCode.BadContent).OneLine();
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
        (await Command.RunAsync("push", $"oci:{_folder["none"]}", $"{Bucket}//app:1")).Ended(ExitCode.NotFound).OneLine();
        (await Command.RunAsync("inspect", $"oci-archive:{_folder["none"]}")).Ended(ExitCode.NotFound).OneLine();
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
        (await Command.RunAsync("push", $"oci:{_folder["index"]}:1", $"{Bucket}//app")).Ended(0);
        Assert.Equal([$"{Bucket}//app:1"], (await Command.RunAsync("ls", "-t", Bucket)).Ended(0).Lines);
        Assert.Equal(image.Root!.Bytes.ToArray(), (await Command.RunAsync("manifest", $"{Bucket}//app:1")).Ended(0).Bytes);
    }

    [Fact]
    public async Task Json_OfEachVerb_HasItsShape()
    {
        var image = await LayoutAsync("plain");
        var digest = image.Root!.Digest.ToString();
        AssertJson("""{"bucket":"B","made":true,"layout":"v2","public":true}""", await Command.RunAsync("init", Bucket, "--public", "--json"));
        var push = Json(await Command.RunAsync("push", $"oci:{_folder["plain"]}:1", $"{Bucket}//app:1", "--json"));
        Assert.Equal(
            ["source", "destination", "digest", "mediaType", "changed", "blobs", "bytesSent", "seconds"],
            push.AsObject().Select(member => member.Key));
        Assert.Equal((true, digest, 3), ((bool)push["changed"]!, (string)push["digest"]!, (int)push["blobs"]!["sent"]!));
        Assert.Equal(image.Root.Blobs.Sum(blob => blob.Size), (long)push["bytesSent"]!);
        Assert.False((bool)Json(await Command.RunAsync("push", $"oci:{_folder["plain"]}:1", $"{Bucket}//app:1", "--json"))["changed"]!);
        AssertJson("""{"bucket":"B","repositories":[{"name":"app"}]}""", await Command.RunAsync("ls", Bucket, "--json"));
        AssertJson("""{"bucket":"B","repositories":[{"name":"app","tags":["1"]}]}""", await Command.RunAsync("ls", "-t", Bucket, "--json"));
        AssertJson("""{"repository":"B//app","tags":["1"]}""", await Command.RunAsync("tags", $"{Bucket}//app", "--json"));
        AssertJson($$"""{"repository":"B//app","digest":"{{digest}}","tags":["x","y"]}""", await Command.RunAsync("tag", $"{Bucket}//app:1", "x", "y", "--json"));
        AssertJson("""{"removed":["B//app:x","B//app:y"]}""", await Command.RunAsync("rm", $"{Bucket}//app:x", $"{Bucket}//app:y", "--json"));
    }

    [Fact]
    public async Task Inspect_Image_ShowsWhatItIsMadeOf()
    {
        var image = await PushedAsync("plain");
        var json = Json(await Command.RunAsync("inspect", "--json", $"{Bucket}//app:1"));
        Assert.Equal(image.Root!.Digest.ToString(), (string)json["digest"]!);
        Assert.Equal("linux/amd64", (string)json["platform"]!);
        Assert.Equal("nobody", (string)json["run"]!["user"]!);
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

    [Fact]
    public async Task Push_PlainOutput_ALineABlobOnStderrTheResultOnStdout()
    {
        await LayoutAsync("plain");
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var ran = (await Command.RunAsync("push", $"oci:{_folder["plain"]}:1", $"{Bucket}//app:1")).Ended(0);
        Assert.Equal(3, ran.Error.Split('\n').Count(line => line.EndsWith("  sent", StringComparison.Ordinal)));
        Assert.Contains("3 blobs sent", ran.Error, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', ran.Error);
        Assert.Single(ran.Lines);
        var quiet = (await Command.RunAsync("push", "--quiet", $"oci:{_folder["plain"]}:1", $"{Bucket}//app:2")).Ended(0);
        Assert.Empty(quiet.Error);
        Assert.Single(quiet.Lines);
    }

    [Fact]
    public async Task ExplainCost_TellsPeopleAndPrograms()
    {
        await LayoutAsync("plain");
        (await Command.RunAsync("init", Bucket)).Ended(0);
        var people = (await Command.RunAsync("push", "-q", "--explain-cost", $"oci:{_folder["plain"]}:1", $"{Bucket}//app:1")).Ended(0);
        Assert.Contains("PutObject", people.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("PutObject", people.Output, StringComparison.Ordinal);
        var again = await Command.RunAsync("push", "-q", "--json", "--explain-cost", $"oci:{_folder["plain"]}:1", $"{Bucket}//app:1");
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

    private async Task<MemoryImage> LayoutAsync(string kind)
    {
        var image = RandomImage.Of(kind);
        await using var sink = new OciLayoutSink(_folder[kind], "1");
        await ImageCopy.RunAsync(image, sink, new CopyOptions(), NoProgress.Instance, TestContext.Current.CancellationToken);
        return image;
    }

    private async Task<Manifest> PushReferrerAsync(string name, Descriptor subject)
    {
        var image = new MemoryImage();
        var config = RandomImage.Json(image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty));
        var manifest = image.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","artifactType":"text/{{name}}","config":{{config}},"layers":[],"subject":{{RandomImage.Json(subject)}}}""")));
        await Copying.RunAsync(image, new OciLayoutSink(_folder[name], "1"));
        (await Command.RunAsync("push", $"oci:{_folder[name]}:1", $"{Bucket}//app@{manifest.Digest}")).Ended(0);
        return manifest;
    }

    private async Task<MemoryImage> PushedAsync(string kind, string repository = "app")
    {
        var image = await LayoutAsync(kind);
        (await Command.RunAsync("init", Bucket)).Ended(0);
        (await Command.RunAsync("push", $"oci:{_folder[kind]}:1", $"{Bucket}//{repository}:1")).Ended(0);
        return image;
    }

    private static JsonNode Json(Ran ran) => JsonNode.Parse(ran.Ended(0).Output)!;

    private void AssertJson(string expected, Ran ran) =>
        Assert.Equal(JsonNode.Parse(expected.Replace("\"B", $"\"{Bucket}", StringComparison.Ordinal))!.ToJsonString(), Json(ran).ToJsonString());
}
