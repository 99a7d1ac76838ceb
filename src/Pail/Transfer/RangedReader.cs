using Pail.Io;

namespace Pail.Transfer;

/// <summary>An object's bytes in order, fetched ahead in parallel ranges.</summary>
/// <remarks>
/// Parts are asked for when the one before them in the window is reached. What finds memory goes ahead; when not even
/// the part being read finds some, it is read directly. So reading never waits for memory: see <see cref="BufferPool"/>.
/// </remarks>
internal sealed class RangedReader(TransferEngine engine, RangedObject source, long offset) : ReadOnlyStream
{
    // A GET costs a twelfth of a PUT: parts are small, so that many move at once.
    private const long PartSize = PartPlan.Smallest;

    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<RangePart> _parts = [];
    private ReadOnlyMemory<byte> _bytes;
    private long _asked = offset;
    private long _held;
    private bool _started;
    private bool _disposed;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (buffer.IsEmpty)
        {
            await StartAsync(cancellationToken);
            return 0;
        }
        if (_bytes.IsEmpty)
            _bytes = await NextAsync(cancellationToken);
        var count = Math.Min(buffer.Length, _bytes.Length);
        _bytes.Span[..count].CopyTo(buffer.Span);
        _bytes = _bytes[count..];
        return count;
    }

    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_bytes.IsEmpty)
            _bytes = await NextAsync(cancellationToken);
        while (!_bytes.IsEmpty)
        {
            await destination.WriteAsync(_bytes, cancellationToken);
            _bytes = await NextAsync(cancellationToken);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (!_disposed)
        {
            _disposed = true;
            await EndAsync();
        }
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_disposed)
        {
            _disposed = true;
            // Nobody can wait here; requests end and memory comes back in the background.
            _ = EndAsync();
        }
        base.Dispose(disposing);
    }

    private async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancel)
    {
        await StartAsync(cancel);
        while (_parts.TryPeek(out var part))
        {
            var bytes = await part.NextAsync(cancel);
            if (!bytes.IsEmpty)
                return bytes;
            _parts.Dequeue();
            _held -= part.Held;
            await part.DisposeAsync();
            AskAhead();
        }
        return ReadOnlyMemory<byte>.Empty;
    }

    private async ValueTask StartAsync(CancellationToken cancel)
    {
        if (_started)
            return;
        _started = true;
        engine.Buffers.EnterReader();
        // Of an empty object no range can be asked for, but it must be there.
        if (source.Size == 0)
            await (await source.GetAsync(0, 0, cancel)).DisposeAsync();
        AskAhead();
    }

    private void AskAhead()
    {
        while (_asked < source.Size && _parts.Count < engine.Options.Connections)
        {
            var length = Math.Min(PartSize, source.Size - _asked);
            if (engine.Buffers.TryRentAhead(length, _held) is { } memory)
            {
                _held += length;
                _parts.Enqueue(new AheadPart(engine, source, _asked, memory, _stop.Token));
            }
            else if (_parts.Count == 0)
            {
                _parts.Enqueue(new DirectPart(engine, source, _asked, _asked + length));
            }
            else
            {
                return;
            }
            _asked += length;
        }
    }

    private async Task EndAsync()
    {
        _bytes = default;
        await _stop.CancelAsync();
        foreach (var part in _parts)
            await part.DisposeAsync();
        _parts.Clear();
        _stop.Dispose();
        if (_started)
            engine.Buffers.LeaveReader();
    }
}
