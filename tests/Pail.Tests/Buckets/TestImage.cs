using System.Security.Cryptography;
using System.Text;
using Pail.Images;
using Pail.Oci;

namespace Pail.Tests.Buckets;

/// <summary>An image in memory, as a source: made of any blobs, manifests and indexes a test needs.</summary>
internal sealed class TestImage : IImageSource
{
    private readonly Dictionary<Digest, byte[]> _blobs = [];
    private readonly Dictionary<Digest, Manifest> _manifests = [];

    public string Name => "test image";

    public Manifest Root { get; set; } = null!;

    public List<Digest> Opened { get; } = [];

    public Descriptor Blob(byte[] content, string mediaType = MediaTypes.OciLayerGzip, DigestAlgorithm algorithm = DigestAlgorithm.Sha256)
    {
        var digest = Digest.Of(content, algorithm);
        _blobs[digest] = content;
        return new(mediaType, digest, content.Length);
    }

    public Descriptor Random(int size) => Blob(RandomNumberGenerator.GetBytes(size));

    public void Corrupt(Digest digest, byte[] content) => _blobs[digest] = content;

    public Manifest Image(IReadOnlyList<Descriptor> layers, Descriptor? subject = null, string? artifactType = null, string? config = null)
    {
        var configBlob = Blob(Encoding.UTF8.GetBytes(config ?? $$$"""{"architecture":"amd64","os":"linux","nonce":"{{{Guid.NewGuid()}}}","rootfs":{"type":"layers","diff_ids":[]}}"""), MediaTypes.OciConfig);
        return Add($$"""
            {"schemaVersion":2,"mediaType":"{{MediaTypes.OciManifest}}"{{(artifactType is null ? "" : $",\"artifactType\":\"{artifactType}\"")}},"config":{{Json(configBlob)}},"layers":[{{string.Join(',', layers.Select(Json))}}]{{(subject is null ? "" : $",\"subject\":{Json(subject)}")}}}
            """);
    }

    public Manifest Index(params (Manifest Child, string? Platform)[] children) => Add($$"""
        {"schemaVersion":2,"mediaType":"{{MediaTypes.OciIndex}}","manifests":[{{string.Join(',', children.Select(child => Json(child.Child.Descriptor, child.Platform)))}}]}
        """);

    public Manifest Add(string json, string? mediaType = null)
    {
        var manifest = Manifest.Parse(Encoding.UTF8.GetBytes(json), mediaType);
        _manifests[manifest.Digest] = manifest;
        return Root = manifest;
    }

    public static TestImage Simple(int layers = 1, int size = 1000)
    {
        var image = new TestImage();
        image.Image([.. Enumerable.Range(0, layers).Select(_ => image.Random(size))]);
        return image;
    }

    public Task<Manifest> GetRootAsync(CancellationToken cancel) => Task.FromResult(Root);

    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => Task.FromResult(_manifests[descriptor.Digest]);

    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel)
    {
        lock (Opened)
            Opened.Add(blob.Digest);
        return Task.FromResult<Stream>(new MemoryStream(_blobs[blob.Digest]) { Position = offset });
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string Json(Descriptor d) => Json(d, null);

    private static string Json(Descriptor d, string? platform)
    {
        var parts = platform?.Split('/');
        var tail = parts is null ? "" : $$""","platform":{"os":"{{parts[0]}}","architecture":"{{parts[1]}}"} """;
        return $$"""{"mediaType":"{{d.MediaType}}","digest":"{{d.Digest}}","size":{{d.Size}}{{tail}}}""";
    }
}
