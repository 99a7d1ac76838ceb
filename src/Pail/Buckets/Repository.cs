using Pail.Oci;

namespace Pail.Buckets;

/// <summary>
/// A repository of a bucket: what may be asked and done in it. Blobs come before the manifests that name them, children
/// before parents, a digest before its tags: a reader never sees a manifest without its parts.
/// </summary>
public sealed class Repository
{
    internal Repository(Bucket bucket, RepositoryName name) => (Bucket, Name) = (bucket, name);

    /// <summary>The bucket it is in.</summary>
    public Bucket Bucket { get; }

    /// <summary>Its name.</summary>
    public RepositoryName Name { get; }

    /// <summary>Its layers, configs and other blobs.</summary>
    public RepositoryBlobs Blobs => new(this);

    /// <summary>Its manifests and indexes.</summary>
    public RepositoryManifests Manifests => new(this);

    /// <summary>Its tags.</summary>
    public RepositoryTags Tags => new(this);

    /// <summary>What refers to its manifests.</summary>
    public RepositoryReferrers Referrers => new(this);
}
