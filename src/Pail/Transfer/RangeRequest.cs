using Pail.Stores;

namespace Pail.Transfer;

/// <summary>A range of an object being read. The request is made at the first read.</summary>
/// <param name="engine">Whose connections it counts among.</param>
/// <param name="source">The object.</param>
/// <param name="from">The first byte.</param>
/// <param name="to">Where the range ends, exclusive.</param>
/// <param name="counted">True to take a turn at the engine's connections while the request runs: only if its bytes go to memory held already.</param>
internal sealed class RangeRequest(TransferEngine engine, RangedObject source, long from, long to, bool counted) : IAsyncDisposable
{
    private TransferEngine.Turn? _turn;
    private ObjectContent? _content;
    private long _position = from;

    /// <summary>Reads some bytes; 0 only at the range's end. What is cancelled can be read on.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        if (_position == to)
            return 0;
        if (buffer.Length > to - _position)
            buffer = buffer[..(int)(to - _position)];
        try
        {
            var content = _content ??= await OpenAsync(cancel);
            var read = await content.Body.ReadAsync(buffer, cancel);
            _position += read;
            if (_position == to)
                await DisposeAsync();
            return read;
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the request that runs, if any.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_content is not null)
                await _content.DisposeAsync();
        }
        finally
        {
            _turn?.Dispose();
            (_content, _turn) = (null, null);
        }
    }

    private async Task<ObjectContent> OpenAsync(CancellationToken cancel)
    {
        if (counted)
            _turn = await engine.EnterAsync(cancel);
        // The body outlives this call and what may cancel it; each read has its own token.
        using var opening = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        return await source.GetAsync(_position, to, opening.Token);
    }
}
