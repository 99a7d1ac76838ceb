using Pail.Images;
using Pail.Io;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>An image held in memory: what a source gives and a sink takes.</summary>
internal sealed partial class MemoryImage : ImageBuilder, IImageSource, IImageSink
{
    private readonly Dictionary<Digest, byte[]> _blobs = [];
    private readonly Dictionary<Digest, Manifest> _manifests = [];
    private readonly Lock _lock = new();

    public string Name => "memory";

    public Manifest? Root { get; set; }

    public IReadOnlyDictionary<Digest, byte[]> Blobs => _blobs;

    public IReadOnlyDictionary<Digest, Manifest> Manifests => _manifests;

    /// <summary>How often a blob was opened, and where.</summary>
    public List<(Digest Digest, long Offset)> Opened { get; } = [];

    public override Descriptor Add(byte[] blob, string mediaType = MediaTypes.OciLayerGzip, DigestAlgorithm algorithm = DigestAlgorithm.Sha256)
    {
        var digest = Digest.Of(blob, algorithm);
        _blobs[digest] = blob;
        return new Descriptor(mediaType, digest, blob.Length);
    }

    public override Manifest AddManifest(Manifest manifest)
    {
        _manifests[manifest.Digest] = manifest;
        return Root = manifest;
    }

    /// <summary>Says other bytes under a digest than belong there.</summary>
    public void Spoil(Digest digest, byte[] bytes) => _blobs[digest] = bytes;

    public Task<Manifest> GetRootAsync(CancellationToken cancel) => Task.FromResult(Root!);

    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => Task.FromResult(_manifests[descriptor.Digest]);

    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel)
    {
        lock (_lock)
            Opened.Add((blob.Digest, offset));
        return Task.FromResult<Stream>(new MemoryStream(_blobs[blob.Digest][(int)offset..]));
    }

    public bool HoldsIndexes { get; init; } = true;

    SinkAbilities IImageSink.Abilities => new() { HoldsIndexes = HoldsIndexes };

    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => Task.FromResult(_manifests.ContainsKey(manifest.Digest));

    public Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) => Task.FromResult(Root?.Digest == root.Digest);

    public async Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        await using var stream = await open(0, cancel);
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy, cancel);
        Assert.Equal(blob.Digest, Digest.Of(copy.ToArray(), blob.Digest.Algorithm));
        Assert.Equal(blob.Size, copy.Length);
        lock (_lock)
            _blobs[blob.Digest] = copy.ToArray();
        return BlobOutcome.Sent;
    }

    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel)
    {
        lock (_lock)
            _manifests[manifest.Digest] = manifest;
        return Task.CompletedTask;
    }

    public Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        AddManifest(root);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Both hold the same manifests and blobs, byte for byte.</summary>
    public static void AssertSame(MemoryImage expected, MemoryImage actual)
    {
        Assert.Equal(expected.Root!.Digest, actual.Root!.Digest);
        Assert.Equal(expected.Root.MediaType, actual.Root.MediaType);
        Assert.Equal(expected.Manifests.Keys.Select(digest => digest.ToString()).Order(), actual.Manifests.Keys.Select(digest => digest.ToString()).Order());
        foreach (var (digest, manifest) in expected.Manifests)
            Assert.True(manifest.Bytes.Span.SequenceEqual(actual.Manifests[digest].Bytes.Span));
        Assert.Equal(expected.Blobs.Keys.Select(digest => digest.ToString()).Order(), actual.Blobs.Keys.Select(digest => digest.ToString()).Order());
        foreach (var (digest, blob) in expected.Blobs)
            Assert.Equal(blob, actual.Blobs[digest]);
    }
}
