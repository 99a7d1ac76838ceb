using System.Diagnostics.CodeAnalysis;
using Pail.Telemetry;

namespace Pail.Transfer;

/// <summary>
/// The memory that parts in flight take, under one bound for the whole process. Memory comes in segments that are
/// allocated once, outside the moving heap, and used again and again, until nobody has used any for a while.
/// <para>
/// Why nothing waits for ever: memory for a part is promised whole or not at all, in the order asked. Who holds a part
/// and still waits for bytes to fill it waits for its source alone; reading ahead (<see cref="TryRentAhead"/>) never waits
/// for memory but goes without, so a source that is itself a bucket can't wait for the upload it feeds.
/// </para>
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A pool lives as long as its process, and its timer keeps nothing else alive.")]
internal sealed class BufferPool
{
    /// <summary>The size of a segment in bytes: 1 MiB.</summary>
    public const int SegmentSize = 1 << 20;

    private readonly Lock _lock = new();
    private readonly Stack<byte[]> _free = [];
    private readonly LinkedList<Waiter> _waiting = [];
    private readonly TimeSpan _keep;
    private readonly ITimer? _idle;
    private long _sending;
    private long _ahead;
    private int _readers;
    private int _writers;

    /// <summary>Makes a pool.</summary>
    /// <param name="limit">The most it hands out at once, in bytes; at least two of the smallest parts.</param>
    /// <param name="keep">After what time without use its memory goes back to the system; null for never.</param>
    /// <param name="time">The clock for that; null for the system's.</param>
    /// <exception cref="PailException">That is too little to move anything.</exception>
    public BufferPool(long limit, TimeSpan? keep = null, TimeProvider? time = null)
    {
        if (limit < 2 * PartPlan.Smallest)
            throw new PailException(Failure.BadInput, $"Moving blobs takes at least {2 * PartPlan.Smallest >> 20} MiB of memory: raise --memory.");
        Limit = limit;
        if (keep is { } length)
            (_keep, _idle) = (length, (time ?? TimeProvider.System).CreateTimer(_ => Release(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan));
    }

    /// <summary>The most handed out at once, in bytes.</summary>
    public long Limit { get; }

    /// <summary>What is handed out now, in bytes.</summary>
    public long InUse
    {
        get
        {
            lock (_lock)
                return _sending + _ahead;
        }
    }

    /// <summary>What it has and nobody uses, in bytes.</summary>
    public long Kept
    {
        get
        {
            lock (_lock)
                return _free.Count * (long)SegmentSize;
        }
    }

    /// <summary>The most that was ever handed out at once, in bytes.</summary>
    public long Peak { get; private set; }

    /// <summary>What one part should take now, in bytes, so that each writer can fill one while another is sent.</summary>
    public long Share
    {
        get
        {
            lock (_lock)
                return (_readers == 0 ? Limit : Half) / (2 * Math.Max(_writers, 1)) / SegmentSize * SegmentSize;
        }
    }

    // While somebody reads, half is kept for reading ahead, else a copy from bucket to bucket would read over one connection.
    private long Half => Limit / 2;

    /// <summary>Memory for a part, waiting for its turn if too much is in use. Dispose it to give it back.</summary>
    /// <param name="bytes">Size of the part.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <exception cref="PailException">The part is larger than half the limit.</exception>
    public ValueTask<PartBuffer> RentAsync(long bytes, CancellationToken cancel)
    {
        var size = Rounded(bytes);
        if (size > Half)
            throw new PailException(Failure.BadInput, $"A part of {size >> 20} MiB does not fit: parts in flight may take {Limit >> 20} MiB, and --memory must be at least {2 * size >> 20} MiB for a blob of this size.");
        cancel.ThrowIfCancellationRequested();
        Waiter waiter;
        lock (_lock)
        {
            if (_waiting.Count == 0 && Fits(size))
                return ValueTask.FromResult(Take(size, bytes));
            waiter = new Waiter(size, bytes);
            waiter.Node = _waiting.AddLast(waiter);
        }
        return WaitAsync(waiter, cancel);
    }

    /// <summary>A reader begins: from now on it may read ahead, with an equal share of half the memory.</summary>
    internal void EnterReader()
    {
        lock (_lock)
            _readers++;
    }

    /// <summary>A reader ends.</summary>
    internal void LeaveReader()
    {
        lock (_lock)
        {
            _readers--;
            Serve();
        }
    }

    /// <summary>A writer begins: the shares of the others get smaller.</summary>
    internal void EnterWriter() => Interlocked.Increment(ref _writers);

    /// <summary>A writer ends.</summary>
    internal void LeaveWriter() => Interlocked.Decrement(ref _writers);

    /// <summary>Memory for a part read ahead, if there is some right now; else null.</summary>
    /// <param name="bytes">Size of the part.</param>
    /// <param name="held">What this reader holds already, in bytes.</param>
    internal PartBuffer? TryRentAhead(long bytes, long held)
    {
        var size = Rounded(bytes);
        lock (_lock)
        {
            if (_ahead + size > Half || _sending + _ahead + size > Limit || (held > 0 && held + size > Half / Math.Max(_readers, 1)))
                return null;
            _ahead += size;
            Peak = Math.Max(Peak, _sending + _ahead);
            return new PartBuffer(this, bytes, size, ahead: true);
        }
    }

    /// <summary>A segment; only within what was promised to a part.</summary>
    internal byte[] TakeSegment()
    {
        lock (_lock)
        {
            if (_free.TryPop(out var segment))
                return segment;
        }
        // Pinned objects have a heap of their own, so sockets and files use them in place and no collection copies them.
        return GC.AllocateUninitializedArray<byte>(SegmentSize, pinned: true);
    }

    /// <summary>Takes back what a part had.</summary>
    internal void Return(ReadOnlySpan<byte[]?> segments, long size, bool ahead)
    {
        lock (_lock)
        {
            foreach (var segment in segments)
                if (segment is not null)
                    _free.Push(segment);
            if (ahead)
                _ahead -= size;
            else
                _sending -= size;
            Serve();
            if (_sending + _ahead == 0)
                _idle?.Change(_keep, Timeout.InfiniteTimeSpan);
        }
    }

    // A process that has nothing to do collects no garbage either: without a collection the system would get nothing back.
    private void Release()
    {
        lock (_lock)
        {
            if (_sending + _ahead > 0 || _free.Count == 0)
                return;
            _free.Clear();
            _free.TrimExcess();
        }
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private static long Rounded(long bytes) => Math.Max(1, (bytes + SegmentSize - 1) / SegmentSize) * SegmentSize;

    private bool Fits(long size) =>
        _sending + _ahead + size <= Limit && (_readers == 0 || _sending + size <= Half);

    private PartBuffer Take(long size, long bytes)
    {
        _sending += size;
        Peak = Math.Max(Peak, _sending + _ahead);
        return new PartBuffer(this, bytes, size, ahead: false);
    }

    private void Serve()
    {
        while (_waiting.First is { Value: var first } && Fits(first.Size))
        {
            _waiting.RemoveFirst();
            first.Node = null;
            first.Granted.SetResult(Take(first.Size, first.Bytes));
        }
    }

    private async ValueTask<PartBuffer> WaitAsync(Waiter waiter, CancellationToken cancel)
    {
        using var span = PailTelemetry.Begin("wait for memory");
        await using var registration = cancel.UnsafeRegister(_ => GiveUp(waiter, cancel), null);
        return await waiter.Granted.Task;
    }

    private void GiveUp(Waiter waiter, CancellationToken cancel)
    {
        lock (_lock)
        {
            if (waiter.Node is not { } node)
                return;
            _waiting.Remove(node);
            waiter.Node = null;
            waiter.Granted.SetCanceled(cancel);
            Serve();
        }
    }

    private sealed class Waiter(long size, long bytes)
    {
        public long Size => size;

        public long Bytes => bytes;

        public LinkedListNode<Waiter>? Node { get; set; }

        public TaskCompletionSource<PartBuffer> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
