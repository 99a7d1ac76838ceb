using System.Formats.Tar;
using Pail.Dir;
using Pail.Docker;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tests.Cli;

namespace Pail.Tests.Images;

/// <summary>Archives and directories of another kind than the address says: read where that is no guess, else told with the address that reads them.</summary>
public sealed class OtherKindTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly MemoryImage _image = MemoryImage.Plain();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    // What "docker buildx build --output type=oci" writes: no manifest.json, the tag alone as ref.name.
    [Theory]
    [InlineData(null)]
    [InlineData("app:1")]
    [InlineData("docker.io/library/app:1")]
    [InlineData("docker.io/app:1")]
    [InlineData("index.docker.io/library/app:1")]
    [InlineData("1")]
    [InlineData("@0")]
    public async Task DockerArchive_OfBuildKitsOciTar_IsReadByItsName(string? asked)
    {
        await WriteAsync("bk.tar", LayoutIndex.Of(_image.Root!, "1", "docker.io/library/app:1"));

        MemoryImage.AssertSame(_image, await Copying.ReadAsync(new DockerArchiveSource(_folder["bk.tar"], asked)));
    }

    [Theory]
    [InlineData("other:1", "it has 1")]
    [InlineData("app:2", "it has 1")]
    public async Task DockerArchive_OfBuildKitsOciTarByAnotherName_ListsThoseThereAre(string asked, string says)
    {
        await WriteAsync("bk.tar", LayoutIndex.Of(_image.Root!, "1", "docker.io/library/app:1"));
        await using var source = new DockerArchiveSource(_folder["bk.tar"], asked);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(Cancel));

        Assert.Equal(Failure.NotFound, error.Failure);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    // crane and kaniko write Docker Hub's old name.
    [Theory]
    [InlineData("index.docker.io/library/busybox:latest", "busybox")]
    [InlineData("index.docker.io/library/busybox:latest", "busybox:latest")]
    [InlineData("index.docker.io/library/busybox:latest", "docker.io/library/busybox:latest")]
    [InlineData("index.docker.io/library/busybox:latest", "docker.io/busybox:latest")]
    [InlineData("docker.io/team/app:1", "index.docker.io/team/app:1")]
    [InlineData("busybox:1", "index.docker.io/busybox:1")]
    [InlineData("localhost/app:1", "app:1")]
    [InlineData("Registry/app:1", "Registry/app:1")]
    public async Task DockerArchive_NamesOfDockerHub_AreTheSame(string written, string asked)
    {
        await File.WriteAllBytesAsync(_folder["x.tar"], DockerTars.Several((new DockerTars(1, 1), [written]), (new DockerTars(2, 1), ["other:1"])), Cancel);
        await using var source = new DockerArchiveSource(_folder["x.tar"], asked);

        Assert.Equal(new DockerTars(1, 1).Id, (await source.IdentifyAsync(Cancel)).ToString());
    }

    [Theory]
    [InlineData("oci-archive", "saved.tar", "write docker-archive:")]
    [InlineData("oci-archive", "dir", "this is a directory, no archive; for an OCI image layout write oci:")]
    [InlineData("oci-archive", "packed.tar", "unpack it, and write dir:DIR")]
    [InlineData("docker-archive", "layout", "this is a directory, no archive; for an OCI image layout write oci:")]
    [InlineData("docker-archive", "packed.tar", "it is not a list of images")]
    [InlineData("oci", "saved.tar", "it is a file; write oci-archive:")]
    [InlineData("oci", "dir", "it is one image as skopeo lays it out; write dir:")]
    [InlineData("oci", "unpacked", "pack it into a tar again, and write docker-archive:FILE")]
    [InlineData("oci", "empty", "it has no index.json")]
    [InlineData("oci", "nowhere", "it has no index.json")]
    [InlineData("dir", "layout", "it is an OCI image layout; write oci:")]
    [InlineData("dir", "unpacked", "pack it into a tar again, and write docker-archive:FILE")]
    [InlineData("dir", "saved.tar", "it is a file; write oci-archive:")]
    [InlineData("dir", "empty", "it has no manifest.json")]
    public async Task Address_OfAnotherKind_NamesTheRightOne(string scheme, string name, string says)
    {
        await File.WriteAllBytesAsync(_folder["saved.tar"], new DockerTars().Classic(), Cancel);
        Directory.CreateDirectory(_folder["unpacked"]);
        Directory.CreateDirectory(_folder["empty"]);
        await TarFile.ExtractToDirectoryAsync(_folder["saved.tar"], _folder["unpacked"], overwriteFiles: true, Cancel);
        await Copying.RunAsync(_image, new OciLayoutSink(_folder["layout"], "1"), Cancel);
        await Copying.RunAsync(_image, new DirSink(_folder["dir"]), Cancel);
        await TarFile.CreateFromDirectoryAsync(_folder["dir"], _folder["packed.tar"], includeBaseDirectory: false, Cancel);

        var line = (await Command.RunAsync("digest", $"{scheme}:{_folder[name]}")).OneLine();

        Assert.Contains(says, line, StringComparison.Ordinal);
    }

    // One digest, several names: all of them are told.
    [Fact]
    public async Task Layout_MissingTag_ListsEveryNameOfEveryImage()
    {
        foreach (var tag in (string[])["c", "a", "b"])
            await Copying.RunAsync(_image, new OciLayoutSink(_folder["layout"], tag), Cancel);
        await using var source = new OciLayoutSource(_folder["layout"], "d");

        Assert.Contains("it has c, a, b.", (await Assert.ThrowsAnyAsync<PailException>(() => source.GetRootAsync(Cancel))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("./{0}.json", "./{1}/layer.tar")]
    [InlineData("{0}.json", @"{1}\layer.tar")]
    [InlineData(".//{0}.json", @".\{1}\layer.tar")]
    public async Task DockerArchive_PathsAsPackersWriteThem_AreFound(string config, string layer)
    {
        var docker = new DockerTars(1, 1);
        var (id, folder) = (Digest.Of(docker.Config).Hex, "l1");
        var list = System.Text.Json.JsonSerializer.Serialize(new[] { new { Config = string.Format(config, id, folder), RepoTags = (string[]?)null, Layers = new[] { string.Format(layer, id, folder) } } });
        await File.WriteAllBytesAsync(_folder["x.tar"], new TarBytes().File($"{id}.json", docker.Config).File($"{folder}/layer.tar", docker.Layers[0]).File("manifest.json", list).ToArray(), Cancel);

        await docker.AssertSameAsync(await Copying.ReadAsync(new DockerArchiveSource(_folder["x.tar"], null)));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("zstd")]
    public async Task Archives_Compressed_AreRead(string compression)
    {
        var docker = new DockerTars();
        foreach (var (name, tar) in new[] { ("saved", docker.Classic()), ("layout", await LayoutTarAsync(LayoutIndex.Of(_image.Root!, "1"))) })
        {
            await using var file = File.Create(_folder[name]);
            await Pail.Compression.LayerCompression.Parse(compression).CompressAsync(new MemoryStream(tar), file, Cancel);
        }

        await docker.AssertSameAsync(await Copying.ReadAsync(new DockerArchiveSource(_folder["saved"], null)));
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(new OciArchiveSource(_folder["layout"], "1")));
    }

    // index.json of others: an entry without its type, one typed as Docker's list, annotations that are no texts.
    [Theory]
    [InlineData("""{"schemaVersion":2,"manifests":[{"digest":"DIGEST","size":SIZE,"annotations":{"org.opencontainers.image.ref.name":"1"}}]}""")]
    [InlineData("""{"schemaVersion":2,"manifests":[{"mediaType":"","digest":"DIGEST","size":SIZE,"annotations":{"org.opencontainers.image.ref.name":"1"}}]}""")]
    [InlineData("""{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[{"mediaType":"TYPE","digest":"DIGEST","size":SIZE,"annotations":{"org.opencontainers.image.ref.name":"1"}}]}""")]
    [InlineData("""{"schemaVersion":2,"manifests":[{"mediaType":"TYPE","digest":"DIGEST","size":SIZE,"annotations":{"a":null,"b":1,"c":{"d":[1]},"org.opencontainers.image.ref.name":"1"}}]}""")]
    [InlineData("""{"schemaVersion":2,"manifests":[{"mediaType":"TYPE","digest":"DIGEST","size":SIZE,"annotations":null}]}""")]
    [InlineData("""{"schemaVersion":2,"manifests":[{"mediaType":"TYPE","digest":"DIGEST","size":SIZE,"annotations":[]}]}""")]
    [InlineData("""{"schemaVersion":2,"manifests":[{"mediaType":"TYPE","digest":"DIGEST","size":SIZE,"platform":null,"data":null,"urls":null}]}""")]
    public async Task Layout_OddEntry_IsRead(string index)
    {
        await Copying.RunAsync(_image, new OciLayoutSink(_folder["layout"], "1"), Cancel);
        await File.WriteAllTextAsync(
            Path.Combine(_folder["layout"], "index.json"),
            index.Replace("DIGEST", $"{_image.Root!.Digest}", StringComparison.Ordinal).Replace("SIZE", $"{_image.Root.Size}", StringComparison.Ordinal).Replace("TYPE", _image.Root.MediaType, StringComparison.Ordinal),
            Cancel);
        var tag = index.Contains("ref.name", StringComparison.Ordinal) ? "1" : null;

        MemoryImage.AssertSame(_image, await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], tag)));
        // And it is written to again, with all entries as they were.
        await Copying.RunAsync(MemoryImage.Plain(7), new OciLayoutSink(_folder["layout"], "seven"), Cancel);
        MemoryImage.AssertSame(_image, await Copying.ReadAsync(new OciLayoutSource(_folder["layout"], tag ?? $"@{_image.Root.Digest}")));
    }

    public void Dispose() => _folder.Dispose();

    private async Task WriteAsync(string name, byte[] index) => await File.WriteAllBytesAsync(_folder[name], await LayoutTarAsync(index), Cancel);

    private Task<byte[]> LayoutTarAsync(byte[] index)
    {
        var tar = new TarBytes { Format = TarEntryFormat.Pax }.File("oci-layout", """{"imageLayoutVersion":"1.0.0"}""").File("index.json", index);
        foreach (var (digest, blob) in _image.Blobs)
            tar.File(LayoutPaths.Blob(digest), blob);
        foreach (var manifest in _image.Manifests.Values)
            tar.File(LayoutPaths.Blob(manifest.Digest), manifest.Bytes.ToArray());
        return Task.FromResult(tar.ToArray());
    }
}
