namespace Pail.Oci;

/// <summary>What one piece of content is: type, digest and size in bytes. Source: OCI image-spec, descriptor.md.</summary>
/// <param name="MediaType">The media type of the content.</param>
/// <param name="Digest">The digest of the content.</param>
/// <param name="Size">The size of the content in bytes, never negative.</param>
public sealed record Descriptor(string MediaType, Digest Digest, long Size)
{
    /// <summary>The platform an index names for this manifest, if any.</summary>
    public Platform? Platform { get; init; }

    /// <summary>The type of the artifact, if the descriptor names one.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>The annotations of the descriptor; empty if it has none.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = EmptyAnnotations;

    /// <summary>Addresses the content may be had from; a layer with any of them may be absent from a registry.</summary>
    public IReadOnlyList<string> Urls { get; init; } = [];

    /// <summary>The digest of the tar that a layer was compressed from, where that was seen here; never read from a manifest or config.</summary>
    public Digest? DiffId { get; init; }

    private static readonly Dictionary<string, string> EmptyAnnotations = [];
}
