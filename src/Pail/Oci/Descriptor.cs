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

/// <summary>What a manifest in an index runs on. Source: OCI image-spec, image-index.md, "platform".</summary>
/// <param name="Os">GOOS, such as <c>linux</c>.</param>
/// <param name="Architecture">GOARCH, such as <c>amd64</c>.</param>
/// <param name="Variant">The variant of the architecture, such as <c>v7</c>.</param>
/// <param name="OsVersion">The version of the system, used by Windows.</param>
public sealed record Platform(string Os, string Architecture, string? Variant = null, string? OsVersion = null)
{
    /// <summary>Reads <c>os/architecture[/variant]</c>.</summary>
    /// <exception cref="FormatException">It is not of that form.</exception>
    public static Platform Parse(string text)
    {
        var parts = text.Split('/');
        return parts.Length is 2 or 3 && parts.All(part => part.Length > 0)
            ? new(parts[0], parts[1], parts.Length == 3 ? parts[2] : null)
            : throw new FormatException($"'{SafeText.OneLine(text)}' is not a platform: os/architecture[/variant] is expected, such as linux/amd64.");
    }

    /// <summary>True if content for <paramref name="offered"/> runs where this platform is asked for.</summary>
    public bool Accepts(Platform offered) =>
        offered.Os == Os && offered.Architecture == Architecture
        && (Variant is null || offered.Variant == Variant || (offered.Variant is null && Architecture == "arm64" && Variant == "v8"));

    /// <summary>The platform as people write it: <c>os/architecture[/variant]</c>.</summary>
    public override string ToString() => Variant is null ? $"{Os}/{Architecture}" : $"{Os}/{Architecture}/{Variant}";
}
