using Pail.Oci;

namespace Pail.Buckets;

/// <summary>What a removal took away.</summary>
/// <param name="Manifest">The manifest, or the one that the tag named; null if its object was none by its size.</param>
/// <param name="Tags">The tags that went.</param>
internal sealed record RemovedManifest(Descriptor? Manifest, IReadOnlyList<string> Tags)
{
    /// <summary>The manifest that an object held.</summary>
    public static Descriptor? ManifestOf(SmallObject? found) =>
        found is null ? null : new(found.Info.ContentType, Layouts.BucketLayout.DigestOf(found.Info) ?? Digest.Of(found.Bytes.Span), found.Bytes.Length);
}
