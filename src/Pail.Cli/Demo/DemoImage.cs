using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using Pail.Images;
using Pail.Oci;

namespace Pail.Cli.Demo;

/// <summary>A real image, made in memory: one layer with one program, the same bytes on every run.</summary>
internal sealed class DemoImage : IImageSource
{
    private readonly Dictionary<Digest, byte[]> _blobs = [];

    public DemoImage(string architecture)
    {
        Architecture = architecture;
        Program = HelloProgram.Build(architecture, "Hello from a bucket! No registry server was asked.");
        var tar = Tar(Program);
        var layer = Keep(MediaTypes.OciLayerGzip, Gzip(tar));
        var config = Keep(MediaTypes.OciConfig, Encoding.UTF8.GetBytes(
            $$$"""{"architecture":"{{{architecture}}}","os":"linux","config":{"Cmd":["/hello"]},"rootfs":{"type":"layers","diff_ids":["{{{Digest.Of(tar)}}}"]}}"""));
        Manifest = Manifest.Parse(Encoding.UTF8.GetBytes(
            $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}","config":{{Json(config)}},"layers":[{{Json(layer)}}]}"""));
    }

    public string Name => "the demo image";

    /// <summary>GOARCH of the program.</summary>
    public string Architecture { get; }

    /// <summary>The program.</summary>
    public byte[] Program { get; }

    public Manifest Manifest { get; }

    public Task<Manifest> GetRootAsync(CancellationToken cancel) => Task.FromResult(Manifest);

    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => throw new PailException(Failure.NotFound, $"{Name} has one manifest.");

    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) =>
        Task.FromResult<Stream>(new MemoryStream(_blobs[blob.Digest], (int)offset, (int)(blob.Size - offset), writable: false));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static byte[] Tar(byte[] program)
    {
        using var bytes = new MemoryStream();
        using (var tar = new TarWriter(bytes, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "hello")
            {
                Mode = (UnixFileMode)0b111_101_101,
                ModificationTime = DateTimeOffset.UnixEpoch,
                DataStream = new MemoryStream(program),
            });
        return bytes.ToArray();
    }

    private static byte[] Gzip(byte[] content)
    {
        using var bytes = new MemoryStream();
        using (var gzip = new GZipStream(bytes, CompressionLevel.SmallestSize))
            gzip.Write(content);
        return bytes.ToArray();
    }

    private Descriptor Keep(string mediaType, byte[] bytes)
    {
        var blob = new Descriptor(mediaType, Digest.Of(bytes), bytes.Length);
        _blobs[blob.Digest] = bytes;
        return blob;
    }

    private static string Json(Descriptor blob) => $$"""{"mediaType":"{{blob.MediaType}}","digest":"{{blob.Digest}}","size":{{blob.Size}}}""";
}
