namespace Pail.Oci;

/// <summary>The media types of manifests, and those Pail writes. Source: OCI image-spec, media-types.md; Docker image manifest v2 schema 2.</summary>
internal static class MediaTypes
{
    /// <summary>An OCI image manifest.</summary>
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>An OCI image index.</summary>
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";

    /// <summary>A Docker schema 2 image manifest.</summary>
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

    /// <summary>A Docker schema 2 manifest list.</summary>
    public const string DockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json";

    /// <summary>An OCI image configuration.</summary>
    public const string OciConfig = "application/vnd.oci.image.config.v1+json";

    /// <summary>A Docker image configuration.</summary>
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";

    /// <summary>The empty JSON object <c>{}</c> that stands for a config nobody needs.</summary>
    public const string OciEmpty = "application/vnd.oci.empty.v1+json";

    /// <summary>An uncompressed layer.</summary>
    public const string OciLayerTar = "application/vnd.oci.image.layer.v1.tar";

    /// <summary>A layer compressed with gzip.</summary>
    public const string OciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";

    /// <summary>A layer compressed with zstd.</summary>
    public const string OciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";

    /// <summary>A Docker layer, uncompressed.</summary>
    public const string DockerLayerTar = "application/vnd.docker.image.rootfs.diff.tar";

    /// <summary>A Docker layer compressed with gzip.</summary>
    public const string DockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    /// <summary>A Docker layer compressed with zstd, as some builders type it.</summary>
    public const string DockerLayerZstd = "application/vnd.docker.image.rootfs.diff.tar.zstd";

    /// <summary>Bytes of no stated type: how blobs are served.</summary>
    public const string OctetStream = "application/octet-stream";

    /// <summary>JSON of no stated schema: tag lists and the catalog.</summary>
    public const string Json = "application/json";

    /// <summary>The four manifest types, as clients list them in Accept.</summary>
    public static readonly IReadOnlyList<string> Manifests = [OciManifest, OciIndex, DockerManifest, DockerManifestList];

    /// <summary>True for the config of an image that a container engine runs, of either family.</summary>
    public static bool IsImageConfig(string? mediaType) => mediaType is OciConfig or DockerConfig;

    /// <summary>True for the types of layers, of either family.</summary>
    public static bool IsLayer(string mediaType) =>
        mediaType.StartsWith("application/vnd.oci.image.layer.", StringComparison.Ordinal) || mediaType.StartsWith(DockerLayerTar, StringComparison.Ordinal);

    /// <summary>True for a layer that only its maker may give away, such as those of Windows: it may be absent from a registry.</summary>
    public static bool IsForeignLayer(string mediaType) =>
        mediaType.Contains(".nondistributable.", StringComparison.Ordinal) || mediaType.Contains(".foreign.", StringComparison.Ordinal);

    /// <summary>True for an index or a manifest list.</summary>
    public static bool IsIndex(string? mediaType) => mediaType is OciIndex or DockerManifestList;

    /// <summary>True for an image manifest of either family.</summary>
    public static bool IsImage(string? mediaType) => mediaType is OciManifest or DockerManifest;

    /// <summary>True for any of the four manifest types.</summary>
    public static bool IsManifest(string? mediaType) => IsIndex(mediaType) || IsImage(mediaType);

    /// <summary>
    /// True for the type of a manifest that Pail can't read, such as Docker's schema 1 or <c>application/vnd.oci.artifact.manifest.v1+json</c>:
    /// registries keep it among manifests, not among blobs.
    /// </summary>
    public static bool IsUnknownManifest(string mediaType) => !IsManifest(mediaType)
        && (mediaType.Contains(".manifest.", StringComparison.Ordinal) || mediaType.Contains(".index.", StringComparison.Ordinal))
        && (mediaType.EndsWith("json", StringComparison.Ordinal) || mediaType.EndsWith("+prettyjws", StringComparison.Ordinal));
}
