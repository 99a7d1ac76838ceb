using Pail.Oci;

namespace Pail.Places;

/// <summary>Where an image is or shall be. Written as skopeo writes them; see docs/addresses.md.</summary>
internal abstract record Address
{
    private Address()
    {
    }

    /// <summary><c>docker-daemon:NAME[:TAG]</c>: an image of the local Docker Engine.</summary>
    /// <param name="Image">The image's name with its tag, or its id.</param>
    public sealed record DockerDaemon(string Image) : Address
    {
        /// <inheritdoc/>
        public override string ToString() => $"docker-daemon:{Image}";
    }

    /// <summary><c>oci:DIR[:TAG|:@DIGEST|:@N]</c>: an OCI image layout in a directory.</summary>
    /// <param name="Directory">Path of the directory.</param>
    /// <param name="Tag">Which image of it (<c>org.opencontainers.image.ref.name</c>), or <c>@</c> and its digest or its place; null for its only one.</param>
    public sealed record OciLayout(string Directory, string? Tag) : Address
    {
        /// <inheritdoc/>
        public override string ToString() => Tag is null ? $"oci:{Directory}" : $"oci:{Directory}:{Tag}";
    }

    /// <summary><c>oci-archive:FILE[:TAG|:@DIGEST|:@N]</c>: an OCI image layout in a tar file.</summary>
    /// <param name="File">Path of the file.</param>
    /// <param name="Tag">Which image of it, as in <see cref="OciLayout"/>; null for its only one.</param>
    public sealed record OciArchive(string File, string? Tag) : Address
    {
        /// <inheritdoc/>
        public override string ToString() => Tag is null ? $"oci-archive:{File}" : $"oci-archive:{File}:{Tag}";
    }

    /// <summary><c>dir:DIR</c>: one image in a directory, as skopeo lays it out.</summary>
    /// <param name="Directory">Path of the directory; colons belong to it.</param>
    public sealed record Dir(string Directory) : Address
    {
        /// <inheritdoc/>
        public override string ToString() => $"dir:{Directory}";
    }

    /// <summary><c>docker-archive:FILE[:NAME[:TAG]|:@N]</c>: an image in a file that <c>docker save</c> wrote.</summary>
    /// <param name="File">Path of the file.</param>
    /// <param name="Image">Its name, or <c>@</c> and its place among several; null for the only one.</param>
    public sealed record DockerArchive(string File, string? Image) : Address
    {
        /// <inheritdoc/>
        public override string ToString() => Image is null ? $"docker-archive:{File}" : $"docker-archive:{File}:{Image}";
    }

    /// <summary><c>docker://HOST[:PORT]/REPO[:TAG|@DIGEST]</c>: an image in a registry.</summary>
    /// <param name="Host">The host, with its port if one was named.</param>
    /// <param name="Repository">The repository.</param>
    /// <param name="Reference">The tag or digest; null for none given.</param>
    public sealed record Registry(string Host, RepositoryName Repository, Reference? Reference) : Address
    {
        /// <summary>A tag beside the digest, <c>REPO:TAG@DIGEST</c>, which says nothing of what is read; null for none.</summary>
        public string? Tag { get; init; }

        /// <inheritdoc/>
        public override string ToString() => Reference switch
        {
            null => $"docker://{Host}/{Repository}",
            { Digest: { } digest } => $"docker://{Host}/{Repository}@{digest}",
            { } tag => $"docker://{Host}/{Repository}:{tag}",
        };
    }

    /// <summary>An image in a bucket, a repository of a bucket, or a whole bucket.</summary>
    /// <param name="Root">The bucket.</param>
    /// <param name="Repository">The repository; null for the whole bucket.</param>
    /// <param name="Reference">The tag or digest; null for none given.</param>
    public sealed record Bucket(BucketRoot Root, RepositoryName? Repository, Reference? Reference) : Address
    {
        /// <summary>A tag beside the digest, <c>REPO:TAG@DIGEST</c>, which says nothing of what is read; null for none.</summary>
        public string? Tag { get; init; }

        /// <inheritdoc/>
        public override string ToString() => (Repository, Reference) switch
        {
            (null, _) => Root.ToString(),
            ({ } name, null) => $"{Root.WithSeparator}{name}",
            ({ } name, { Digest: { } digest }) => $"{Root.WithSeparator}{name}@{digest}",
            ({ } name, { } tag) => $"{Root.WithSeparator}{name}:{tag}",
        };
    }
}

/// <summary>Where a bucket begins.</summary>
public abstract record BucketRoot
{
    private BucketRoot()
    {
    }

    /// <summary>The root as written before a repository's name.</summary>
    public abstract string WithSeparator { get; }

    /// <summary><c>SCHEME://BUCKET</c>, such as <c>s3://acme</c>, or a part of one, <c>SCHEME://BUCKET/PREFIX//</c>.</summary>
    /// <param name="Scheme">The kind of store, as its <see cref="IStoreProvider"/> names it.</param>
    /// <param name="Bucket">The bucket's name.</param>
    /// <param name="Prefix">What all keys begin with: empty, or ending in <c>/</c>.</param>
    public sealed record Url(string Scheme, string Bucket, string Prefix) : BucketRoot
    {
        /// <inheritdoc/>
        public override string WithSeparator => Prefix.Length == 0 ? $"{Scheme}://{Bucket}/" : $"{Scheme}://{Bucket}/{Prefix}/";

        /// <inheritdoc/>
        public override string ToString() => Prefix.Length == 0 ? $"{Scheme}://{Bucket}" : WithSeparator;
    }

    /// <summary><c>file:DIR</c>: a bucket in a local folder.</summary>
    /// <param name="Directory">Path of the folder.</param>
    public sealed record Folder(string Directory) : BucketRoot
    {
        /// <inheritdoc/>
        public override string WithSeparator => $"file:{Directory}//";

        /// <inheritdoc/>
        public override string ToString() => $"file:{Directory}";
    }
}
