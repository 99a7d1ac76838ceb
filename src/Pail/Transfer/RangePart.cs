using System.Threading.Channels;

namespace Pail.Transfer;

/// <summary>A stretch of an object on its way to a reader.</summary>
internal abstract class RangePart : IAsyncDisposable
{
    /// <summary>How much of the pool's memory it holds, in bytes.</summary>
    public abstract long Held { get; }

    /// <summary>The next bytes, some of them; empty at the end. They stay valid until the next call.</summary>
    public abstract ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancel);

    /// <summary>Ends the request and gives memory back. Whoever ends it early cancels its token before.</summary>
    public abstract ValueTask DisposeAsync();
}

/// <summary>Fetched into memory ahead of the reader, and readable while it comes.</summary>
internal sealed class AheadPart : RangePart
{
    private readonly PartBuffer _buffer;
    private readonly Task _fetch;

    // An event that resets itself, and ends with the fetch's error if it has one.
    private readonly Channel<bool> _arrived = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true, SingleWriter = true });

    private long _taken;

    public override long Held => _buffer.Capacity;

    public AheadPart(TransferEngine engine, RangedObject source, long from, PartBuffer buffer, CancellationToken cancel)
    {
        _buffer = buffer;
        _fetch = FetchAsync(new RangeRequest(engine, source, from, from + buffer.Capacity, counted: true), cancel);
    }

    public override async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancel)
    {
        if (_taken == _buffer.Capacity)
            return ReadOnlyMemory<byte>.Empty;
        while (_buffer.Length == _taken)
            if (await _arrived.Reader.WaitToReadAsync(cancel))
                _arrived.Reader.TryRead(out _);
        var bytes = _buffer.Slice(_taken, _buffer.Length);
        _taken += bytes.Length;
        return bytes;
    }

    public override async ValueTask DisposeAsync()
    {
        await _fetch;
        _buffer.Dispose();
    }

    private async Task FetchAsync(RangeRequest request, CancellationToken cancel)
    {
        await using var _ = request;
        try
        {
            while (!_buffer.IsFull)
            {
                _buffer.Advance(await request.ReadAsync(_buffer.GetMemory(), cancel));
                _arrived.Writer.TryWrite(true);
            }
            _arrived.Writer.Complete();
        }
        catch (Exception error)
        {
            // The reader hears of it when it gets here.
            _arrived.Writer.Complete(error);
        }
    }
}

/// <summary>Read over a connection of its own, as fast as it is taken: needs no memory from the pool.</summary>
internal sealed class DirectPart(TransferEngine engine, RangedObject source, long from, long to) : RangePart
{
    private readonly RangeRequest _request = new(engine, source, from, to, counted: false);
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(64 * 1024, to - from));

    public override long Held => 0;

    public override async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancel) =>
        _buffer.AsMemory(0, await _request.ReadAsync(_buffer, cancel));

    public override ValueTask DisposeAsync() => _request.DisposeAsync();
}
