using Pail.Stores;

namespace Pail.Transfer;

/// <summary>A range of an object being read; when a request breaks, the next goes on where it ended.</summary>
/// <param name="engine">How to try again.</param>
/// <param name="source">The object.</param>
/// <param name="from">The first byte.</param>
/// <param name="to">Where the range ends, exclusive.</param>
/// <param name="counted">True to take a turn at the engine's connections while a request runs: only if its bytes go to memory held already.</param>
internal sealed class RangeRequest(TransferEngine engine, RangedObject source, long from, long to, bool counted) : IAsyncDisposable
{
    private readonly Retry.Tries _tries = engine.Retry.Begin();
    private TransferEngine.Turn? _turn;
    private ObjectContent? _content;
    private long _position = from;

    /// <summary>Reads some bytes; 0 only at the range's end. What is cancelled can be read on.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        if (buffer.Length > to - _position)
            buffer = buffer[..(int)(to - _position)];
        while (_position < to)
        {
            try
            {
                var content = _content ??= await OpenAsync(cancel);
                var read = await content.Body.ReadAsync(buffer, cancel);
                if (read == 0)
                    throw new StoreException(StoreError.Unavailable, $"{source.Name}: the answer ended early, at byte {_position}.");
                _tries.Progressed();
                _position += read;
                if (_position == to)
                    await DisposeAsync();
                return read;
            }
            catch (Exception error)
            {
                await DisposeAsync();
                if (_tries.Again(error, cancel))
                    await _tries.WaitAsync(cancel);
                else if (Retry.IsTransient(error) && !cancel.IsCancellationRequested)
                    // Tried often enough: whoever reads this must not begin to count again.
                    throw new PailException(Failure.Unavailable, $"{error.Message} Gave up after {engine.Options.Retry.Attempts} tries.", error);
                else
                    throw;
            }
        }
        return 0;
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
