using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pail.Oci;
using static Pail.Tests.Images.RandomImage;

namespace Pail.Tests.Kit;

/// <summary>Makes an OCI image layout on disk, without Pail's own code for that. Contents are new each time and can't be compressed.</summary>
internal sealed class TestLayout
{
    private readonly List<string> _tagged = [];

    public TestLayout(string folder)
    {
        Folder = folder;
        Directory.CreateDirectory(Path.Combine(folder, "blobs", "sha256"));
        File.WriteAllText(Path.Combine(folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
    }

    public string Folder { get; }

    /// <summary>What was tagged last.</summary>
    public Descriptor Root { get; private set; } = null!;

    /// <summary>The architecture of this machine, as images name it.</summary>
    public static string Architecture { get; } = RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    /// <summary>The address of what is tagged so.</summary>
    public string Address(string tag = "1") => $"oci:{Folder}:{tag}";

    /// <summary>An image of so many layers of so many bytes each.</summary>
    public Descriptor Image(int layers = 1, long bytes = 100_000, string? architecture = null) =>
        ImageOf([.. Enumerable.Range(0, layers).Select(_ => Layer(bytes))], architecture);

    /// <summary>An image of layers of these sizes.</summary>
    public Descriptor ImageOf(params long[] layers) => ImageOf([.. layers.Select(bytes => Layer(bytes))], null);

    /// <summary>An image that runs: busybox as its shell, and one more layer.</summary>
    public Descriptor Runnable() => ImageOf([Layer(10, "/bin/busybox"), Layer(1000)], null);

    /// <summary>An index that lists these.</summary>
    public Descriptor Index(params (Descriptor Manifest, string? Architecture)[] manifests) => Text(MediaTypes.OciIndex,
        $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', manifests.Select(item => Json(item.Manifest, item.Architecture)))}}]}""");

    /// <summary>An index of two platforms, this machine's being one.</summary>
    public Descriptor TwoPlatforms() => Index((Image(architecture: "amd64"), "amd64"), (Image(architecture: "arm64"), "arm64"));

    /// <summary>An artifact, of a subject or of none.</summary>
    public Descriptor Artifact(Descriptor? subject = null) => Text(MediaTypes.OciManifest,
        $$"""
        {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","artifactType":"application/vnd.example.thing",
        "config":{{Json(Blob(MediaTypes.OciEmpty, "{}"u8))}},"layers":[{{Json(Blob("text/plain", RandomNumberGenerator.GetBytes(1000)))}}]{{(subject is null ? "" : $",\"subject\":{Json(subject)}")}}}
        """);

    /// <summary>Tags a manifest, and writes the layout's index.</summary>
    public Descriptor Tag(Descriptor manifest, string tag = "1")
    {
        Root = manifest;
        _tagged.Add(Json(manifest)[..^1] + $$$""","annotations":{"org.opencontainers.image.ref.name":"{{{tag}}}"}}""");
        File.WriteAllText(Path.Combine(Folder, "index.json"),
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', _tagged)}}]}""");
        return manifest;
    }

    /// <summary>Writes a blob.</summary>
    public Descriptor Blob(string mediaType, ReadOnlySpan<byte> content)
    {
        var digest = Digest.Of(content);
        File.WriteAllBytes(PathOf(digest), content);
        return new Descriptor(mediaType, digest, content.Length);
    }

    /// <summary>Where a blob lies.</summary>
    public string PathOf(Digest digest) => Path.Combine(Folder, "blobs", "sha256", digest.Hex);

    /// <summary>The manifest with this digest.</summary>
    public Manifest Read(Descriptor manifest) => Manifest.Parse(File.ReadAllBytes(PathOf(manifest.Digest)), manifest);

    private Descriptor Text(string mediaType, string content) => Blob(mediaType, Encoding.UTF8.GetBytes(content));

    private Descriptor ImageOf((Descriptor Layer, Digest DiffId)[] layers, string? architecture)
    {
        var config = Blob(MediaTypes.OciConfig, JsonSerializer.SerializeToUtf8Bytes(new
        {
            architecture = architecture ?? Architecture,
            os = "linux",
            config = new { Cmd = (string[])["/bin/sh", "-c", "echo the whale swims"] },
            rootfs = new { type = "layers", diff_ids = layers.Select(layer => layer.DiffId.ToString()) },
            history = layers.Select(_ => new { created_by = "test" }),
        }));
        return Blob(MediaTypes.OciManifest, ImageManifest(config, layers.Select(layer => layer.Layer)).Bytes.Span);
    }

    // Noise does not get smaller, so the gzip around it only stores it.
    private (Descriptor Layer, Digest DiffId) Layer(long bytes, string? shell = null)
    {
        var (plain, packed) = (Path.Combine(Folder, "layer.tar"), Path.Combine(Folder, "layer.tar.gz"));
        using (var tar = new TarWriter(File.Create(plain)))
        {
            if (shell is not null)
                tar.WriteEntry(shell, "bin/sh");
            using var noise = Noise(bytes);
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, $"noise-{Guid.NewGuid():n}") { DataStream = noise });
        }
        using (var input = File.OpenRead(plain))
        using (var output = new GZipStream(File.Create(packed), CompressionLevel.NoCompression))
            input.CopyTo(output);
        var (diffId, _) = DigestOf(plain);
        var (digest, size) = DigestOf(packed);
        File.Delete(plain);
        File.Move(packed, PathOf(digest));
        return (new Descriptor(MediaTypes.OciLayerGzip, digest, size), diffId);
    }

    private FileStream Noise(long bytes)
    {
        var file = new FileStream(Path.Combine(Folder, "noise"), new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose });
        var buffer = new byte[1 << 20];
        for (var left = bytes; left > 0; left -= buffer.Length)
        {
            Random.Shared.NextBytes(buffer);
            file.Write(buffer, 0, (int)Math.Min(left, buffer.Length));
        }
        file.Position = 0;
        return file;
    }

    private static (Digest Digest, long Size) DigestOf(string path)
    {
        using var file = File.OpenRead(path);
        return (Digest.FromHash(DigestAlgorithm.Sha256, SHA256.HashData(file)), file.Length);
    }
}
