using Pail.Buckets.Layouts;
using Pail.Oci;

namespace Pail.Collect;

/// <summary>An object of the bucket that images consist of.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Modified">When it was written, by the store's clock.</param>
internal sealed record Node(string Key, KeyKind Kind, long Size, DateTimeOffset Modified)
{
    // Blobs, which most objects are, have none.
    private List<Node>? _keeps;
    private List<Node>? _parts;

    /// <summary>The repository it belongs to; null for one that all share.</summary>
    public RepositoryName? Repository { get; init; }

    /// <summary>What tells its version from others; kept for tags alone.</summary>
    public string Version { get; init; } = "";

    /// <summary>What is kept if this is, beside its parts: a tag's manifest, what refers to it.</summary>
    public IReadOnlyList<Node> Keeps => _keeps ?? [];

    /// <summary>The parts: what must be there while this is.</summary>
    public IReadOnlyList<Node> Parts => _parts ?? [];

    /// <summary>True once it was read, or was tried to.</summary>
    public bool IsRead { get; set; }

    /// <summary>True for a blob that is named as one, or that was read and is no manifest.</summary>
    public bool IsBlob { get; set; }

    /// <summary>True for an object of a pool that is named as a manifest.</summary>
    public bool IsExpected { get; set; }

    /// <summary>True if it was read as a manifest.</summary>
    public bool IsManifest { get; set; }

    /// <summary>True for a tag that belongs to a manifest, as the signatures of cosign do: it is kept because that is.</summary>
    public bool IsDependent { get; set; }

    /// <summary>What a tag names, whether or not that is there under its digest; null for a tag that can't be read.</summary>
    public Digest? Names { get; set; }

    /// <summary>The manifest that this one refers to, where it is there.</summary>
    public Node? Subject { get; set; }

    /// <summary>When retention dropped a tag that named this manifest, the last of them; null if none did.</summary>
    public DateTimeOffset? Dropped { get; set; }

    /// <summary>Adds to <see cref="Keeps"/>.</summary>
    public void Keep(Node node) => (_keeps ??= []).Add(node);

    /// <summary>Adds to <see cref="Parts"/>.</summary>
    public void AddPart(Node node) => (_parts ??= []).Add(node);

    public bool Equals(Node? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
}
