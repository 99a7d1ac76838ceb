using System.Collections.Concurrent;
using System.Diagnostics;
using Pail.Io;
using Pail.Oci;

namespace Pail.Cli.Output;

/// <summary>Draws or tells what a <see cref="CopyTally"/> hears.</summary>
internal interface ICopyView
{
    /// <summary>A blob moves.</summary>
    void Begun(Descriptor blob);

    /// <summary>So many more bytes of it are there.</summary>
    void Advanced(Descriptor blob, long bytes);

    /// <summary>It is there.</summary>
    void Ended(Descriptor blob, BlobOutcome outcome);
}

/// <summary>Keeps count of a copy, whoever draws it.</summary>
/// <param name="view">Who draws it; null for nobody.</param>
internal sealed class CopyTally(ICopyView? view) : ICopyProgress
{
    private readonly ConcurrentDictionary<Digest, long> _expected = new();
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private Func<long>? _bytesRead;
    private long _begun;
    private long _toMove;
    private long _moved;
    private int _done;

    /// <summary>Bytes that are known to have to move; what turns out to be there is taken off.</summary>
    public long ToMove => Interlocked.Read(ref _toMove);

    /// <summary>Bytes that have moved.</summary>
    public long Moved => Interlocked.Read(ref _moved);

    /// <summary>Bytes that were read so far to find out what there is to move; null while nobody reads for that.</summary>
    public long? ReadAhead => Volatile.Read(ref _bytesRead)?.Invoke();

    /// <summary>Blobs that are there.</summary>
    public int Done => Volatile.Read(ref _done);

    /// <summary>True once every blob there is to move is there: what is left is the sink's to finish.</summary>
    public bool IsFinishing => ReadAhead is null && Done > 0 && Done >= _expected.Count;

    /// <summary>Since the copy began.</summary>
    public TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>Since there was something to move: before, a source may have read and compressed for a while.</summary>
    public TimeSpan Moving => Interlocked.Read(ref _begun) is > 0 and var begun ? _clock.Elapsed - TimeSpan.FromTicks(begun) : TimeSpan.Zero;

    /// <inheritdoc/>
    public void Reading(Func<long>? bytesRead) => Volatile.Write(ref _bytesRead, bytesRead);

    /// <inheritdoc/>
    public void Expect(IReadOnlyCollection<Descriptor> blobs)
    {
        Interlocked.CompareExchange(ref _begun, Math.Max(1, _clock.Elapsed.Ticks), 0);
        foreach (var blob in blobs)
            if (_expected.TryAdd(blob.Digest, blob.Size))
                Interlocked.Add(ref _toMove, blob.Size);
    }

    /// <inheritdoc/>
    public IBlobProgress Begin(Descriptor blob)
    {
        Expect([blob]);
        view?.Begun(blob);
        return new Blob(this, view, blob);
    }

    private sealed class Blob(CopyTally tally, ICopyView? view, Descriptor blob) : IBlobProgress
    {
        private long _advanced;

        public void Advance(long bytes)
        {
            Interlocked.Add(ref _advanced, bytes);
            Interlocked.Add(ref tally._moved, bytes);
            view?.Advanced(blob, bytes);
        }

        public void Done(BlobOutcome outcome)
        {
            Interlocked.Increment(ref tally._done);
            // What was there, or copied by the store, has not moved: speed and time left don't count it.
            Interlocked.Add(ref tally._toMove, Interlocked.Read(ref _advanced) - blob.Size);
            view?.Ended(blob, outcome);
        }
    }
}
