using Pail.Oci;

namespace Pail.Server.Routing;

/// <summary>What a path of the registry API names. Source: OCI distribution-spec, "Endpoints"; Docker Registry HTTP API V2.</summary>
/// <param name="Scope">The repository it belongs to; null for what belongs to the registry as a whole.</param>
/// <param name="Methods">The methods it answers to, for the <c>Allow</c> header of a 405.</param>
internal abstract record RegistryRoute(RepositoryName? Scope, string Methods)
{
    private const string Reads = "GET, HEAD";

    /// <summary>What a method does here; null if the path does not answer to it.</summary>
    public virtual RegistryAction? ActionOf(string method) => IsRead(method) ? RegistryAction.Pull : null;

    /// <summary>True for GET and HEAD.</summary>
    public static bool IsRead(string method) => method is "GET" or "HEAD";

    /// <summary><c>/v2/</c></summary>
    public sealed record Root() : RegistryRoute(null, Reads)
    {
        public override RegistryAction? ActionOf(string method) => IsRead(method) ? RegistryAction.Ping : null;
    }

    /// <summary><c>/v2/_catalog</c></summary>
    public sealed record Catalog() : RegistryRoute(null, Reads)
    {
        public override RegistryAction? ActionOf(string method) => IsRead(method) ? RegistryAction.List : null;
    }

    /// <summary><c>/v2/REPO/tags/list</c></summary>
    public sealed record Tags(RepositoryName Repository) : RegistryRoute(Repository, Reads)
    {
        public override RegistryAction? ActionOf(string method) => IsRead(method) ? RegistryAction.List : null;
    }

    /// <summary><c>/v2/REPO/referrers/DIGEST</c>: signatures of an image are part of pulling it.</summary>
    public sealed record Referrers(RepositoryName Repository, Digest Subject) : RegistryRoute(Repository, Reads);

    /// <summary><c>/v2/REPO/manifests/REFERENCE</c></summary>
    public sealed record ManifestOf(RepositoryName Repository, Reference Reference) : RegistryRoute(Repository, "GET, HEAD, PUT, DELETE")
    {
        public override RegistryAction? ActionOf(string method) => method switch
        {
            "PUT" => RegistryAction.Push,
            "DELETE" => RegistryAction.Delete,
            _ => base.ActionOf(method),
        };
    }

    /// <summary><c>/v2/REPO/blobs/DIGEST</c></summary>
    public sealed record Blob(RepositoryName Repository, Digest Digest) : RegistryRoute(Repository, "GET, HEAD, DELETE")
    {
        public override RegistryAction? ActionOf(string method) => method == "DELETE" ? RegistryAction.Delete : base.ActionOf(method);
    }

    /// <summary><c>/v2/REPO/blobs/uploads/</c>: where uploads begin.</summary>
    public sealed record Uploads(RepositoryName Repository) : RegistryRoute(Repository, "POST")
    {
        public override RegistryAction? ActionOf(string method) => method == "POST" ? RegistryAction.Push : null;
    }

    /// <summary><c>/v2/REPO/blobs/uploads/SESSION</c>: an upload under way. The session is one path segment, not checked here.</summary>
    public sealed record Upload(RepositoryName Repository, string Session) : RegistryRoute(Repository, "GET, PATCH, PUT, DELETE")
    {
        // To ask how far an upload got, or to cancel it, is part of pushing.
        public override RegistryAction? ActionOf(string method) => method is "GET" or "PATCH" or "PUT" or "DELETE" ? RegistryAction.Push : null;
    }

    /// <summary><c>/v2/REPO/_pail/REST</c>: Pail's own extension. The rest has no leading slash and is not checked here.</summary>
    public sealed record Direct(RepositoryName Repository, string Rest) : RegistryRoute(Repository, "POST, PUT, DELETE")
    {
        public override RegistryAction? ActionOf(string method) => method is "POST" or "PUT" or "DELETE" ? RegistryAction.Push : null;
    }
}

/// <summary>What a request does to what it names: the rights that it needs.</summary>
internal enum RegistryAction
{
    /// <summary>Asks whether this is a registry.</summary>
    Ping,

    /// <summary>Reads manifests, blobs and referrers.</summary>
    Pull,

    /// <summary>Writes manifests and blobs.</summary>
    Push,

    /// <summary>Removes tags, manifests and blobs.</summary>
    Delete,

    /// <summary>Lists tags or repositories.</summary>
    List,
}
