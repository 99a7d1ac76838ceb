using Pail.Export;
using Pail.Oci;
using Pail.Stores;
using Pail.Tests.Page;

namespace Pail.Tests.Images;

/// <summary>What browsing reads of layers, and where it ends.</summary>
public sealed class LayerBrowserTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1 << 20, 10, 1 << 20, "")]
    [InlineData(1 << 20, 4, 1 << 20, "layer 2: more than 4 files, or names too long")]
    [InlineData(1 << 20, 10, 12, "layer 2: more than 10 files, or names too long")]
    [InlineData(12_000, 10, 1 << 20, "layer 2: more than 11.7 KiB unpacked")]
    public async Task List_BeyondTheBounds_SaysWhatIsLeftOut(long bytes, int entries, long text, string left)
    {
        var (source, image) = Image(false, ("a", "1"), ("b", "2"), ("c", "3"));
        var listing = await Browser(source, new(bytes, entries, text)).ListImageAsync(image, Cancel);
        Assert.Equal(left, string.Join(';', listing.Left));
        Assert.Contains("a", listing.Files.Select(file => file.Path));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ReadFile_OfEitherLayer_GivesItsBytes_APlainTarByItsRangeAlone(bool plain)
    {
        var (source, image) = Image(plain, ("a", "first"), ("b", "second"), ("empty", ""));
        var ranges = new List<ByteRange>();
        var browser = Browser(source, new(), ranges);
        var files = (await browser.ListLayerAsync(image, 0, Cancel)).Files.ToDictionary(file => file.Path, file => (BrowsedFile)file.File);
        foreach (var (name, content, most) in new[] { ("a", "first", 100), ("b", "second", 100), ("b", "sec", 3), ("empty", "", 100) })
            Assert.Equal(content, System.Text.Encoding.UTF8.GetString((await browser.ReadFileAsync(image, files[name], most, Cancel))!));
        Assert.Equal(plain ? 3 : 0, ranges.Count);
        Assert.Null(await browser.ReadFileAsync(image, files["a"] with { Name = "none", Offset = -1 }, 10, Cancel));
    }

    [Fact]
    public async Task List_DamagedLayer_IsAnError()
    {
        var (source, image) = Image(false, ("a", "1"));
        source.Spoil(image.Layers[0].Digest, new byte[image.Layers[0].Size]);
        Assert.Equal(Failure.BadContent, (await Assert.ThrowsAsync<PailException>(() => Browser(source, new()).ListLayerAsync(image, 0, Cancel))).Failure);
    }

    // Two layers of the same files.
    private static (MemoryImage Source, Manifest Image) Image(bool plain, params (string, string)[] files)
    {
        var source = new MemoryImage();
        var layers = Enumerable.Range(0, 2).Select(layer => PageImages.Tar([.. files, ($"in-{layer}", "x")])).Select(tar => plain ? source.Add(tar, MediaTypes.OciLayerTar) : source.Add(ImageBytes.Gzip(tar))).ToList();
        return (source, source.AddImage(layers));
    }

    private static LayerBrowser Browser(MemoryImage source, BrowseLimits limits, List<ByteRange>? ranges = null) => new(
        source,
        (blob, range, _) =>
        {
            ranges?.Add(range);
            return Task.FromResult<Stream>(new MemoryStream(source.Blobs[blob.Digest][(int)range.First..(int)(range.Last!.Value + 1)]));
        },
        limits);
}
