using Pail.Buckets.Layouts;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Server.Uploads;

/// <summary>
/// Makes a blob of one repository a blob of another, without its bytes being sent.
/// Source: OCI distribution-spec, "Mounting a blob from another repository".
/// </summary>
internal sealed class BlobMount(RegistryServices services, JoinedWork joined)
{
    /// <summary>Mounts a blob if it can be found without searching. False leaves the client to send it.</summary>
    /// <param name="repository">Where it shall be.</param>
    /// <param name="digest">Which.</param>
    /// <param name="from">Where it is, if the client said so.</param>
    /// <param name="cancel">Interrupts it.</param>
    public async Task<bool> TryAsync(RepositoryName repository, Digest digest, string? from, CancellationToken cancel)
    {
        var registry = services.Registry;
        // In a pool all repositories share their blobs: it is there or it is not.
        if (registry.Layout.Kind == LayoutKind.Pool)
            return await IsThereAsync(repository, digest, cancel);
        var named = from is null ? services.Blobs.HolderOf(digest) : RepositoryName.TryParse(from, out var parsed) ? parsed : null;
        if (named is not { } source || registry.Store is not IServerSideCopy copier)
            return false;
        if (source == repository)
            return await IsThereAsync(repository, digest, cancel);
        if (await registry.StatBlobAsync(source, digest, cancel) is not { } length)
            return false;
        var (sourceKey, key) = (registry.Layout.BlobKey(source, digest), registry.Layout.BlobKey(repository, digest));
        if (!await joined.RunAsync(key, () => registry.Engine.CopyAsync(registry.Store, copier, [(sourceKey, length)], key, registry.Layout.BlobHeaders, CancellationToken.None)))
            return false;
        services.Blobs.RecordStored(repository, digest, length);
        return true;
    }

    private async Task<bool> IsThereAsync(RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        var removals = services.Blobs.Removals;
        if (await services.Registry.StatBlobAsync(repository, digest, cancel) is not { } size)
            return false;
        services.Blobs.Found(repository, digest, size, removals);
        return true;
    }
}
