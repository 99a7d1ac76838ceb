using System.Text;
using Pail.Copy;
using Pail.Io;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>An index cut down to some of its platforms.</summary>
public sealed class PlatformIndexTests
{
    [Fact]
    public async Task Copy_OfSeveralPlatforms_HoldsJustThoseAndTheRestOfTheIndexAsItWas()
    {
        var (amd, arm, s390) = (MemoryImage.Plain(1), MemoryImage.Plain(2), MemoryImage.Plain(3));
        var index = IndexOf([(amd, Entry(amd, "linux", "amd64", """ "x-odd" : [1.50] """)), (arm, Entry(arm, "linux", "arm64")), (s390, Entry(s390, "linux", "s390x"))]);
        var (result, copy) = await CopyAsync(index, "linux/arm64", "linux/amd64");

        Assert.Equal(index.Root!.Digest, result.CutFrom);
        Assert.Equal([amd.Root!.Digest, arm.Root!.Digest], copy.Root!.Manifests.Select(entry => entry.Digest));
        var text = Encoding.UTF8.GetString(copy.Root.Bytes.Span);
        Assert.Contains("\"x-odd\" : [1.50]", text, StringComparison.Ordinal);
        Assert.Contains("\"annotations\":{\"org.example\":\"\\u00e9\"}", text, StringComparison.Ordinal);
        Assert.Equal(index.Root.MediaType, copy.Root.MediaType);
        Assert.DoesNotContain(s390.Root!.Digest, copy.Manifests.Keys);
        Assert.Equal(amd.Blobs.Keys.Concat(arm.Blobs.Keys).ToHashSet(), copy.Blobs.Keys.ToHashSet());

        var again = await ImageCopy.RunAsync(index, copy, Options("linux/amd64", "linux/arm64"), NoProgress.Instance, default);
        Assert.Equal((true, result.Root.Digest, index.Root.Digest), (again.Unchanged, again.Root.Digest, again.CutFrom));
    }

    [Fact]
    public async Task Copy_OfAllThereAre_KeepsTheIndex()
    {
        var index = MemoryImage.Index();
        var (result, copy) = await CopyAsync(index, "linux/amd64", "linux/arm64");
        Assert.Null(result.CutFrom);
        MemoryImage.AssertSame(index, copy);
    }

    [Fact]
    public async Task Copy_OfANestedIndex_TakesFromAllLevels()
    {
        var (_, copy) = await CopyAsync(MemoryImage.Nested(), "linux/arm64", "linux/riscv64");
        Assert.Equal(["linux/arm64", "linux/riscv64"], copy.Root!.Manifests.Select(entry => entry.Platform!.ToString()));
        Assert.Equal(3, copy.Manifests.Count);
    }

    [Fact]
    public async Task Copy_WithVariantsAndAttestations_KeepsAllThatMatchAndWhatIsAboutThem()
    {
        var images = Enumerable.Range(1, 6).Select(seed => MemoryImage.Plain(seed)).ToList();
        string About(MemoryImage attestation, MemoryImage image) => Entry(attestation, "unknown", "unknown", $$"""
            "annotations":{"vnd.docker.reference.type":"attestation-manifest","vnd.docker.reference.digest":"{{image.Root!.Digest}}"}
            """);
        var index = IndexOf([
            (images[0], Entry(images[0], "linux", "arm", variant: "v6")), (images[1], Entry(images[1], "linux", "arm", variant: "v7")), (images[2], Entry(images[2], "linux", "amd64")),
            (images[3], Entry(images[3], "linux", "386")), (images[4], About(images[4], images[2])), (images[5], About(images[5], images[3]))]);
        var (_, copy) = await CopyAsync(index, "linux/arm", "linux/amd64");
        Assert.Equal([images[0].Root!.Digest, images[1].Root!.Digest, images[2].Root!.Digest, images[4].Root!.Digest], copy.Root!.Manifests.Select(entry => entry.Digest));
    }

    [Fact]
    public async Task Copy_OfWhatIsNotThere_IsRefused()
    {
        Assert.Equal(Failure.NotFound, (await FailsAsync(MemoryImage.Index(), new MemoryImage())).Failure);
        Assert.Contains("one image", (await FailsAsync(MemoryImage.Plain(), new MemoryImage())).Message, StringComparison.Ordinal);
        Assert.Equal(Failure.BadInput, (await FailsAsync(MemoryImage.Index(), new MemoryImage { HoldsIndexes = false })).Failure);
    }

    private static async Task<PailException> FailsAsync(MemoryImage source, MemoryImage sink)
    {
        var error = await Assert.ThrowsAnyAsync<PailException>(() => ImageCopy.RunAsync(source, sink, Options("linux/amd64", "linux/s390x"), NoProgress.Instance, default));
        Assert.Null(sink.Root);
        return error;
    }

    private static async Task<(CopyResult Result, MemoryImage Copy)> CopyAsync(MemoryImage source, params string[] platforms)
    {
        var copy = new MemoryImage();
        return (await ImageCopy.RunAsync(source, copy, Options(platforms), NoProgress.Instance, default), copy);
    }

    private static CopyOptions Options(params string[] platforms) => new([.. platforms.Select(Platform.Parse)]);

    private static string Entry(MemoryImage image, string os, string architecture, string? more = null, string? variant = null) =>
        ManifestJson.Of(image.Root!.Descriptor).TrimEnd('}') + $",\"platform\":{{\"os\":\"{os}\",\"architecture\":\"{architecture}\"{(variant is null ? "" : $",\"variant\":\"{variant}\"")}}}{(more is null ? "" : "," + more)}}}";

    private static MemoryImage IndexOf(IReadOnlyList<(MemoryImage Image, string Entry)> children)
    {
        var index = new MemoryImage();
        foreach (var (image, _) in children)
        {
            foreach (var (digest, blob) in image.Blobs)
                index.Add(blob, "", digest.Algorithm);
            index.AddManifest(image.Root!);
        }
        index.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(", ", children.Select(child => child.Entry))}}],"annotations":{"org.example":"\u00e9"} }""")));
        return index;
    }
}
