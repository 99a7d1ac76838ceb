using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>Makes small valid images of random content.</summary>
internal static class RandomImage
{
    /// <summary>An image for one platform, with real layers and a config that agrees with them.</summary>
    public static MemoryImage Plain(int seed = 1, int layers = 2, DigestAlgorithm algorithm = DigestAlgorithm.Sha256)
    {
        var image = new MemoryImage();
        image.AddManifest(Platform(image, new Random(seed), layers, "amd64", algorithm));
        return image;
    }

    /// <summary>An index of several platforms.</summary>
    public static MemoryImage Index(int seed = 1, params ReadOnlySpan<string> architectures)
    {
        var image = new MemoryImage();
        var random = new Random(seed);
        var children = new List<(Manifest, string?)>();
        foreach (var architecture in architectures.IsEmpty ? ["amd64", "arm64"] : architectures)
            children.Add((Platform(image, random, children.Count + 1, architecture), architecture));
        image.AddManifest(IndexOf(image, children));
        return image;
    }

    /// <summary>An index that lists an index and an image.</summary>
    public static MemoryImage Nested(int seed = 1)
    {
        var image = new MemoryImage();
        var random = new Random(seed);
        var inner = image.AddManifest(IndexOf(image, [(Platform(image, random, 1, "amd64"), "amd64"), (Platform(image, random, 1, "arm64"), "arm64")]));
        image.AddManifest(IndexOf(image, [(inner, null), (Platform(image, random, 1, "riscv64"), "riscv64")]));
        return image;
    }

    /// <summary>An artifact that is no image: an empty config and one blob of a made-up type. Its manifest has odd white space, which must stay.</summary>
    public static MemoryImage Artifact(int seed = 1)
    {
        var image = new MemoryImage();
        var config = image.Add("{}"u8.ToArray(), MediaTypes.OciEmpty);
        var blob = image.Add(Bytes(new Random(seed), 4000), "application/vnd.example.thing");
        image.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes($$"""
            {  "schemaVersion": 2, "mediaType": "{{MediaTypes.OciManifest}}", "artifactType": "application/vnd.example.thing",
               "config": {{Json(config)}}, "layers": [ {{Json(blob)}} ],
               "annotations": {"org.example": "\u00e9"} }

            """)));
        return image;
    }

    /// <summary>An image of Docker's own types.</summary>
    public static MemoryImage DockerSchema2(int seed = 1)
    {
        var image = new MemoryImage();
        var tar = Layer(new Random(seed), 10_000);
        var layer = image.Add(Gzip(tar), "application/vnd.docker.image.rootfs.diff.tar.gzip");
        var config = image.Add(Config("amd64", [Digest.Of(tar)]), MediaTypes.DockerConfig);
        image.AddManifest(Manifest.Parse(Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.DockerManifest}}","config":{{Json(config)}},"layers":[{{Json(layer)}}]}""")));
        return image;
    }

    /// <summary>An image whose layer is compressed with zstd, or is at least of that format: one block as it is.</summary>
    public static MemoryImage Zstd(int seed = 1)
    {
        var image = new MemoryImage();
        var tar = Layer(new Random(seed), 10_000);
        // RFC 8878: the mark, a single segment with its size in four bytes, one last block that is not compressed.
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0xA0, .. BitConverter.GetBytes(tar.Length), .. BitConverter.GetBytes((tar.Length << 3) | 1).AsSpan(0, 3), .. tar];
        image.AddManifest(ImageManifest(image.Add(Config("amd64", [Digest.Of(tar)]), MediaTypes.OciConfig), [image.Add(frame, MediaTypes.OciLayerZstd)]));
        return image;
    }

    /// <summary>An image whose layer has a few kilobytes and unpacks to a little more than 1 GiB of zeros.</summary>
    public static MemoryImage Bomb()
    {
        var image = new MemoryImage();
        // RFC 8878: the mark, a window of 128 KiB, then blocks of one byte that comes 128 Ki times.
        byte[] frame = [0x28, 0xB5, 0x2F, 0xFD, 0, 7 << 3, .. Enumerable.Range(0, 8193).SelectMany(block => BitConverter.GetBytes((131072 << 3) | (1 << 1) | (block == 8192 ? 1 : 0)))];
        image.AddManifest(ImageManifest(image.Add(Config("amd64", [Digest.Of([])]), MediaTypes.OciConfig), [image.Add(frame, MediaTypes.OciLayerZstd)]));
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

    /// <summary>A tar with one file of random bytes.</summary>
    public static byte[] Layer(Random random, int size)
    {
        using var output = new MemoryStream();
        using (var tar = new TarWriter(output, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"file-{random.Next()}") { DataStream = new MemoryStream(Bytes(random, size)), ModificationTime = DateTimeOffset.UnixEpoch });
        return output.ToArray();
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
            gzip.Write(bytes);
        return output.ToArray();
    }

    public static byte[] Config(string architecture, IEnumerable<Digest> diffIds) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        architecture,
        os = "linux",
        config = new { User = "nobody", WorkingDir = "/" },
        rootfs = new { type = "layers", diff_ids = diffIds.Select(digest => digest.ToString()) },
        history = diffIds.Select(_ => new { created = DateTimeOffset.UnixEpoch, created_by = "test" }),
    });

    public static string Json(Descriptor descriptor, string? architecture = null) =>
        $$"""{"mediaType":"{{descriptor.MediaType}}","digest":"{{descriptor.Digest}}","size":{{descriptor.Size}}{{(architecture is null ? "" : $$""","platform":{"os":"linux","architecture":"{{architecture}}"}""")}}}""";

    public static Manifest ImageManifest(Descriptor config, IEnumerable<Descriptor> layers, DigestAlgorithm algorithm = DigestAlgorithm.Sha256) => Manifest.Parse(
        Encoding.UTF8.GetBytes($$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{Json(config)}},"layers":[{{string.Join(',', layers.Select(layer => Json(layer)))}}]}"""),
        MediaTypes.OciManifest,
        algorithm);

    public static byte[] Bytes(Random random, int size)
    {
        var bytes = new byte[size];
        random.NextBytes(bytes);
        return bytes;
    }

    private static Manifest Platform(MemoryImage image, Random random, int count, string architecture, DigestAlgorithm algorithm = DigestAlgorithm.Sha256)
    {
        var tars = Enumerable.Range(0, count).Select(_ => Layer(random, random.Next(1, 60_000))).ToList();
        var layers = tars.Select(tar => image.Add(Gzip(tar), MediaTypes.OciLayerGzip, algorithm)).ToList();
        var config = image.Add(Config(architecture, tars.Select(tar => Digest.Of(tar))), MediaTypes.OciConfig, algorithm);
        return image.AddManifest(ImageManifest(config, layers, algorithm));
    }

    private static Manifest IndexOf(MemoryImage image, IEnumerable<(Manifest Manifest, string? Architecture)> children) => Manifest.Parse(Encoding.UTF8.GetBytes(
        $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', children.Select(child => Json(child.Manifest.Descriptor, child.Architecture)))}}]}"""));
}
