using System.Text;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Tests.Images;

/// <summary>Layers with addresses elsewhere, such as Windows' base layers: copied where the source has them, told where it has not.</summary>
public sealed class ForeignLayerTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true)]
    [InlineData("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true)]
    [InlineData(MediaTypes.OciLayerGzip, true)]
    [InlineData("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", false)]
    [InlineData("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", false)]
    public async Task Copy_ForeignLayer_ComesAlongOrIsTold(string mediaType, bool isHeld)
    {
        var image = new MemoryImage();
        var foreign = image.Add(ImageBytes.Gzip([1, 2, 3]), mediaType);
        var own = image.Add([4, 5, 6], MediaTypes.OciLayerTar);
        var manifest = Encoding.UTF8.GetString(ImageBuilder.ManifestOf(image.Add(ImageBytes.Config("amd64", []), MediaTypes.OciConfig), [foreign, own]).Bytes.Span);
        var digest = $"\"digest\":\"{foreign.Digest}\"";
        image.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(manifest.Replace(digest, $"{digest},\"urls\":[\"https://example.com/layer\"]", StringComparison.Ordinal))));
        Assert.Single(image.Root!.ForeignBlobs);
        await using (var layout = new OciLayoutSink(_folder["from"], "1"))
            await Copying.RunAsync(image, layout);
        var blob = Path.Combine(_folder["from"], "blobs", "sha256", foreign.Digest.Hex);
        Assert.True(File.Exists(blob));
        if (!isHeld)
            File.Delete(blob);

        await using var source = new OciLayoutSource(_folder["from"], "1");
        CopyResult result;
        await using (var sink = new OciArchiveSink(_folder["to.tar"], "1"))
            result = await ImageCopy.RunAsync(source, sink, new CopyOptions(), NoProgress.Instance, default);

        Assert.Equal(isHeld ? 3 : 2, result.Sent);
        Assert.Equal(isHeld ? [] : [foreign.Digest], result.ForeignLeft.Select(left => left.Digest));
        var copy = await Copying.ReadAsync(new OciArchiveSource(_folder["to.tar"], "1"));
        Assert.Equal(image.Root.Digest, copy.Root!.Digest);
        Assert.Equal(isHeld, copy.Blobs.ContainsKey(foreign.Digest));
    }

    // An engine has no use for an image that lacks a layer.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DockerArchive_ForeignLayer_IsWrittenIfTheSourceHoldsIt(bool isHeld)
    {
        var image = new MemoryImage();
        var tar = ImageBytes.Layer(new Random(1), 1000);
        var foreign = image.Add(ImageBytes.Gzip(tar), "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
        var manifest = Encoding.UTF8.GetString(ImageBuilder.ManifestOf(image.Add(ImageBytes.Config("amd64", [Digest.Of(tar)]), MediaTypes.OciConfig), [foreign]).Bytes.Span);
        var digest = $"\"digest\":\"{foreign.Digest}\"";
        image.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(manifest.Replace(digest, $"{digest},\"urls\":[\"https://example.com/layer\"]", StringComparison.Ordinal))));
        await using (var layout = new OciLayoutSink(_folder["from"], "1"))
            await Copying.RunAsync(image, layout);
        if (!isHeld)
            File.Delete(Path.Combine(_folder["from"], "blobs", "sha256", foreign.Digest.Hex));
        await using var source = new OciLayoutSource(_folder["from"], "1");

        if (isHeld)
        {
            await using (var sink = new Pail.Docker.DockerArchiveSink(_folder["to.tar"], "app:1"))
                await Copying.RunAsync(source, sink);
            await using var archive = new Pail.Docker.DockerArchiveSource(_folder["to.tar"], "app:1");
            await using var stream = await archive.OpenBlobAsync(foreign, 0, default);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes);
            Assert.Equal(foreign.Digest, Digest.Of(bytes.ToArray()));
            Assert.Equal(image.Root!.Digest, (await archive.GetRootAsync(default)).Digest);
        }
        else
        {
            await using var sink = new Pail.Docker.DockerArchiveSink(_folder["to.tar"], "app:1");
            var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(source, sink));
            Assert.Equal(Failure.NotFound, error.Failure);
            Assert.Contains("https://example.com/layer", error.Message, StringComparison.Ordinal);
            Assert.False(File.Exists(_folder["to.tar"]));
        }
    }

    public void Dispose() => _folder.Dispose();
}
