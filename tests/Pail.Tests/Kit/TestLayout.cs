using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using Pail.Oci;
using Pail.Tests.Images;

namespace Pail.Tests.Kit;

/// <summary>Makes an OCI image layout on disk, without Pail's own code for that. Contents are new each time and can't be compressed.</summary>
internal sealed class TestLayout : ImageBuilder
{
    private readonly List<string> _tagged = [];
    private (Descriptor Layer, Digest DiffId)[] _layers = [];

    public TestLayout(string folder)
    {
        Folder = folder;
        Directory.CreateDirectory(Path.Combine(folder, "blobs", "sha256"));
        File.WriteAllText(Path.Combine(folder, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
    }

    public string Folder { get; }

    /// <summary>What was tagged last.</summary>
    public Descriptor Root { get; private set; } = null!;

    /// <summary>The address of what is tagged so.</summary>
    public string Address(string tag = "1") => $"oci:{Folder}:{tag}";

    /// <summary>An image of so many layers of so many bytes each.</summary>
    public Descriptor Image(int layers = 1, long bytes = 100_000, string? architecture = null) =>
        ImageOf([.. Enumerable.Range(0, layers).Select(_ => Layer(bytes))], architecture);

    /// <summary>An image of layers of these sizes.</summary>
    public Descriptor ImageOf(params long[] layers) => ImageOf([.. layers.Select(bytes => Layer(bytes))], null);

    /// <summary>A layout with an image of its own: the layers of the last one made here, and one more of so many bytes.</summary>
    public TestLayout Grown(string folder, long bytes)
    {
        var grown = new TestLayout(folder);
        foreach (var (layer, _) in _layers)
            File.Copy(PathOf(layer.Digest), grown.PathOf(layer.Digest));
        grown.Tag(grown.ImageOf([.. _layers, grown.Layer(bytes)], null));
        return grown;
    }

    /// <summary>An image that runs: busybox as its shell, and one more layer.</summary>
    public Descriptor Runnable() => ImageOf([Layer(10, "/bin/busybox"), Layer(1000)], null);

    /// <summary>An index of two platforms, this machine's being one.</summary>
    public Descriptor TwoPlatforms() => AddIndex((Image(architecture: "amd64"), "amd64"), (Image(architecture: "arm64"), "arm64")).Descriptor;

    /// <summary>An artifact, of a subject or of none.</summary>
    public Descriptor Artifact(Descriptor? subject = null) =>
        AddImage([AddRandom(1000, "text/plain")], subject, "application/vnd.example.thing", Add("{}"u8.ToArray(), MediaTypes.OciEmpty)).Descriptor;

    /// <summary>Tags a manifest, and writes the layout's index.</summary>
    public Descriptor Tag(Descriptor manifest, string tag = "1")
    {
        Root = manifest;
        _tagged.Add(ManifestJson.Of(manifest, $$$""","annotations":{"org.opencontainers.image.ref.name":"{{{tag}}}"}"""));
        File.WriteAllBytes(Path.Combine(Folder, "index.json"), ManifestJson.IndexOf(_tagged));
        return manifest;
    }

    /// <inheritdoc/>
    public override Descriptor Add(byte[] blob, string mediaType = MediaTypes.OciLayerGzip, DigestAlgorithm algorithm = DigestAlgorithm.Sha256)
    {
        var digest = Digest.Of(blob, algorithm);
        File.WriteAllBytes(PathOf(digest), blob);
        return new Descriptor(mediaType, digest, blob.Length);
    }

    /// <inheritdoc/>
    public override Manifest AddManifest(Manifest manifest)
    {
        File.WriteAllBytes(PathOf(manifest.Digest), manifest.Bytes.Span);
        return manifest;
    }

    /// <summary>Where a blob lies.</summary>
    public string PathOf(Digest digest) => Path.Combine(Folder, "blobs", digest.AlgorithmName, digest.Hex);

    /// <summary>The manifest with this digest.</summary>
    public Manifest Read(Descriptor manifest) => Manifest.Parse(File.ReadAllBytes(PathOf(manifest.Digest)), manifest);

    private Descriptor ImageOf((Descriptor Layer, Digest DiffId)[] layers, string? architecture)
    {
        _layers = layers;
        return AddImage(
            layers.Select(layer => layer.Layer),
            config: Add(ImageBytes.Config(architecture ?? ImageBytes.Architecture, layers.Select(layer => layer.DiffId)), MediaTypes.OciConfig)).Descriptor;
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
