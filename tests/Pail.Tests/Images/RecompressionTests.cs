using System.Text;
using Pail.Compression;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>Copies that compress layers otherwise: the tars stay the same, and so does all else that need not change.</summary>
public sealed class RecompressionTests
{
    [Theory]
    [InlineData("plain", "zstd")]
    [InlineData("plain", "none")]
    [InlineData("index", "zstd:9")]
    [InlineData("nested", "none")]
    public async Task Copy_OtherCompression_GivesTheSameTarsUnderItsType(string kind, string compression)
    {
        var before = MemoryImage.Of(kind);
        var after = await CopyAsync(before, compression);

        Assert.NotEqual(before.Root!.Digest, after.Root!.Digest);
        Assert.All(Images(after), image => Assert.All(image.Layers, layer => Assert.Equal(LayerCompression.Parse(compression).MediaType, layer.MediaType)));
        Assert.Equal(Tars(before), Tars(after));
        Assert.Equal(Images(before).Select(image => image.Config!.Digest), Images(after).Select(image => image.Config!.Digest));
        Assert.Equal(before.Root.Manifests.Select(entry => entry.Platform), after.Root.Manifests.Select(entry => entry.Platform));
        // There and back again, and once more the same way.
        Assert.Equal(after.Root.Digest, (await CopyAsync(before, compression)).Root!.Digest);
        Assert.Equal(Tars(before), Tars(await CopyAsync(after, "gzip")));
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("index")]
    [InlineData("artifact")]
    public async Task Copy_CompressedSoAlready_StaysByteForByte(string kind)
    {
        var before = MemoryImage.Of(kind);
        Assert.Equal(before.Root!.Bytes.ToArray(), (await CopyAsync(before, "gzip:9")).Root!.Bytes.ToArray());
    }

    // Layers are looked at only where --compression is given, and only if the destination lacks the manifest.
    [Theory]
    [InlineData(null, false, 1)]
    [InlineData(null, true, 0)]
    [InlineData("gzip", false, 2)]
    [InlineData("gzip", true, 0)]
    public async Task Copy_LayersOfTheRightType_AreOpenedSoOften(string? compression, bool isThere, int times)
    {
        var before = MemoryImage.Plain();
        var after = isThere ? before : new MemoryImage();
        before.Opened.Clear();

        await ImageCopy.RunAsync(before, after, new CopyOptions { Compression = compression is null ? null : LayerCompression.Parse(compression) }, NoProgress.Instance, TestContext.Current.CancellationToken);

        Assert.All(before.Root!.Layers, layer => Assert.Equal(times, before.Opened.Count(opened => opened.Digest == layer.Digest)));
    }

    [Fact]
    public async Task Copy_Artifact_StaysWhateverIsAskedFor()
    {
        var before = MemoryImage.Artifact();
        Assert.Equal(before.Root!.Bytes.ToArray(), (await CopyAsync(before, "zstd")).Root!.Bytes.ToArray());
    }

    [Fact]
    public async Task Copy_DockerManifestWithFields_KeepsThemAndBecomesOci()
    {
        var before = new MemoryImage();
        var tar = ImageBytes.Layer(new Random(1), 5000);
        var layer = before.Add(ImageBytes.Gzip(tar), MediaTypes.DockerLayerGzip);
        var config = before.Add(ImageBytes.Config("amd64", [Digest.Of(tar)]), MediaTypes.DockerConfig);
        before.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(
            $$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.DockerManifest}}","config":{{ManifestJson.Of(config)}},"annotations":{"a":"b+é"},"x":[1],
            "layers":[{{ManifestJson.Of(layer)[..^1]}},"annotations":{"containerd.io/snapshot/stargz/toc.digest":"x","kept":"y"} } ]}
            """)));

        var after = (await CopyAsync(before, "zstd")).Root!;

        Assert.Equal((MediaTypes.OciManifest, MediaTypes.OciConfig, MediaTypes.OciLayerZstd), (after.MediaType, after.Config!.MediaType, after.Layers[0].MediaType));
        Assert.Equal("b+é", after.Annotations["a"]);
        Assert.Contains("\"x\":[1]", Encoding.UTF8.GetString(after.Bytes.Span), StringComparison.Ordinal);
        Assert.Equal(["kept"], after.Layers[0].Annotations.Keys);
    }

    [Fact]
    public async Task Copy_RewrittenDescriptors_KeepNothingOfTheOldBytes()
    {
        var before = new MemoryImage();
        var (small, other) = (ImageBytes.Layer(new Random(1), 100), ImageBytes.Layer(new Random(2), 5000));
        var (changes, stays) = (before.Add(ImageBytes.Gzip(small), MediaTypes.OciLayerGzip), before.Add(other, MediaTypes.OciLayerTar));
        var config = before.Add(ImageBytes.Config("amd64", [Digest.Of(small), Digest.Of(other)]), MediaTypes.OciConfig);
        var data = Convert.ToBase64String(before.Blobs[changes.Digest]);
        string With(Descriptor layer) => $$"""
            {{ManifestJson.Of(layer)[..^1]}},"data":"{{data}}","kept":{"a":1},"annotations":{"containerd.io/snapshot/nydus-blob":"true",
            "io.github.containers.zstd-chunked.manifest-checksum":"x","io.containers.estargz.uncompressed-size":"1","com.amazon.soci.ztoc":"x",
            "containerd.io/distribution.source.docker.io":"library/x","about":"the blob {{layer.Digest}}","org.opencontainers.image.title":"y"} }
            """;
        var image = before.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{ManifestJson.Of(config)}},"layers":[{{With(changes)}},{{With(stays)}}]}""")));
        before.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{ManifestJson.OfPlatform(image.Descriptor, "amd64")[..^1]}},"data":"{{Convert.ToBase64String(image.Bytes.Span)}}","urls":["https://x.example"]} ]}""")));

        var after = await CopyAsync(before, "none");

        Assert.DoesNotContain("\"data\"", Encoding.UTF8.GetString(after.Root!.Bytes.Span), StringComparison.Ordinal);
        Assert.Empty(after.Root.Manifests[0].Urls);
        var made = after.Manifests[after.Root.Manifests[0].Digest];
        Assert.Equal(["org.opencontainers.image.title"], made.Layers[0].Annotations.Keys);
        Assert.Equal(7, made.Layers[1].Annotations.Count);
        using var json = System.Text.Json.JsonDocument.Parse(made.Bytes);
        var layers = json.RootElement.GetProperty("layers");
        Assert.Equal((false, true), (layers[0].TryGetProperty("data", out _), layers[0].TryGetProperty("kept", out _)));
        Assert.Equal(data, layers[1].GetProperty("data").GetString());
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("none")]
    public async Task Copy_ZstdLayerOfDockersType_IsConverted(string compression)
    {
        var before = DockerZstd();
        var after = await CopyAsync(before, compression);

        Assert.Equal(LayerCompression.Parse(compression).MediaType, after.Root!.Layers[0].MediaType);
        Assert.Equal(Tars(before), Tars(after));
    }

    [Fact]
    public async Task Export_ZstdLayerOfDockersType_IsRead()
    {
        var image = DockerZstd();
        using var output = new MemoryStream();
        await Pail.Export.ImageExport.WriteAsync(image, image.Root!, output, default);
        Assert.True(output.Length > 10_000);
    }

    [Theory]
    [InlineData("application/vnd.oci.image.layer.v1.tar+gzip+encrypted")]
    [InlineData("application/vnd.oci.image.layer.v1.tar+xz")]
    [InlineData("application/vnd.docker.image.rootfs.diff.tar.bzip2")]
    public async Task Copy_LayerThatCantBeConverted_IsRefused(string type)
    {
        var image = new MemoryImage();
        var layer = image.Add(ImageBytes.Layer(new Random(1), 50), type);
        image.AddManifest(ImageBuilder.ManifestOf(image.Add(ImageBytes.Config("amd64", [layer.Digest]), MediaTypes.OciConfig), [layer]));

        var error = await Assert.ThrowsAnyAsync<PailException>(() => CopyAsync(image, "zstd"));

        Assert.Equal(Failure.BadInput, error.Failure);
        Assert.Contains(type, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copy_AttestationOfAPlatform_StillSaysWhose()
    {
        var image = MemoryImage.Index();
        var arm = image.Root!.Manifests[1];
        image.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{ManifestJson.OfPlatform(arm, "arm64")}},{{ManifestJson.Of(image.Root.Manifests[0])[..^1]}},"annotations":{"vnd.docker.reference.digest":"{{arm.Digest}}"} } ]}""")));

        var after = (await CopyAsync(image, "none")).Root!;

        Assert.Equal(after.Manifests[0].Digest.ToString(), after.Manifests[1].Annotations["vnd.docker.reference.digest"]);
        Assert.NotEqual(arm.Digest, after.Manifests[0].Digest);
    }

    [Theory]
    [InlineData("layer")]
    [InlineData("diffID")]
    [InlineData("damaged gzip")]
    [InlineData("fewer diffIDs")]
    public async Task Copy_LayerUnlikeWhatIsSaid_FailsAndNamesNothing(string lie)
    {
        var image = new MemoryImage();
        var tar = ImageBytes.Layer(new Random(1), 50_000);
        var bytes = ImageBytes.Gzip(tar);
        if (lie == "damaged gzip")
            bytes[bytes.Length / 2] ^= 1;
        var layer = image.Add(bytes, MediaTypes.OciLayerGzip);
        if (lie == "layer")
            bytes[^1] ^= 1;
        var config = image.Add(ImageBytes.Config("amd64", lie switch { "fewer diffIDs" => [], "diffID" => [Digest.Of([])], _ => [Digest.Of(tar)] }), MediaTypes.OciConfig);
        image.AddManifest(ImageBuilder.ManifestOf(config, [layer]));
        var sink = new MemoryImage();

        var error = await Assert.ThrowsAnyAsync<PailException>(() => ImageCopy.RunAsync(image, sink, new CopyOptions(Compression: LayerCompression.Parse("zstd")), NoProgress.Instance, default));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Null(sink.Root);
    }

    [Fact]
    public async Task Copy_LayerWithoutEnd_IsRefused()
    {
        var sink = new MemoryImage();

        var error = await Assert.ThrowsAnyAsync<PailException>(() => ImageCopy.RunAsync(MemoryImage.Bomb(), sink, new CopyOptions(Compression: LayerCompression.Parse("none")), NoProgress.Instance, default));

        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.Contains("its config says", error.Message, StringComparison.Ordinal);
        Assert.Empty(sink.Blobs);
    }

    [Fact]
    public async Task Copy_WhileLayersAreRead_SaysHowFarThatIs()
    {
        var image = MemoryImage.Plain(layers: 3);
        var progress = new ReadingProgress();

        await ImageCopy.RunAsync(image, new MemoryImage(), new CopyOptions(Compression: LayerCompression.Parse("zstd")), progress, default);

        // The source itself makes nothing; what compresses its layers does.
        Assert.Equal([true, false], progress.Readers.Select(reader => reader is not null));
        Assert.Equal(image.Root!.Layers.Sum(layer => layer.Size), progress.Readers[0]!());
    }

    [Fact]
    public async Task Spool_OnADiskNearlyFull_SaysSo()
    {
        using var spool = new Spool(reserve: long.MaxValue);

        var error = await Assert.ThrowsAnyAsync<PailException>(() => spool.Writer.WriteAsync(new byte[64 << 20], TestContext.Current.CancellationToken).AsTask());

        Assert.Equal((Failure.Unavailable, 0), (error.Failure, spool.Length));
        Assert.Contains("TMPDIR", error.Message, StringComparison.Ordinal);
    }

    private static async Task<MemoryImage> CopyAsync(MemoryImage image, string compression)
    {
        var sink = new MemoryImage();
        await ImageCopy.RunAsync(image, sink, new CopyOptions(Compression: LayerCompression.Parse(compression)), NoProgress.Instance, TestContext.Current.CancellationToken);
        return sink;
    }

    private static MemoryImage DockerZstd()
    {
        var image = MemoryImage.Zstd();
        image.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(
            Encoding.UTF8.GetString(image.Root!.Bytes.Span).Replace(MediaTypes.OciLayerZstd, MediaTypes.DockerLayerZstd, StringComparison.Ordinal))));
        return image;
    }

    private static List<Manifest> Images(MemoryImage image) => [.. Flatten(image, image.Root!)];

    private static IEnumerable<Manifest> Flatten(MemoryImage image, Manifest manifest) =>
        manifest.IsIndex ? manifest.Manifests.SelectMany(child => Flatten(image, image.Manifests[child.Digest])) : [manifest];

    private static List<Digest> Tars(MemoryImage image) => [.. Images(image).SelectMany(manifest => manifest.Layers).Select(layer =>
    {
        using var stream = LayerCompression.Decompress(new MemoryStream(image.Blobs[layer.Digest]), LayerCompression.KindOf(layer.MediaType)!.Value);
        using var tar = new MemoryStream();
        stream.CopyTo(tar);
        return Digest.Of(tar.ToArray());
    })];

    private sealed class ReadingProgress : ICopyProgress
    {
        public List<Func<long>?> Readers { get; } = [];

        public void Reading(Func<long>? bytesRead) => Readers.Add(bytesRead);

        public void Expect(IReadOnlyCollection<Descriptor> blobs)
        {
        }

        public IBlobProgress Begin(Descriptor blob) => NoProgress.Instance;
    }
}
