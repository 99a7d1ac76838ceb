using Pail.Io;
using Pail.Oci;
using Pail.Transfer;

namespace Pail.OciLayout;

/// <summary>A blob on its way into a directory: a file of its own that grows, and is kept when the way is interrupted.</summary>
internal static class PartialBlob
{
    private const int Chunk = 1 << 20;

    // So much is handed to the disk while more comes in; flushing it all at the end would be time in which nothing else moves.
    private const long FlushEvery = 32 << 20;

    /// <summary>Fills the file from where an earlier run left it. All of the blob's bytes are in it then, and verified.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: the source has other bytes; the file is empty then.</exception>
    public static async Task FillAsync(FileStream file, Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        if (file.Length > blob.Size)
            file.SetLength(0);
        var resumed = file.Length > 0;
        while (true)
        {
            var safe = 0L;
            void Advance(long bytes)
            {
                safe += bytes;
                progress.Advance(bytes);
            }

            try
            {
                await FillOnceAsync(file, blob, open, Advance, cancel);
                return;
            }
            catch (PailException e) when (e.Failure == Failure.BadContent)
            {
                file.SetLength(0);
                progress.Advance(-safe);
                if (!resumed)
                    throw;
                // The kept beginning may be the wrong part (a power cut): once more, from nothing.
                resumed = false;
            }
        }
    }

    private static async Task FillOnceAsync(FileStream file, Descriptor blob, BlobOpener open, Action<long> advance, CancellationToken cancel)
    {
        using var hash = Digest.CreateHash(blob.Digest.Algorithm);
        var kept = file.Length;
        if (kept > 0)
        {
            var buffer = new byte[Chunk];
            file.Position = 0;
            for (int read; (read = await file.ReadAsync(buffer, cancel)) > 0; advance(read))
                hash.AppendData(buffer.AsSpan(0, read));
        }
        var rest = kept < blob.Size || kept == 0 ? await open(kept, cancel) : Stream.Null;
        await using var verified = new VerifyingStream(rest, blob, hash, kept);
        var (flushing, unflushed) = (Task.CompletedTask, 0L);
        try
        {
            await verified.CopyToAsync(new ReportingStream(file, Wrote), Chunk, cancel);
            await flushing;
        }
        finally
        {
            await flushing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        void Wrote(long bytes)
        {
            advance(bytes);
            unflushed += bytes;
            // One that failed stays, to be told at the end: the disk reports an error once.
            if (unflushed < FlushEvery || !flushing.IsCompletedSuccessfully)
                return;
            unflushed = 0;
            flushing = Task.Run(() => RandomAccess.FlushToDisk(file.SafeFileHandle), CancellationToken.None);
        }
    }
}
