using Microsoft.AspNetCore.Http;
using Pail.Oci;
using Pail.Server.Access;

namespace Pail.Server.Uploads;

/// <summary>
/// Makes a blob of one repository a blob of another, without its bytes being sent.
/// Source: OCI distribution-spec, "Mounting a blob from another repository".
/// </summary>
internal sealed class BlobMount(RegistryServices services, JoinedWork joined)
{
    /// <summary>Mounts a blob if it can be found without searching. False leaves the client to send it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="repository">Where to.</param>
    /// <param name="digest">Which.</param>
    /// <param name="from">Where it is, if the client said so.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<bool> TryAsync(HttpContext context, RepositoryName repository, Digest digest, string? from, CancellationToken cancel)
    {
        // Where all repositories share their blobs, and nobody minds, any of them will do.
        RepositoryName? named = services.Bucket.SharesBlobs && !services.Border.IsOn ? repository
            : from is null ? services.Blobs.HolderOf(digest)
            : RepositoryName.TryParse(from, out var parsed) ? parsed : null;
        // A blob is taken only from where the client could have pulled it.
        if (named is not { } source || !Visitor.MayPull(context, source) || !await services.Border.HoldsAsync(source, digest, cancel))
            return false;
        var blobs = services.Bucket.Repository(repository).Blobs;
        var (removals, round) = (services.Blobs.Removals, services.Blobs.Round);
        if (await blobs.FindInAsync(source, digest, cancel) is not { } known)
            return false;
        if (known.Repository == repository)
            services.Blobs.Found(repository, digest, known.Blob.Size, removals);
        else if (await joined.RunAsync(blobs.IdentityOf(digest), () => blobs.CopyAsync(known, CancellationToken.None)))
            services.Blobs.RecordStored(repository, digest, known.Blob.Size, round);
        else
            return false;
        return true;
    }
}
