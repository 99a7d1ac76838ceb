using Pail.Io;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Transfer;

/// <summary>
/// One blob of known digest on its way into a bucket.
/// <list type="number">
/// <item>The source is opened before any memory is taken, so that waiting for it holds up nobody else.</item>
/// <item>Small: the bytes are gathered and checked, then written by one request. Wrong ones never leave the machine.</item>
/// <item>Large: parts are hashed as they fill and sent in the background; completed only if size and digest match.</item>
/// <item>Whatever goes wrong, the upload is aborted before the error is passed on.</item>
/// </list>
/// </summary>
internal sealed class BlobUpload(TransferEngine engine, IObjectStore store, string key, ObjectHeaders headers, Descriptor blob, BlobOpener open, IBlobProgress progress)
{
    public async Task RunAsync(CancellationToken cancel)
    {
        var isSmall = engine.IsWrittenWhole(blob.Size);
        if (!store.KeepsBytes)
            await SendBlankAsync(isSmall, cancel);
        else if (isSmall)
            await PutAsync(cancel);
        else
            await SendPartsAsync(cancel);
    }

    private async Task SendPartsAsync(CancellationToken cancel)
    {
        // An upload can be swept away under us, by a lifecycle rule or somebody's cleaning. Then begin once more.
        if (!await TrySendPartsAsync(mayVanish: true, cancel))
            await TrySendPartsAsync(mayVanish: false, cancel);
    }

    // The same requests, of which only the sizes matter.
    private async Task SendBlankAsync(bool isSmall, CancellationToken cancel)
    {
        if (isSmall)
        {
            await store.PutAsync(key, Blank.Of(blob.Size), headers, PutCondition.None, cancel);
        }
        else
        {
            var upload = new UploadId(key, await store.CreateUploadAsync(key, headers, cancel));
            var plan = PartPlan.For(blob.Size, engine.Buffers.Limit);
            List<UploadedPart> parts = [];
            for (var at = 0L; at < blob.Size; at += parts[^1].Size)
            {
                var size = Math.Min(plan.SizeOf(parts.Count + 1), blob.Size - at);
                parts.Add(new(parts.Count + 1, await store.UploadPartAsync(upload, parts.Count + 1, at, Blank.Of(size), cancel), size));
            }
            await store.CompleteUploadAsync(upload, parts, cancel);
        }
        progress.Advance(blob.Size);
    }

    private async Task PutAsync(CancellationToken cancel)
    {
        await using var source = await OpenAsync(cancel);
        using var part = await engine.Buffers.RentAsync(blob.Size, cancel);
        using var hash = Digest.CreateHash(blob.Digest.Algorithm);
        while (!part.IsFull)
        {
            var room = part.GetMemory();
            var read = await source.ReadAsync(room, cancel);
            if (read == 0)
                break;
            hash.AppendData(room.Span[..read]);
            part.Advance(read);
        }
        BlobMismatch.ThrowIfDifferent(blob, part.Length, hash);
        await RequireEndAsync(source, cancel);
        var checkedHeaders = headers with { Sha256 = blob.Digest.Algorithm == DigestAlgorithm.Sha256 ? blob.Digest : null };
        await engine.PutAsync(store, key, part.Content, checkedHeaders, cancel);
        progress.Advance(blob.Size);
    }

    private async Task<bool> TrySendPartsAsync(bool mayVanish, CancellationToken cancel)
    {
        await using var source = await OpenAsync(cancel);
        var plan = PartPlan.For(blob.Size, engine.Buffers.Limit);
        await using var writer = MultipartWriter.Create(engine, store, key, headers with { Sha256 = null }, plan, blob.Digest.Algorithm, progress);
        try
        {
            writer.Begin();
            await writer.CopyFromAsync(source, blob.Size, cancel);
            if (writer.Length == blob.Size)
                await RequireEndAsync(source, cancel);
            await writer.CompleteAsync(blob, cancel);
            return true;
        }
        catch (Exception error)
        {
            await AbortAsync(writer, error);
            if (!mayVanish || error is not StoreException { Error: StoreError.NoSuchUpload })
                throw;
            progress.Advance(-writer.Sent);
            return false;
        }
    }

    private async Task<ResumingStream> OpenAsync(CancellationToken cancel)
    {
        var source = new ResumingStream(open, engine.Retry);
        try
        {
            await source.EnsureOpenAsync(cancel);
            return source;
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    private async Task RequireEndAsync(ResumingStream source, CancellationToken cancel)
    {
        if (await source.ReadAsync(new byte[1], cancel) != 0)
            throw BlobMismatch.TooLong(blob);
    }

    private static async Task AbortAsync(MultipartWriter writer, Exception error)
    {
        try
        {
            await writer.AbortAsync();
        }
        catch (StoreException left)
        {
            var message = $"{error.Message.TrimEnd('.')}. Its unfinished upload was left behind: {left.Message}";
            throw error is OperationCanceledException cancelled
                ? new OperationCanceledException(message, error, cancelled.CancellationToken)
                : new PailException((error as PailException)?.Failure ?? Failure.Unavailable, message, error);
        }
    }
}
