using Pail.Oci;

namespace Pail.Tests.Images;

/// <content>Small valid images of random content.</content>
internal sealed partial class MemoryImage
{
    /// <summary>An image for one platform, with real layers and a config that agrees with them.</summary>
    public static MemoryImage Plain(int seed = 1, int layers = 2, DigestAlgorithm algorithm = DigestAlgorithm.Sha256)
    {
        var image = new MemoryImage();
        image.AddPlatform(new Random(seed), layers, "amd64", algorithm);
        return image;
    }

    /// <summary>An index of several platforms.</summary>
    public static MemoryImage Index(int seed = 1, params ReadOnlySpan<string> architectures)
    {
        var image = new MemoryImage();
        var random = new Random(seed);
        var children = new List<(Descriptor, string?)>();
        foreach (var architecture in architectures.IsEmpty ? ["amd64", "arm64"] : architectures)
            children.Add((image.AddPlatform(random, children.Count + 1, architecture).Descriptor, architecture));
        image.AddIndex(children);
        return image;
    }

    /// <summary>An index that lists an index and an image.</summary>
    public static MemoryImage Nested(int seed = 1)
    {
        var image = new MemoryImage();
        var random = new Random(seed);
        var inner = image.AddIndex((image.AddPlatform(random, 1, "amd64").Descriptor, "amd64"), (image.AddPlatform(random, 1, "arm64").Descriptor, "arm64"));
        image.AddIndex((inner.Descriptor, null), (image.AddPlatform(random, 1, "riscv64").Descriptor, "riscv64"));
        return image;
    }

    /// <summary>An artifact that is no image: an empty config and one blob of a made-up type. Its manifest has odd white space, which must stay.</summary>
    public static MemoryImage Artifact(int seed = 1)
    {
        var image = new MemoryImage();
        var config = image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty);
        var blob = image.Add(ImageBytes.Bytes(new Random(seed), 4000), "application/vnd.example.thing");
        image.AddManifest($$"""
            {  "schemaVersion": 2, "mediaType": "{{MediaTypes.OciManifest}}", "artifactType": "application/vnd.example.thing",
               "config": {{ManifestJson.Of(config)}}, "layers": [ {{ManifestJson.Of(blob)}} ],
               "annotations": {"org.example": "\u00e9"} }

            """);
        return image;
    }

    /// <summary>An image of Docker's own types.</summary>
    public static MemoryImage DockerSchema2(int seed = 1)
    {
        var image = new MemoryImage();
        var tar = ImageBytes.Layer(new Random(seed), 10_000);
        var layer = image.Add(ImageBytes.Gzip(tar), "application/vnd.docker.image.rootfs.diff.tar.gzip");
        var config = image.Add(ImageBytes.Config("amd64", [Digest.Of(tar)]), MediaTypes.DockerConfig);
        image.AddManifest(Manifest.Parse(ManifestJson.Image(config, [layer], type: MediaTypes.DockerManifest)));
        return image;
    }

    /// <summary>Layers of random bytes that are no tars, and a config: another image each time.</summary>
    public static MemoryImage Simple(int layers = 1, int size = 1000)
    {
        var image = new MemoryImage();
        image.AddImage([.. Enumerable.Range(0, layers).Select(_ => image.AddRandom(size))]);
        return image;
    }

    /// <summary>An image whose layer is compressed with zstd, or is at least of that format: one block as it is.</summary>
    public static MemoryImage Zstd(int seed = 1)
    {
        var image = new MemoryImage();
        var tar = ImageBytes.Layer(new Random(seed), 10_000);
        // RFC 8878: the mark, a single segment with its size in four bytes, one last block that is not compressed.
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0xA0, .. BitConverter.GetBytes(tar.Length), .. BitConverter.GetBytes((tar.Length << 3) | 1).AsSpan(0, 3), .. tar];
        image.AddManifest(ManifestOf(image.Add(ImageBytes.Config("amd64", [Digest.Of(tar)]), MediaTypes.OciConfig), [image.Add(frame, MediaTypes.OciLayerZstd)]));
        return image;
    }

    /// <summary>An image whose layer has a few kilobytes and unpacks to a little more than 1 GiB of zeros.</summary>
    public static MemoryImage Bomb()
    {
        var image = new MemoryImage();
        // RFC 8878: the mark, a window of 128 KiB, then blocks of one byte that comes 128 Ki times.
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0, 7 << 3, .. Enumerable.Range(0, 8193).SelectMany(block => BitConverter.GetBytes((131072 << 3) | (1 << 1) | (block == 8192 ? 1 : 0)))];
        image.AddManifest(ManifestOf(image.Add(ImageBytes.Config("amd64", [Digest.Of([])]), MediaTypes.OciConfig), [image.Add(frame, MediaTypes.OciLayerZstd)]));
        return image;
    }

    /// <summary>Every kind there is, for tests that take each in turn.</summary>
    public static MemoryImage Of(string kind, int seed = 1) => kind switch
    {
        "plain" => Plain(seed),
        "twelve layers" => Plain(seed, layers: 12),
        "no layers" => Plain(seed, layers: 0),
        "sha512" => Plain(seed, algorithm: DigestAlgorithm.Sha512),
        "index" => Index(seed),
        "nested" => Nested(seed),
        "artifact" => Artifact(seed),
        "schema 2" => DockerSchema2(seed),
        "zstd" => Zstd(seed),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>The kinds of <see cref="Of"/>.</summary>
    public static readonly TheoryData<string> Kinds = ["plain", "twelve layers", "no layers", "sha512", "index", "nested", "artifact", "schema 2", "zstd"];
}
