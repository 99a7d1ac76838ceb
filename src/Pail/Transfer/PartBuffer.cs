using System.Buffers;

namespace Pail.Transfer;

/// <summary>The memory of one part. Segments are taken as it fills; what it may take was promised when it was rented.</summary>
internal sealed class PartBuffer : IDisposable
{
    private readonly BufferPool _pool;
    private readonly byte[]?[] _segments;
    private readonly long _promised;
    private readonly bool _ahead;
    private long _length;
    private int _disposed;

    internal PartBuffer(BufferPool pool, long capacity, long promised, bool ahead)
    {
        (_pool, Capacity, _promised, _ahead) = (pool, capacity, promised, ahead);
        _segments = new byte[promised / BufferPool.SegmentSize][];
    }

    /// <summary>How many bytes the part takes.</summary>
    public long Capacity { get; }

    /// <summary>How many bytes it holds. May be read while another thread fills it.</summary>
    public long Length => Volatile.Read(ref _length);

    /// <summary>True if it takes no more.</summary>
    public bool IsFull => Length == Capacity;

    /// <summary>The bytes it holds.</summary>
    public ReadOnlySequence<byte> Content
    {
        get
        {
            if (Length == 0)
                return ReadOnlySequence<byte>.Empty;
            Segment? first = null, last = null;
            for (var start = 0L; start < Length; start += BufferPool.SegmentSize)
            {
                last = new Segment(last, start, Slice(start, Length));
                first ??= last;
            }
            return new(first!, 0, last!, last!.Memory.Length);
        }
    }

    /// <summary>Where the next bytes go: the rest of a segment; empty if it is full.</summary>
    public Memory<byte> GetMemory()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        if (IsFull)
            return Memory<byte>.Empty;
        var (index, start) = Math.DivRem(_length, BufferPool.SegmentSize);
        var segment = _segments[index] ??= _pool.TakeSegment();
        return segment.AsMemory((int)start, (int)Math.Min(BufferPool.SegmentSize - start, Capacity - _length));
    }

    /// <summary>So many bytes were written to what <see cref="GetMemory"/> gave.</summary>
    public void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Capacity - _length);
        Volatile.Write(ref _length, _length + bytes);
    }

    /// <summary>Bytes from one position on, to another or the end of the segment.</summary>
    internal ReadOnlyMemory<byte> Slice(long from, long to)
    {
        var (index, start) = Math.DivRem(from, BufferPool.SegmentSize);
        return _segments[index].AsMemory((int)start, (int)Math.Min(BufferPool.SegmentSize - start, to - from));
    }

    /// <summary>Gives the memory back. Nobody may use it any more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _pool.Return(_segments, _promised, _ahead);
        Array.Clear(_segments);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(Segment? previous, long index, ReadOnlyMemory<byte> memory)
        {
            (Memory, RunningIndex) = (memory, index);
            previous?.Next = this;
        }
    }
}
