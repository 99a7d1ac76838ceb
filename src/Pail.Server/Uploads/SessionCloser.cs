using System.IO.Pipelines;
using Pail.Io;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Server.Uploads;

/// <summary>
/// Makes a blob of what a session holds, if it has the digest that the client states now.
/// Few bytes are where they belong already; staged ones are copied there by the store.
/// </summary>
internal sealed class SessionCloser(RegistryServices services, SessionAppender appender, BlobReceiver receiver, Staging staging, JoinedWork joined)
{
    // What this replica or another wrote so short a time ago is not asked for again.
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);

    private TransferEngine Engine => services.Registry.Engine;

    private IObjectStore Store => services.Registry.Store;

    /// <summary>Closes a session that has content. When this returns, the blob is stored.</summary>
    /// <exception cref="RegistryException">The content has another digest, or is not there any more.</exception>
    public async Task CloseAsync(UploadSession session, Digest digest, CancellationToken cancel)
    {
        if (session.Digest is { } known && known.Algorithm == digest.Algorithm && known != digest)
            throw new RegistryException(RegistryError.DigestInvalid.About($"the content is {known}"));
        if (session.Pieces == 0)
            await CloseSmallAsync(session, digest, cancel);
        else
            await CloseStagedAsync(session, digest, cancel);
        services.Blobs.RecordStored(session.Repository, digest, session.Size);
    }

    private async Task CloseSmallAsync(UploadSession session, Digest digest, CancellationToken cancel)
    {
        if (session.Digest == digest)
        {
            if (services.Time.GetUtcNow() - session.Touched >= Fresh && await services.Registry.StatBlobAsync(session.Repository, digest, cancel) != session.Size)
                throw new RegistryException(RegistryError.UploadUnknown);
            return;
        }
        // The other algorithm: the same bytes under one more name.
        await using var content = appender.OpenSmall(session);
        await receiver.ReceiveAsync(session.Repository, digest, [PipeReader.Create(content)], session.Size, cancel);
    }

    private async Task CloseStagedAsync(UploadSession session, Digest digest, CancellationToken cancel)
    {
        try
        {
            if (await staging.PiecesOfAsync(session, cancel) is { } pieces && await AssembleAsync(pieces, session, digest, cancel))
                return;
        }
        catch (PailException e) when (e.Failure == Failure.NotFound)
        {
        }
        // The pieces are gone. If that is since this request was made before and its answer was lost, the blob is there.
        if (await services.Registry.StatBlobAsync(session.Repository, digest, cancel) != session.Size)
            throw new RegistryException(RegistryError.UploadUnknown);
    }

    private async Task<bool> AssembleAsync(IReadOnlyList<(string Key, long Size)> pieces, UploadSession session, Digest digest, CancellationToken cancel)
    {
        var key = services.Registry.Layout.BlobKey(session.Repository, digest);
        var headers = services.Registry.Layout.BlobHeaders;
        if (session.Digest != digest)
            await VerifyAsync(pieces, new Descriptor(headers.ContentType, digest, session.Size), cancel);
        if (Store is not IServerSideCopy copier)
            throw new PailException(Failure.BadInput, $"{Store.Name} can't copy.");
        return await joined.RunAsync(key, () => pieces.Count > 1 && Store.WantsEqualParts
            ? RewriteAsync(pieces, new Descriptor(headers.ContentType, digest, session.Size), key)
            : Engine.CopyAsync(Store, copier, pieces, key, headers, CancellationToken.None));
    }

    // Pieces are as large as the client's chunks: where parts must be equal, they can't be joined as they are.
    private async Task<bool> RewriteAsync(IReadOnlyList<(string Key, long Size)> pieces, Descriptor blob, string key)
    {
        await Engine.UploadAsync(
            Store, key, services.Registry.Layout.BlobHeaders, blob, (offset, _) => Task.FromResult<Stream>(new PieceStream(Engine, Store, pieces, offset)), NoProgress.Instance, CancellationToken.None);
        return true;
    }

    // No replica saw all bytes, or they were hashed in another way.
    private async Task VerifyAsync(IReadOnlyList<(string Key, long Size)> pieces, Descriptor blob, CancellationToken cancel)
    {
        await using var stream = new VerifyingStream(new PieceStream(Engine, Store, pieces, offset: 0), blob);
        try
        {
            await stream.CopyToAsync(Stream.Null, cancel);
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            throw new RegistryException(RegistryError.DigestInvalid.About(blob.Digest.ToString()), e);
        }
    }
}
