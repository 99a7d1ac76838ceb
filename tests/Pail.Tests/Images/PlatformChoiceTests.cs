using Pail.Copy;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>Which image of an index is chosen for a platform.</summary>
public sealed class PlatformChoiceTests
{
    private static readonly string[] Architectures = ["amd64", "arm64", "s390x"];

    [Theory]
    [InlineData("linux/arm", "linux/arm/v5 linux/arm/v6 linux/arm/v7", 2)]
    [InlineData("linux/arm", "linux/arm/v8 linux/arm/v7", 1)]
    [InlineData("linux/arm", "linux/arm/v5 linux/arm/v6", 1)]
    [InlineData("linux/arm", "linux/arm/v8", 0)]
    [InlineData("linux/arm", "linux/arm/v6 linux/arm", 1)]
    [InlineData("linux/arm/v7", "linux/arm/v6", 0)]
    [InlineData("linux/arm/v7", "linux/arm/v5 linux/arm/v6", 1)]
    [InlineData("linux/arm/v7", "linux/arm/v8", null)]
    [InlineData("linux/arm/v6", "linux/arm/v7 linux/arm/v5", 1)]
    [InlineData("linux/arm/v6", "linux/arm/v7", null)]
    [InlineData("linux/amd64", "linux/amd64/v3 linux/amd64/v2 linux/amd64", 2)]
    [InlineData("linux/amd64", "linux/amd64/v3 linux/amd64/v2", 1)]
    [InlineData("linux/amd64/v3", "linux/amd64 linux/amd64/v2 linux/amd64/v4", 1)]
    [InlineData("linux/amd64/v1", "linux/amd64/v2 linux/amd64", 1)]
    [InlineData("linux/arm64", "linux/arm64/v9 linux/arm64/v8", 1)]
    [InlineData("linux/arm64/v8", "linux/arm linux/arm64", 1)]
    [InlineData("linux/x86_64", "linux/arm64 linux/amd64", 1)]
    [InlineData("linux/aarch64", "linux/amd64 linux/arm64/v8", 1)]
    [InlineData("linux/armhf", "linux/arm/v6 linux/arm/v7", 1)]
    [InlineData("linux/armel", "linux/arm/v5 linux/arm/v6", 1)]
    [InlineData("linux/i386", "linux/amd64 linux/386", 1)]
    [InlineData("linux/amd64", "linux/386 linux/x86_64", 1)]
    [InlineData("Linux/AMD64", "windows/amd64 linux/amd64", 1)]
    [InlineData("linux/riscv64", "linux/amd64", null)]
    public async Task Choose_OfSeveral_TakesTheBest(string asked, string offered, int? expected)
    {
        var platforms = offered.Split(' ').Select(Platform.Parse).ToList();
        var images = platforms.Select((_, seed) => MemoryImage.Plain(seed + 1)).ToList();
        var index = IndexOf([.. images.Zip(platforms).Select(pair => (pair.First, Entry(pair.First, pair.Second)))]);

        if (expected is null)
            Assert.Equal(Failure.NotFound, (await Assert.ThrowsAnyAsync<PailException>(() => PlatformChoice.ChooseAsync(index, index.Root!, Platform.Parse(asked), default))).Failure);
        else
            Assert.Equal(images[expected.Value].Root!.Digest, (await PlatformChoice.ChooseAsync(index, index.Root!, Platform.Parse(asked), default)).Digest);
    }

    [Theory]
    [InlineData("linux/arm64", 1)]
    [InlineData("linux/s390x", 2)]
    [InlineData("linux/amd64", 0)]
    [InlineData("linux/ppc64le", null)]
    public async Task Choose_EntriesWithoutPlatform_AreLookedUpInTheirConfigs(string asked, int? expected)
    {
        var images = Architectures.Select((architecture, seed) => Single(architecture, seed)).ToList();
        var artifact = MemoryImage.Artifact();
        var index = IndexOf([(artifact, Entry(artifact, null)), .. images.Select(image => (image, Entry(image, null)))]);

        if (expected is null)
            Assert.Contains("It has linux/amd64, linux/arm64, linux/s390x", (await Assert.ThrowsAnyAsync<PailException>(() => PlatformChoice.ChooseAsync(index, index.Root!, Platform.Parse(asked), default))).Message, StringComparison.Ordinal);
        else
            Assert.Equal(images[expected.Value].Root!.Digest, (await PlatformChoice.ChooseAsync(index, index.Root!, Platform.Parse(asked), default)).Digest);
    }

    // Stated in part, it is not stated.
    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"os":"","architecture":""}""")]
    [InlineData("""{"os":"linux"}""")]
    [InlineData("""{"os":"linux","architecture":null}""")]
    public async Task Choose_EntriesWithHalfAPlatform_AreLookedUpInTheirConfigs(string platform)
    {
        var images = Architectures.Select((architecture, seed) => Single(architecture, seed)).ToList();
        var index = IndexOf([.. images.Select(image => (image, $"{Entry(image, null).TrimEnd('}')},\"platform\":{platform}}}"))]);

        Assert.Equal(images[1].Root!.Digest, (await PlatformChoice.ChooseAsync(index, index.Root!, Platform.Parse("linux/arm64"), default)).Digest);
    }

    [Fact]
    public async Task Copy_OfTwoPlatforms_FindsEntriesWithoutThemToo()
    {
        var images = Architectures.Select((architecture, seed) => Single(architecture, seed)).ToList();
        var index = IndexOf([.. images.Select(image => (image, Entry(image, null)))]);

        var root = await PlatformChoice.ChooseAsync(index, index.Root!, new MemoryImage(), new CopyOptions([Platform.Parse("linux/s390x"), Platform.Parse("linux/amd64")]), default);

        Assert.Equal([images[0].Root!.Digest, images[2].Root!.Digest], root.Manifests.Select(entry => entry.Digest));
    }

    [Fact]
    public async Task Choose_WhatIsStatedExactly_ReadsNothingElse()
    {
        var stated = MemoryImage.Plain();
        var other = Single("arm64", 5);
        var index = IndexOf([(other, Entry(other, null)), (stated, Entry(stated, Platform.Parse("linux/amd64")))]);

        await PlatformChoice.ChooseAsync(index, index.Root!, Platform.Parse("linux/amd64"), default);

        Assert.Empty(index.Opened);
    }

    private static MemoryImage Single(string architecture, int seed)
    {
        var index = MemoryImage.Index(seed + 10, architecture);
        var image = new MemoryImage();
        foreach (var blob in index.Blobs.Values)
            image.Add(blob, "");
        image.AddManifest(index.Manifests[index.Root!.Manifests[0].Digest]);
        return image;
    }

    private static string Entry(MemoryImage image, Platform? platform) => ManifestJson.Of(image.Root!.Descriptor).TrimEnd('}') + (platform is null ? "}"
        : $",\"platform\":{{\"os\":\"{platform.Os}\",\"architecture\":\"{platform.Architecture}\"{(platform.Variant is null ? "" : $",\"variant\":\"{platform.Variant}\"")}}}}}");

    private static MemoryImage IndexOf(IReadOnlyList<(MemoryImage Image, string Entry)> children)
    {
        var index = new MemoryImage();
        foreach (var (image, _) in children)
        {
            foreach (var blob in image.Blobs.Values)
                index.Add(blob, "");
            index.AddManifest(image.Root!);
        }
        index.AddManifest(Manifest.Parse(ManifestJson.IndexOf(children.Select(child => child.Entry))));
        return index;
    }
}
