namespace Pail.Oci;

/// <summary>Limits of what is followed from one manifest, whichever walk follows it.</summary>
internal static class GraphLimits
{
    /// <summary>The deepest nesting of indexes, and of referrers that refer to referrers.</summary>
    public const int MaxDepth = 16;

    /// <summary>The most manifests of one image, its referrers included.</summary>
    public const int MaxManifests = 5000;

    /// <summary>The most bytes of these manifests together (256 MiB).</summary>
    public const long MaxBytes = 256 << 20;
}
