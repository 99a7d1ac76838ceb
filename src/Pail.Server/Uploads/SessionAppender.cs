using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Errors;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Server.Uploads;

/// <summary>
/// Takes bytes whose digest is not known yet. When this returns they are safe in the bucket, for any replica to go on with:
/// <list type="bullet">
/// <item>A session that begins with few bytes most likely ends with them, so they are put where they belong if it does:
/// under their own digest, which is never wrong.</item>
/// <item>All else is staged, as one more piece.</item>
/// <item>A piece too small to be followed is read back and written again with what follows.</item>
/// </list>
/// </summary>
internal sealed class SessionAppender(RegistryServices services, BlobReceiver receiver)
{
    private StagingArea Staged => services.Bucket.Staging;

    /// <summary>Takes the bytes.</summary>
    /// <param name="session">What they follow.</param>
    /// <param name="live">The hash of all before them, if this replica has it. Not changed.</param>
    /// <param name="body">The bytes.</param>
    /// <param name="length">How many they must be, if that was said.</param>
    /// <param name="cancel">Interrupts it; then the session is as it was.</param>
    /// <returns>The session with them, and the hash of all bytes if it is known here.</returns>
    public async Task<(UploadSession Session, IncrementalHash? Hash)> AppendAsync(UploadSession session, IncrementalHash? live, PipeReader body, long? length, CancellationToken cancel)
    {
        if (await RequestBody.IsEmptyAsync(body, cancel))
            return length > 0 ? throw new RegistryException(RegistryError.SizeInvalid) : (session, live?.Clone());
        var rewritten = RewrittenSize(session);
        var index = rewritten > 0 && session.Pieces > 0 ? session.Pieces - 1 : session.Pieces;
        var follows = index == session.Pieces;
        var name = new PieceName(RandomName(), follows ? session.Last.Own : session.Last.Parent);
        var before = follows ? session.Last.Parent : session.Before;
        var hash = rewritten == session.Size ? Digest.CreateHash(session.Algorithm) : rewritten == 0 ? live?.Clone() : null;
        var key = StagingKey.OfPiece(session.Id, index, name);
        var writer = Staged.Write(key, length + rewritten, before);
        await using var closing = writer;
        try
        {
            if (rewritten > 0)
                await ReadBackAsync(session, writer, hash, cancel);
            var taken = await TakeAsync(writer, hash, body, services.Options.BodyRest, cancel);
            if (length is { } expected && taken != expected)
                throw new RegistryException(RegistryError.SizeInvalid.About($"{expected} bytes were announced, {taken} came"));
            var extended = Extend(session, taken, hash);
            if (session.Size == 0 && !writer.IsStarted)
                await PutBlobAsync(extended, writer);
            else
            {
                await StageAsync(key, writer, before, cancel);
                extended = extended with { Pieces = index + 1, Staged = session.Staged + 1, Last = name, Before = before, LastSize = writer.Length };
            }
            return (extended, hash);
        }
        catch
        {
            hash?.Dispose();
            await writer.TryAbortAsync();
            throw;
        }
    }

    /// <summary>The content of a session, or its end, that is in one small object. Reading it throws <see cref="MissingObjectException"/> if that is gone.</summary>
    public Stream OpenSmall(UploadSession session) => session.Pieces == 0
        ? services.Bucket.Repository(session.Repository).Blobs.Open(BlobOf(session))
        : Staged.Open([(Staging.LastKeyOf(session), session.LastSize)]);

    // How much of what is there has to be written once more, since it can't be followed where it is.
    private static long RewrittenSize(UploadSession session) =>
        session.Pieces == 0 ? session.Size : session.LastSize < Staging.LeastPiece ? session.LastSize : 0;

    private static ulong RandomName()
    {
        Span<byte> bytes = stackalloc byte[8];
        RandomNumberGenerator.Fill(bytes);
        return BitConverter.ToUInt64(bytes) | 1; // never 0, which means none
    }

    private async Task ReadBackAsync(UploadSession session, MultipartWriter writer, IncrementalHash? hash, CancellationToken cancel)
    {
        await using (var small = OpenSmall(session))
            await TakeAsync(writer, hash, PipeReader.Create(small), Timeout.InfiniteTimeSpan, cancel);
        if (writer.Length != RewrittenSize(session) || (hash is not null && session.Digest is { } digest && Digest.FromHash(session.Algorithm, hash.GetCurrentHash()) != digest))
            throw new PailException(Failure.BadContent, $"{services.Bucket.Name}: what upload {session.Id} wrote is not what was read back.");
    }

    private static async Task<long> TakeAsync(MultipartWriter writer, IncrementalHash? hash, PipeReader body, TimeSpan rest, CancellationToken cancel)
    {
        var before = writer.Length;
        await RequestBody.TakeAsync(
            body,
            async bytes =>
            {
                while (!bytes.IsEmpty)
                {
                    var room = await writer.GetMemoryAsync(cancel);
                    var next = bytes.Slice(0, Math.Min(room.Length, bytes.Length));
                    next.CopyTo(room.Span);
                    hash?.AppendData(room.Span[..(int)next.Length]);
                    writer.Advance((int)next.Length);
                    bytes = bytes.Slice(next.End);
                }
            },
            rest,
            cancel);
        return writer.Length - before;
    }

    private async Task PutBlobAsync(UploadSession session, MultipartWriter writer)
    {
        var (blob, round) = (BlobOf(session), services.Blobs.Round);
        await receiver.PutAsync(services.Bucket.Repository(session.Repository).Blobs, blob, writer.Unsent);
        services.Blobs.RecordStored(session.Repository, blob.Digest, blob.Size, round);
    }

    private Task StageAsync(string key, MultipartWriter writer, ulong before, CancellationToken cancel) =>
        writer.IsStarted ? writer.CompleteAsync(expected: null, cancel) : Staged.PutAsync(key, writer.Unsent, before, cancel);

    private static Descriptor BlobOf(UploadSession session) => new(MediaTypes.OctetStream, session.Digest!.Value, session.Size);

    private UploadSession Extend(UploadSession session, long taken, IncrementalHash? hash) => session with
    {
        Size = session.Size + taken,
        Digest = hash is null ? null : Digest.FromHash(session.Algorithm, hash.GetCurrentHash()),
        Touched = services.Time.GetUtcNow(),
    };
}
