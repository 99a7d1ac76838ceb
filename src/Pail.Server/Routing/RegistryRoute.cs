using Pail.Oci;

namespace Pail.Server.Routing;

/// <summary>
/// What a path of the registry API names. Source: OCI distribution-spec, "Endpoints"; Docker Registry HTTP API V2.
/// The methods each answers to are in <see cref="Methods"/>, for the <c>Allow</c> header of a 405.
/// </summary>
internal abstract record RegistryRoute(string Methods)
{
    /// <summary><c>/v2/</c></summary>
    public sealed record Root() : RegistryRoute("GET, HEAD");

    /// <summary><c>/v2/_catalog</c></summary>
    public sealed record Catalog() : RegistryRoute("GET, HEAD");

    /// <summary><c>/v2/REPO/tags/list</c></summary>
    public sealed record Tags(RepositoryName Repository) : RegistryRoute("GET, HEAD");

    /// <summary><c>/v2/REPO/referrers/DIGEST</c></summary>
    public sealed record Referrers(RepositoryName Repository, Digest Subject) : RegistryRoute("GET, HEAD");

    /// <summary><c>/v2/REPO/manifests/REFERENCE</c></summary>
    public sealed record ManifestOf(RepositoryName Repository, Reference Reference) : RegistryRoute("GET, HEAD, PUT, DELETE");

    /// <summary><c>/v2/REPO/blobs/DIGEST</c></summary>
    public sealed record Blob(RepositoryName Repository, Digest Digest) : RegistryRoute("GET, HEAD, DELETE");

    /// <summary><c>/v2/REPO/blobs/uploads/</c>: where uploads begin.</summary>
    public sealed record Uploads(RepositoryName Repository) : RegistryRoute("POST");

    /// <summary><c>/v2/REPO/blobs/uploads/SESSION</c>: an upload under way. The session is one path segment, not checked here.</summary>
    public sealed record Upload(RepositoryName Repository, string Session) : RegistryRoute("GET, PATCH, PUT, DELETE");

    /// <summary><c>/v2/REPO/_pail/REST</c>: Pail's own extension. The rest has no leading slash and is not checked here.</summary>
    public sealed record Direct(RepositoryName Repository, string Rest) : RegistryRoute("POST, PUT, DELETE");
}
