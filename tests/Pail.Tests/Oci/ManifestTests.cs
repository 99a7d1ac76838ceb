using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Pail.Oci;

namespace Pail.Tests.Oci;

public sealed class ManifestTests
{
    private const string Zero = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    private const string One = "sha256:1111111111111111111111111111111111111111111111111111111111111111";

    private const string Image = $$"""
        {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","artifactType":"x/y",
         "config":{"mediaType":"{{MediaTypes.OciConfig}}","digest":"{{Zero}}","size":2},
         "layers":[{"mediaType":"{{MediaTypes.OciLayerGzip}}","digest":"{{One}}","size":3},
                   {"mediaType":"{{MediaTypes.OciLayerGzip}}","digest":"{{One}}","size":3},
                   {"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"{{Zero}}","size":9,"urls":["https://example.com/x"] } ],
         "subject":{"mediaType":"{{MediaTypes.OciManifest}}","digest":"{{One}}","size":7},
         "annotations":{"a":"b"},"unknown":{"kept":true} }
        """;

    [Fact]
    public void Parse_Image_ShowsItsParts()
    {
        var bytes = Encoding.UTF8.GetBytes(Image);
        var manifest = Manifest.Parse(bytes);
        Assert.False(manifest.IsIndex);
        Assert.Equal(MediaTypes.OciManifest, manifest.MediaType);
        Assert.Equal(Digest.Of(bytes), manifest.Digest);
        Assert.Equal(bytes.Length, manifest.Size);
        Assert.True(manifest.Bytes.Span.SequenceEqual(bytes));
        Assert.Equal(Zero, manifest.Config?.Digest.ToString());
        Assert.Equal([3, 3, 9], manifest.Layers.Select(layer => layer.Size));
        Assert.Equal(7, manifest.Subject?.Size);
        Assert.Equal("x/y", manifest.ArtifactType);
        Assert.Equal("b", manifest.Annotations["a"]);
    }

    [Fact]
    public void Blobs_RepeatedAndForeignLayers_AreLeftOut() =>
        Assert.Equal([Zero, One], Manifest.Parse(Encoding.UTF8.GetBytes(Image)).Blobs.Select(blob => blob.Digest.ToString()));

    [Fact]
    public void Parse_Index_ListsManifestsWithPlatforms()
    {
        var index = Parse($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[
              {"mediaType":"{{MediaTypes.OciManifest}}","digest":"{{One}}","size":3,"platform":{"os":"linux","architecture":"arm","variant":"v7"} },
              {"mediaType":"{{MediaTypes.OciManifest}}","digest":"{{Zero}}","size":3} ] }
            """);
        Assert.True(index.IsIndex);
        Assert.Empty(index.Blobs);
        Assert.Equal(["linux/arm/v7", null], index.Manifests.Select(child => child.Platform?.ToString()));
    }

    [Theory]
    [InlineData("""{"manifests":[]}""", null, MediaTypes.OciIndex)]
    [InlineData("""{"manifests":[]}""", MediaTypes.DockerManifestList, MediaTypes.DockerManifestList)]
    [InlineData("""{"manifests":[]}""", "application/vnd.oci.image.index.v1+json; charset=utf-8", MediaTypes.OciIndex)]
    [InlineData("""{"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json"}""", "application/octet-stream", MediaTypes.DockerManifestList)]
    public void Parse_TypeStatedOrShown_IsFound(string json, string? stated, string type) =>
        Assert.Equal(type, Manifest.Parse(Encoding.UTF8.GetBytes(json), stated).MediaType);

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"schemaVersion":1,"manifests":[]}""")]
    [InlineData("""{"schemaVersion":"2","manifests":[]}""")]
    [InlineData("""{"mediaType":7}""")]
    [InlineData("""{"mediaType":"text/html"}""")]
    [InlineData("""{"mediaType":"\ud800"}""")]
    [InlineData("""{"manifests":{}}""")]
    [InlineData("""{"manifests":[1]}""")]
    [InlineData("""{"manifests":[{"mediaType":"a","size":1}]}""")]
    [InlineData($$"""{"manifests":[{"mediaType":"a","digest":"{{One}}"}]}""")]
    [InlineData($$"""{"manifests":[{"mediaType":"a","digest":"{{One}}","size":-1}]}""")]
    [InlineData($$"""{"manifests":[{"mediaType":"a","digest":"{{One}}","size":1.5}]}""")]
    [InlineData($$"""{"manifests":[{"digest":"{{One}}","size":1}]}""")]
    [InlineData("""{"manifests":[{"mediaType":"a","digest":"md5:0","size":1}]}""")]
    [InlineData("""{"manifests":[],"annotations":{"\ud800":"x"}}""")]
    [InlineData($$"""{"layers":[{"mediaType":"a","digest":"{{One}}","size":1}]}""")]
    [InlineData($$"""{"config":{"digest":"{{One}}","size":1},"layers":[]}""")]
    public void Parse_NoManifest_IsBadContentOnOneLine(string json) => AssertBad(Encoding.UTF8.GetBytes(json));

    [Fact]
    public void Parse_TypeThatContradictsTheContent_IsBadContent()
    {
        var error = Assert.Throws<PailException>(() => Manifest.Parse(Encoding.UTF8.GetBytes(Image), MediaTypes.DockerManifest));
        Assert.Equal(Failure.BadContent, error.Failure);
    }

    // CVE-2021-41190: what is a manifest to one client and an index to another.
    [Theory]
    [InlineData($$"""{"manifests":[],"layers":[]}""")]
    [InlineData($$"""{"manifests":[{"mediaType":"a/b","digest":"{{One}}","size":1}],"config":{"mediaType":"a/b","digest":"{{One}}","size":1},"layers":[]}""")]
    [InlineData($$"""{"manifests":[],"config":{} }""")]
    [InlineData($$"""{"manifests":[],"config":1}""")]
    [InlineData($$"""{"manifests":[],"Layers":[]}""")]
    [InlineData($$"""{"config":{"mediaType":"a/b","digest":"{{One}}","size":1},"layers":[],"Manifests":[]}""")]
    [InlineData($$"""{"config":{"mediaType":"a/b","digest":"{{One}}","size":1},"layers":[],"fsLayers":[]}""")]
    public void Parse_ImageAndIndexInOne_IsRefusedAsEveryType(string json)
    {
        foreach (var type in (string?[])[null, "text/plain", .. MediaTypes.Manifests])
            foreach (var own in (string?[])[null, .. MediaTypes.Manifests])
            {
                var bytes = Encoding.UTF8.GetBytes(own is null ? json : $$"""{"mediaType":"{{own}}",{{json[1..]}}""");
                Assert.Equal(Failure.BadContent, Assert.Throws<PailException>(() => Manifest.Parse(bytes, type)).Failure);
                if (type is not null)
                    Assert.Equal(Failure.BadContent, Assert.Throws<PailException>(() => Manifest.Parse(bytes, new Descriptor(type, Digest.Of(bytes), bytes.Length))).Failure);
            }
    }

    [Theory]
    [InlineData($$"""{"manifests":[],"layers":null,"config":null}""", MediaTypes.OciIndex)]
    [InlineData($$"""{"config":{"mediaType":"a/b","digest":"{{One}}","size":1},"layers":[],"manifests":null}""", MediaTypes.OciManifest)]
    [InlineData($$"""{"config":{"mediaType":"a/b","digest":"{{One}}","size":1},"layers":[{"digest":"{{One}}","size":1}]}""", MediaTypes.OciManifest)]
    public void Parse_NullWhereAnotherKindHasFields_AndLayersWithoutType_AreTaken(string json, string type) => Assert.Equal(type, Parse(json).MediaType);

    [Fact]
    public void Parse_MoreThanFourMiB_IsBadContent()
    {
        var json = """{"manifests":[],"pad":""" + "\"" + new string('x', Manifest.MaxSize) + "\"}";
        AssertBad(Encoding.UTF8.GetBytes(json));
    }

    [Fact]
    public void Parse_DeeplyNested_IsBadContent() =>
        AssertBad(Encoding.UTF8.GetBytes("""{"manifests":[],"x":""" + new string('[', 100_000) + new string(']', 100_000) + "}"));

    [Fact]
    public void Parse_OtherThanDescribed_IsBadContent()
    {
        var bytes = Encoding.UTF8.GetBytes(Image);
        var right = Manifest.Parse(bytes).Descriptor;
        Assert.Equal(right.Digest, Manifest.Parse(bytes, right).Digest);
        Assert.Throws<PailException>(() => Manifest.Parse(bytes, right with { Size = right.Size + 1 }));
        Assert.Throws<PailException>(() => Manifest.Parse(bytes, right with { Digest = Digest.Parse(One) }));
    }

    [Fact]
    public void Parse_ImageWithAByteChanged_IsReadOrBadContent() => Prop.ForAll(Gen.Choose(0, Image.Length - 1).ToArbitrary(), Gen.Choose(0, 255).ToArbitrary(), (at, value) =>
    {
        var bytes = Encoding.UTF8.GetBytes(Image);
        bytes[at] = (byte)value;
        try
        {
            return Manifest.Parse(bytes).Digest == Digest.Of(bytes);
        }
        catch (PailException e)
        {
            return e.Failure == Failure.BadContent && !e.Message.Any(char.IsControl);
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    private static Manifest Parse(string json) => Manifest.Parse(Encoding.UTF8.GetBytes(json));

    private static void AssertBad(byte[] bytes)
    {
        var error = Assert.Throws<PailException>(() => Manifest.Parse(bytes));
        Assert.Equal(Failure.BadContent, error.Failure);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }
}
