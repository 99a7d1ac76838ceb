using System.Text;
using Pail.Compression;
using Pail.Copy;
using Pail.Dir;
using Pail.Docker;
using Pail.Export;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Tests.Images;

/// <summary>JSON files that are damaged or of another form: the message says which file it is and what is wrong with it, in no parser's words.</summary>
public sealed class OddJsonTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Configs => new()
    {
        { "", "it is empty" },
        { " \n", "it is empty" },
        { "{", "it is not JSON (line 1, byte 2)" },
        { "<html>", "it is not JSON (line 1, byte 1)" },
        { "null", "it is not a JSON object" },
        { "[]", "it is not a JSON object" },
        { "\"x\"", "it is not a JSON object" },
        { "{}", "it has no rootfs" },
        { """{"rootfs":null}""", "it has no rootfs" },
        { """{"rootfs":[]}""", "rootfs is not an object" },
        { """{"rootfs":{"diff_ids":"x"}}""", "diff_ids is not a list" },
        { """{"rootfs":{"diff_ids":[1]}}""", "diff_ids is not a list" },
        { """{"rootfs":{"diff_ids":[null]}}""", "diff_ids is not a list" },
        { """{"rootfs":{"diff_ids":["sha256:x"]}}""", "is not a digest" },
        { """{"rootfs":{"diff_ids":["\ud800"]}}""", "not Unicode" },
        { """{"rootfs":{"diff_ids":[]}}""", "lists 0 layers, its manifest 1" },
        { """{"rootfs":{}}""", "lists 0 layers, its manifest 1" },
    };

    [Theory]
    [MemberData(nameof(Configs))]
    public async Task Config_ThatNamesNoLayers_IsCopiedAsItIsAndElseRefusedClearly(string config, string says)
    {
        var image = new MemoryImage();
        var blob = image.Add(Encoding.UTF8.GetBytes(config), MediaTypes.OciConfig);
        image.AddManifest(ImageBuilder.ManifestOf(blob, [image.Add(ImageBytes.Gzip(ImageBytes.Layer(new Random(1), 100)), MediaTypes.OciLayerGzip)]));

        MemoryImage.AssertSame(image, await CopyAsync(image, null));
        // Already so: nothing is made of it.
        MemoryImage.AssertSame(image, await CopyAsync(image, "gzip"));
        AssertClear(await Assert.ThrowsAnyAsync<PailException>(() => ImageExport.WriteAsync(image, image.Root!, Stream.Null, Cancel)), $"{blob.Digest}", says);
        AssertClear(await Assert.ThrowsAnyAsync<PailException>(() => CopyAsync(image, "zstd")), $"{blob.Digest}", says, "leave out --compression");
    }

    [Theory]
    [MemberData(nameof(Configs))]
    public async Task DockerArchive_ConfigThatNamesNoLayers_IsRefusedClearly(string config, string says)
    {
        var tar = new TarBytes().File("c.json", config).File("l/layer.tar", ImageBytes.Layer(new Random(1), 100)).File("manifest.json", """[{"Config":"c.json","RepoTags":null,"Layers":["l/layer.tar"]}]""");
        await File.WriteAllBytesAsync(_folder["x.tar"], tar.ToArray(), Cancel);
        await using var source = new DockerArchiveSource(_folder["x.tar"], null);

        AssertClear(await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(Cancel)), "x.tar", "config", says.Replace(", its manifest 1", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData("null", "it is not a list of images")]
    [InlineData("{}", "it is not a list of images")]
    [InlineData("[", "it is not JSON (line 1, byte 2)")]
    [InlineData("[null]", "it is not a JSON object")]
    [InlineData("[1]", "it is not a JSON object")]
    [InlineData("[{}]", "an image has no Config")]
    [InlineData("""[{"Config":null}]""", "an image has no Config")]
    [InlineData("""[{"Config":[]}]""", "Config is not a string")]
    [InlineData("""[{"Config":"c","Layers":"l"}]""", "Layers is not a list of texts")]
    [InlineData("""[{"Config":"c","Layers":[null]}]""", "Layers is not a list of texts")]
    [InlineData("""[{"Config":"c","RepoTags":{}}]""", "RepoTags is not a list of texts")]
    [InlineData("""[{"Config":"\ud800"}]""", "not Unicode")]
    public async Task DockerArchive_DamagedList_IsRefusedClearly(string list, string says)
    {
        await File.WriteAllBytesAsync(_folder["x.tar"], new TarBytes().File("manifest.json", list).ToArray(), Cancel);
        await using var source = new DockerArchiveSource(_folder["x.tar"], null);

        AssertClear(await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(Cancel)), "x.tar", "manifest.json", says);
    }

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData("null", "it is not a JSON object")]
    [InlineData("""{"schemaVersion":2,"manif""", "it is not JSON (line 1")]
    [InlineData("""{"schemaVersion":"2","manifests":[]}""", "schemaVersion is not 2")]
    [InlineData("""{"schemaVersion":2,"mediaType":7,"manifests":[]}""", "mediaType is not a string")]
    [InlineData("""{"schemaVersion":2,"manifests":[null]}""", "manifests is not a descriptor")]
    [InlineData("""{"schemaVersion":2,"manifests":"x"}""", "manifests is not a list")]
    [InlineData("""{"schemaVersion":2,"mediaType":"\ud800","manifests":[]}""", "not Unicode")]
    [InlineData("""{"schemaVersion":2,"manifests":[],"layers":[]}""", "CVE-2021-41190")]
    public async Task Layout_DamagedIndex_IsRefusedClearly(string index, string says)
    {
        Directory.CreateDirectory(_folder["layout"]);
        await File.WriteAllTextAsync(Path.Combine(_folder["layout"], "index.json"), index, Cancel);
        await File.WriteAllTextAsync(Path.Combine(_folder["layout"], "oci-layout"), "", Cancel);
        await using var source = new OciLayoutSource(_folder["layout"], null);
        await using var sink = new OciLayoutSink(_folder["layout"], "1");

        AssertClear(await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(Cancel)), "layout", "index.json", says);
        AssertClear(await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(MemoryImage.Plain(), sink, Cancel)), "layout", "index.json", says);
        Assert.Equal(index, await File.ReadAllTextAsync(Path.Combine(_folder["layout"], "index.json"), Cancel));
    }

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData("null", "it is not a JSON object")]
    [InlineData("{\"schemaVersion\":2", "it is not JSON")]
    public async Task Dir_DamagedManifest_IsRefusedClearly(string manifest, string says)
    {
        Directory.CreateDirectory(_folder["dir"]);
        await File.WriteAllTextAsync(Path.Combine(_folder["dir"], "manifest.json"), manifest, Cancel);
        await using var source = new DirSource(_folder["dir"]);

        AssertClear(await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(Cancel)), says);
    }

    // An engine's build may write a name twice, or a number where a text is expected; the manifest's digest holds all the same.
    [Theory]
    [InlineData("""{"config":CONFIG,"layers":[{"x":1,"x":2,REST]}""")]
    [InlineData("""{"schemaVersion":2,"schemaVersion":2,"config":CONFIG,"layers":[{REST]}""")]
    [InlineData("""{"config":CONFIG,"layers":[{"annotations":{"a":1,"b":null,"c":{"d":[]},"e":"f","e":"f"},REST]}""")]
    [InlineData("""{"config":CONFIG,"annotations":{"a":1,"a":2},"layers":[{REST]}""")]
    public async Task Manifest_NamesTwiceAndOddAnnotations_IsCopiedAndRecompressed(string form)
    {
        var image = new MemoryImage();
        var tar = ImageBytes.Layer(new Random(1), 100);
        var layer = ManifestJson.Of(image.Add(ImageBytes.Gzip(tar), MediaTypes.OciLayerGzip));
        var config = ManifestJson.Of(image.Add(ImageBytes.Config("amd64", [Digest.Of(tar)]), MediaTypes.OciConfig));
        image.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(form.Replace("CONFIG", config, StringComparison.Ordinal).Replace("REST", layer[1..], StringComparison.Ordinal))));

        MemoryImage.AssertSame(image, await CopyAsync(image, null));
        Assert.Equal(MediaTypes.OciLayerZstd, (await CopyAsync(image, "zstd")).Root!.Layers[0].MediaType);
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<MemoryImage> CopyAsync(MemoryImage image, string? compression)
    {
        var sink = new MemoryImage();
        await ImageCopy.RunAsync(image, sink, new CopyOptions(Compression: compression is null ? null : LayerCompression.Parse(compression)), NoProgress.Instance, Cancel);
        return sink;
    }

    private static void AssertClear(PailException error, params string[] says)
    {
        Assert.Equal(Failure.BadContent, error.Failure);
        foreach (var words in says)
            Assert.Contains(words, error.Message, StringComparison.Ordinal);
        foreach (var parser in (string[])["JsonElement", "ValueKind", "requested operation", "given key", "isFinalBlock", "LineNumber", "BytePosition", "'0x", "UTF-16", "\n"])
            Assert.DoesNotContain(parser, error.Message, StringComparison.Ordinal);
    }
}
