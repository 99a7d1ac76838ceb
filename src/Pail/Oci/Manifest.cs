namespace Pail.Oci;

/// <summary>
/// A manifest or index: the bytes are the truth and are never written anew; the rest is a view of them.
/// Source: OCI image-spec, manifest.md and image-index.md; Docker image manifest v2 schema 2.
/// </summary>
public sealed class Manifest
{
    /// <summary>The largest manifest taken, in bytes (4 MiB). Source: OCI distribution-spec, "Pushing manifests".</summary>
    public const int MaxSize = 4 << 20;

    private Manifest(ReadOnlyMemory<byte> bytes, string mediaType, Digest digest) => (Bytes, MediaType, Digest) = (bytes, mediaType, digest);

    /// <summary>The bytes, exactly as they came.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>One of <see cref="MediaTypes.Manifests"/>.</summary>
    public string MediaType { get; }

    /// <summary>The digest of the bytes.</summary>
    public Digest Digest { get; }

    /// <summary>The size in bytes.</summary>
    public long Size => Bytes.Length;

    /// <summary>True if it lists manifests, false if it names config and layers.</summary>
    public bool IsIndex => MediaTypes.IsIndex(MediaType);

    /// <summary>The config of an image manifest; null in an index.</summary>
    public Descriptor? Config { get; private init; }

    /// <summary>The layers of an image manifest, in order; empty in an index. The type of one that states none is empty.</summary>
    public IReadOnlyList<Descriptor> Layers { get; private init; } = [];

    /// <summary>The manifests an index lists; empty in an image manifest.</summary>
    public IReadOnlyList<Descriptor> Manifests { get; private init; } = [];

    /// <summary>The manifest this one refers to, if any.</summary>
    public Descriptor? Subject { get; private init; }

    /// <summary>The type of the artifact as the manifest states it.</summary>
    public string? ArtifactType { get; private init; }

    /// <summary>The annotations; empty if there are none.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; private init; } = new Dictionary<string, string>();

    /// <summary>This manifest's own descriptor.</summary>
    public Descriptor Descriptor => new(MediaType, Digest, Size);

    /// <summary>Returns the entries of an index that are manifests, each digest once.</summary>
    public IEnumerable<Descriptor> Children => Manifests.Where(entry => MediaTypes.IsManifest(entry.MediaType)).DistinctBy(entry => entry.Digest);

    /// <summary>
    /// Returns the blobs that a registry has to hold, each digest once: config and layers, and the entries of an index that are
    /// no manifests, as in BuildKit's cache. Those with addresses elsewhere (non-distributable) are left out.
    /// </summary>
    public IEnumerable<Descriptor> Blobs => (Config is null ? [] : new[] { Config })
        .Concat(Layers)
        .Concat(Manifests.Where(entry => !MediaTypes.IsManifest(entry.MediaType) && !MediaTypes.IsUnknownManifest(entry.MediaType)))
        .Where(blob => blob.Urls.Count == 0)
        .DistinctBy(blob => blob.Digest);

    /// <summary>Returns the blobs that a registry need not hold, each digest once: those with addresses elsewhere, such as Windows' base layers.</summary>
    public IEnumerable<Descriptor> ForeignBlobs => Layers.Where(blob => blob.Urls.Count > 0).DistinctBy(blob => blob.Digest);

    /// <summary>Reads a manifest.</summary>
    /// <param name="bytes">The bytes; kept, not copied.</param>
    /// <param name="mediaType">The type it came with, if any; parameters are ignored. What the manifest says of itself must agree.</param>
    /// <param name="algorithm">Which digest it is known by.</param>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: too large, not JSON, or not a manifest Pail knows.</exception>
    public static Manifest Parse(ReadOnlyMemory<byte> bytes, string? mediaType = null, DigestAlgorithm algorithm = DigestAlgorithm.Sha256) => Parse(bytes, mediaType, algorithm, isProven: false);

    private static Manifest Parse(ReadOnlyMemory<byte> bytes, string? mediaType, DigestAlgorithm algorithm, bool isProven)
    {
        var digest = Digest.Of(bytes.Span, algorithm);
        if (bytes.Length > MaxSize)
            throw Bad(digest, $"it has {bytes.Length} bytes, and at most {MaxSize} are taken");
        try
        {
            using var document = JsonText.Parse(bytes);
            var reader = new ManifestReader(document.RootElement);
            var type = reader.MediaType(mediaType, isProven);
            var index = MediaTypes.IsIndex(type);
            return new Manifest(bytes, type, digest)
            {
                Config = index ? null : reader.Required("config"),
                Layers = index ? [] : reader.List("layers", untyped: true),
                Manifests = index ? reader.List("manifests") : [],
                Subject = reader.Optional("subject"),
                ArtifactType = reader.Text("artifactType"),
                Annotations = reader.Annotations(),
            };
        }
        catch (Exception e) when (JsonText.IsFault(e))
        {
            throw Bad(digest, JsonText.Why(e), e);
        }
    }

    /// <summary>Reads a manifest that must be the one described: same digest, same size. The type it states itself is proven by the digest, and counts more than the descriptor's.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is another, or none Pail knows.</exception>
    public static Manifest Parse(ReadOnlyMemory<byte> bytes, Descriptor expected)
    {
        var actual = Digest.Of(bytes.Span, expected.Digest.Algorithm);
        if (actual != expected.Digest || bytes.Length != expected.Size)
            throw new PailException(Failure.BadContent, $"manifest {expected.Digest} should have {expected.Size} bytes; what came has {bytes.Length} and the digest {actual}.");
        return Parse(bytes, expected.MediaType, expected.Digest.Algorithm, isProven: true);
    }

    private static PailException Bad(Digest digest, string why, Exception? inner = null) =>
        new(Failure.BadContent, $"manifest {digest} can't be used: {why}.", inner);
}
