using Pail.Io;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Buckets;

/// <summary>The bytes of several objects one after the other, each read ahead in parallel.</summary>
internal sealed class PieceStream(TransferEngine engine, IObjectStore store, IReadOnlyList<(string Key, long Size)> pieces, long offset) : ReadOnlyStream
{
    private int _next;
    private long _skip = offset;
    private Stream? _current;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_current is not null || OpenNext())
        {
            var read = await _current!.ReadAsync(buffer, cancellationToken);
            if (read > 0 || buffer.IsEmpty)
                return read;
            await _current.DisposeAsync();
            _current = null;
        }
        return 0;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_current is not null)
            await _current.DisposeAsync();
        await base.DisposeAsync();
    }

    private bool OpenNext()
    {
        for (; _next < pieces.Count && _skip >= pieces[_next].Size; _next++)
            _skip -= pieces[_next].Size;
        if (_next == pieces.Count)
            return false;
        _current = engine.OpenRead(store, pieces[_next].Key, pieces[_next].Size, _skip);
        _skip = 0;
        _next++;
        return true;
    }
}
