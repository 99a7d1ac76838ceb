using Pail.Oci;

namespace Pail.Buckets;

/// <summary>Which version of a manifest a bucket has under a name.</summary>
/// <param name="ETag">The ETag of its object.</param>
/// <param name="Digest">Its digest; null if it is asked for by tag and the object does not say.</param>
/// <param name="MediaType">What the object is served as.</param>
/// <param name="Size">Its size in bytes.</param>
internal sealed record ManifestVersion(string ETag, Digest? Digest, string MediaType, long Size);
