using System.Buffers;
using System.Net;
using Pail.Io;
using Pail.Oci;
using Pail.Remote.Http;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Remote;

/// <summary>
/// Sends a blob in chunks, one after the other, to a registry (or a proxy before it) that takes no body of its size. Each chunk is
/// read into memory once and sent from there, in smaller pieces where it is still too large; after a failure the registry is asked
/// how far it got. Source: OCI distribution-spec, "Pushing a blob in chunks".
/// </summary>
internal sealed class ChunkedUpload(RegistryClient client, TransferEngine engine, Descriptor blob, BlobOpener open, IBlobProgress progress)
{
    // Below this a proxy's limit is no limit but a mistake.
    private const long SmallestPiece = 64 << 10;

    private const long Chunk = 16 << 20;

    private UploadSession _session = null!;
    private long _piece = Chunk;
    private long _sent;

    public async Task<BlobOutcome> RunAsync(CancellationToken cancel)
    {
        if (await UploadSession.BeginAsync(client, blob.Digest, cancel) is not { } session)
            return BlobOutcome.Copied;
        _session = session;
        try
        {
            var size = Math.Min(Math.Max(_session.LeastChunk, Math.Min(Chunk, engine.Buffers.Limit / 2)), blob.Size);
            _piece = size;
            await using var source = new VerifyingStream(new ResumingStream(open, engine.Retry), blob);
            for (var at = 0L; at < blob.Size;)
            {
                using var chunk = await engine.Buffers.RentAsync(Math.Min(size, blob.Size - at), cancel);
                while (!chunk.IsFull && await source.ReadAsync(chunk.GetMemory(), cancel) is > 0 and var read)
                    chunk.Advance(read);
                await SendAsync(at, chunk.Content, cancel);
                at += chunk.Length;
            }
            // The read that finds the end is the one that checks the digest.
            if (await source.ReadAsync(new byte[1], cancel) != 0)
                throw BlobMismatch.TooLong(blob);
            var close = new RegistryRequest(HttpMethod.Put, _session.Closing(blob.Digest))
            {
                Body = guard => BlobSender.Closing(blob, client.Content(ReadOnlySequence<byte>.Empty, guard, blob.Size)),
            };
            (await client.SendAsync(close, cancel)).Dispose();
            return BlobOutcome.Sent;
        }
        catch
        {
            progress.Advance(-_sent);
            await _session.AbandonAsync();
            throw;
        }
    }

    private async Task SendAsync(long at, ReadOnlySequence<byte> chunk, CancellationToken cancel)
    {
        var tries = engine.Retry.Begin();
        for (var done = 0L; done < chunk.Length;)
        {
            try
            {
                var taken = await PatchAsync(at + done, chunk.Slice(done, Math.Min(_piece, chunk.Length - done)), cancel);
                progress.Advance(taken);
                _sent += taken;
                done += taken;
                tries.Progressed();
            }
            catch (Exception error) when (tries.Again(error, cancel))
            {
                await tries.WaitAsync(cancel);
                var before = done;
                // Where it can't be asked, does not know or has lost some, all begins anew.
                done = await AskAsync(cancel) - at ?? -1;
                if (done < before || done > chunk.Length)
                    throw new StoreException(StoreError.Unavailable, $"{client.Host}: the registry lost part of an upload, or does not say how far it got.", error);
                progress.Advance(done - before);
                _sent += done - before;
            }
        }
    }

    // Returns how many bytes were taken: all, or none. What registries say of it in Range differs (of the chunk, of the first one, one too
    // many), so it counts only after a failure; the digest at the end proves the rest.
    private async Task<long> PatchAsync(long from, ReadOnlySequence<byte> bytes, CancellationToken cancel)
    {
        var request = new RegistryRequest(HttpMethod.Patch, _session.Location, HttpStatusCode.RequestEntityTooLarge)
        {
            Body = guard =>
            {
                var content = RegistryClient.Typed(client.Content(bytes, guard), MediaTypes.OctetStream);
                // Without a unit, unlike HTTP's own.
                content.Headers.TryAddWithoutValidation("Content-Range", $"{from}-{from + bytes.Length - 1}");
                return content;
            },
        };
        using var answer = await client.SendAsync(request, cancel);
        if (answer.IsSuccess)
        {
            _session.Continue(answer);
            return bytes.Length;
        }
        if (bytes.Length / 2 < Math.Max(SmallestPiece, _session.LeastChunk))
            throw new PailException(Failure.BadInput, $"{client.Host}: the registry takes no {bytes.Length} bytes at once (413){(_session.LeastChunk > 0 ? $", but wants {_session.LeastChunk} at least" : "")}.");
        _piece = bytes.Length / 2;
        return 0;
    }

    private Task<long?> AskAsync(CancellationToken cancel) => engine.Retry.RunAsync(
        async token =>
        {
            using var answer = await client.SendAsync(HttpMethod.Get, _session.Location, token, HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed, HttpStatusCode.BadRequest);
            _session.Continue(answer);
            return answer.IsSuccess ? UploadSession.Received(answer) : null;
        },
        cancel);
}
