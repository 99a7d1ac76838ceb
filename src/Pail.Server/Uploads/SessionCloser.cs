using System.IO.Pipelines;
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
    private static readonly TimeSpan LongestFresh = TimeSpan.FromMinutes(1);

    // Nothing is condemned and removed in so short a time, either.
    private TimeSpan Fresh => services.Bucket.Settings.Collect is { View: var view } && view < LongestFresh ? view : LongestFresh;

    /// <summary>Closes a session that has content. When this returns, the blob is stored.</summary>
    /// <param name="session">The session.</param>
    /// <param name="stated">What the client says that the blob is; its size counts for nothing.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="RegistryException">The content has another digest, or is not there any more.</exception>
    public async Task CloseAsync(UploadSession session, Descriptor stated, CancellationToken cancel)
    {
        var round = services.Blobs.Round;
        var blob = stated with { Size = session.Size };
        if (session.Digest is { } known && known.Algorithm == blob.Digest.Algorithm && known != blob.Digest)
            throw new RegistryException(RegistryError.DigestInvalid.About($"the content is {known}"));
        if (session.Pieces == 0)
            await CloseSmallAsync(session, blob, cancel);
        else
            await CloseStagedAsync(session, blob, cancel);
        services.Blobs.RecordStored(session.Repository, blob.Digest, blob.Size, round);
    }

    private async Task CloseSmallAsync(UploadSession session, Descriptor blob, CancellationToken cancel)
    {
        if (session.Digest == blob.Digest)
        {
            if (services.Time.GetUtcNow() - session.Touched >= Fresh)
                await RequireAsync(session, blob, cancel);
            return;
        }
        // The other algorithm: the same bytes under one more name.
        await using var content = appender.OpenSmall(session);
        await receiver.ReceiveAsync(session.Repository, blob, [PipeReader.Create(content)], session.Size, cancel);
    }

    private async Task CloseStagedAsync(UploadSession session, Descriptor blob, CancellationToken cancel)
    {
        try
        {
            if (await staging.PiecesOfAsync(session, cancel) is { } pieces && await AssembleAsync(pieces, session, blob, cancel))
                return;
        }
        catch (PailException e) when (e is MissingObjectException or StoreException { Error: StoreError.NoSuchUpload })
        {
        }
        // The pieces are gone. If that is since this request was made before and its answer was lost, the blob is there, and this repository holds it: that another
        // one has it proves nothing about these bytes.
        if (session.Digest != blob.Digest && !await services.Border.HoldsAsync(session.Repository, blob.Digest, cancel))
            throw new RegistryException(RegistryError.UploadUnknown);
        await RequireAsync(session, blob, cancel);
    }

    private async Task RequireAsync(UploadSession session, Descriptor blob, CancellationToken cancel)
    {
        if ((await services.Bucket.Repository(session.Repository).Blobs.FindAsync(blob.Digest, cancel))?.Size != blob.Size)
            throw new RegistryException(RegistryError.UploadUnknown);
    }

    private async Task<bool> AssembleAsync(IReadOnlyList<(string Key, long Size)> pieces, UploadSession session, Descriptor blob, CancellationToken cancel)
    {
        // Where no replica saw all bytes, or they were hashed in another way.
        if (session.Digest != blob.Digest)
            await VerifyAsync(services.Bucket.Staging.Open(pieces), blob, cancel);
        var blobs = services.Bucket.Repository(session.Repository).Blobs;
        return await joined.RunAsync(blobs.IdentityOf(blob.Digest), () => blobs.AssembleAsync(pieces, blob, CancellationToken.None));
    }

    /// <summary>Reads bytes back and fails unless they are the blob's.</summary>
    /// <exception cref="RegistryException">They are not.</exception>
    public static async Task VerifyAsync(Stream content, Descriptor blob, CancellationToken cancel)
    {
        await using var stream = new VerifyingStream(content, blob);
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
