using Pail.Dir;
using Pail.Images;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Tests.Images;

/// <summary>Indexes that name blobs beside, or in place of, manifests.</summary>
public sealed class BuildCacheTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Theory]
    [InlineData("oci")]
    [InlineData("oci-archive")]
    [InlineData("dir")]
    public async Task Copy_OfBuildKitsCache_ComesWhole(string place)
    {
        var cache = Cache();
        IImageSink sink = place switch
        {
            "oci" => new OciLayoutSink(_folder["x"], "1"),
            "oci-archive" => new OciArchiveSink(_folder["x"], "1"),
            _ => new DirSink(_folder["x"]),
        };

        Assert.Equal((3, false), await CopyAsync(sink));
        Assert.Equal((0, true), await CopyAsync(place switch
        {
            "oci" => new OciLayoutSink(_folder["x"], "1"),
            "oci-archive" => new OciArchiveSink(_folder["x"], "1"),
            _ => new DirSink(_folder["x"]),
        }));
        MemoryImage.AssertSame(cache, await Copying.ReadAsync(place switch
        {
            "oci" => new OciLayoutSource(_folder["x"], "1"),
            "oci-archive" => new OciArchiveSource(_folder["x"], "1"),
            _ => (IImageSource)new DirSource(_folder["x"]),
        }));

        async Task<(int Sent, bool Unchanged)> CopyAsync(IImageSink to)
        {
            await using (to)
            {
                var result = await Copying.RunAsync(cache, to);
                return (result.Sent, result.Unchanged);
            }
        }
    }

    [Fact]
    public async Task HasRoot_ABlobOfTheIndexIsGone_CopiesItAgain()
    {
        var cache = Cache();
        await Copying.RunAsync(cache, new OciLayoutSink(_folder["x"], "1"));
        File.Delete(Path.Combine(_folder["x"], LayoutPaths.Blob(cache.Root!.Manifests[1].Digest)));

        Assert.Equal(1, (await Copying.RunAsync(cache, new OciLayoutSink(_folder["x"], "1"))).Sent);
    }

    [Theory]
    [InlineData("application/vnd.oci.artifact.manifest.v1+json")]
    [InlineData("application/vnd.docker.distribution.manifest.v1+prettyjws")]
    public async Task Copy_IndexOfAManifestOfUnknownType_IsRefused(string type)
    {
        var image = new MemoryImage();
        var entry = image.Add("{}"u8.ToArray(), type);
        image.AddIndex((entry, null));
        var sink = new MemoryImage();

        var error = await Assert.ThrowsAnyAsync<PailException>(() => Copying.RunAsync(image, sink));

        Assert.Contains(type, error.Message, StringComparison.Ordinal);
        Assert.Null(sink.Root);
    }

    [Fact]
    public async Task Size_CountsTheBlobsOfTheIndex() =>
        Assert.Equal(Cache().Blobs.Values.Sum(blob => blob.Length), await ImageParts.SizeAsync(Cache(), Cache().Root!, default));

    public void Dispose() => _folder.Dispose();

    private static MemoryImage Cache()
    {
        var image = new MemoryImage();
        var layers = Enumerable.Range(1, 2).Select(seed => image.Add(ImageBytes.Gzip(ImageBytes.Layer(new Random(seed), 9000)), MediaTypes.OciLayerGzip)).ToList();
        image.AddIndex([.. layers.Select(layer => (layer, (string?)null)), (image.Add("""{"layers":[]}"""u8.ToArray(), "application/vnd.buildkit.cacheconfig.v0"), null)]);
        return image;
    }
}
