using Pail.Io;
using Pail.Oci;

namespace Pail.Copy;

/// <summary>Says how far a copy is. The totals grow while parts of the image are found.</summary>
/// <param name="Blobs">Blobs known so far.</param>
/// <param name="BlobsDone">Blobs that are at the destination.</param>
/// <param name="Bytes">Size of the blobs known so far.</param>
/// <param name="BytesDone">Bytes that are at the destination; those of blobs that were there count.</param>
public sealed record CopyProgress(int Blobs, int BlobsDone, long Bytes, long BytesDone);

/// <summary>Sums up what a copy tells of its blobs.</summary>
internal sealed class CopyProgressReporter : ICopyProgress
{
    private readonly IProgress<CopyProgress> _progress;
    private readonly HashSet<(Digest, long)> _known = [];
    private CopyProgress _sum = new(0, 0, 0, 0);

    private CopyProgressReporter(IProgress<CopyProgress> progress) => _progress = progress;

    /// <summary>Returns what reports to a progress; to nobody if that is null.</summary>
    public static ICopyProgress For(IProgress<CopyProgress>? progress) => progress is null ? NoProgress.Instance : new CopyProgressReporter(progress);

    /// <inheritdoc/>
    public void Reading(Func<long>? bytesRead)
    {
    }

    /// <inheritdoc/>
    public void Expect(IReadOnlyCollection<Descriptor> blobs) => Add(blobs, done: 0, bytes: 0);

    /// <inheritdoc/>
    public IBlobProgress Begin(Descriptor blob)
    {
        Add([blob], done: 0, bytes: 0);
        return new Blob(this, blob.Size);
    }

    // Reported in order: a later report never says less than an earlier one, but where a part is sent again.
    private void Add(IReadOnlyCollection<Descriptor> blobs, int done, long bytes)
    {
        lock (_known)
        {
            foreach (var blob in blobs)
                if (_known.Add((blob.Digest, blob.Size)))
                    _sum = _sum with { Blobs = _sum.Blobs + 1, Bytes = _sum.Bytes + blob.Size };
            _sum = _sum with { BlobsDone = _sum.BlobsDone + done, BytesDone = _sum.BytesDone + bytes };
            _progress.Report(_sum);
        }
    }

    private sealed class Blob(CopyProgressReporter reporter, long size) : IBlobProgress
    {
        private long _advanced;

        public void Advance(long bytes)
        {
            Interlocked.Add(ref _advanced, bytes);
            reporter.Add([], done: 0, bytes);
        }

        public void Done(BlobOutcome outcome) => reporter.Add([], done: 1, size - Interlocked.Read(ref _advanced));
    }
}
