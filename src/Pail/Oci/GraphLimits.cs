namespace Pail.Oci;

/// <summary>How far the manifests of one image are followed, whichever walk follows them.</summary>
public static class GraphLimits
{
    /// <summary>How deep indexes may be nested.</summary>
    public const int MaxDepth = 16;

    /// <summary>How many manifests one image may hold.</summary>
    public const int MaxManifests = 5000;
}
