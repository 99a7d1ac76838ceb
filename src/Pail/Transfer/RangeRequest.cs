using Pail.Stores;

namespace Pail.Transfer;

/// <summary>A range of an object being read; when a request breaks or stalls, the next goes on where it ended.</summary>
/// <param name="engine">How to try again.</param>
/// <param name="source">The object.</param>
/// <param name="from">The first byte.</param>
/// <param name="to">Where the range ends, exclusive.</param>
/// <param name="counted">True to take a turn at the engine's connections while a request runs: only if its bytes go to memory held already.</param>
internal sealed class RangeRequest(TransferEngine engine, RangedObject source, long from, long to, bool counted) : IAsyncDisposable
{
    private readonly Retry.Tries _tries = engine.Retry.Begin();
    private Running? _running;
    private long _position = from;

    /// <summary>Reads some bytes; 0 only at the range's end.</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        if (_position == to)
            return 0;
        if (buffer.Length > to - _position)
            buffer = buffer[..(int)(to - _position)];
        while (true)
        {
            try
            {
                _running ??= await OpenAsync(cancel);
                var read = await _running.ReadAsync(buffer, cancel);
                if (read == 0)
                    throw new StoreException(StoreError.Unavailable, $"{source.Name}: the answer ended early, at byte {_position}.");
                _tries.Progressed();
                _position += read;
                if (_position == to)
                    await CloseAsync();
                return read;
            }
            catch (Exception error) when (_tries.Again(error, cancel))
            {
                await CloseAsync();
                await _tries.WaitAsync(cancel);
            }
            catch (Exception error) when (Retry.IsTransient(error) && !cancel.IsCancellationRequested)
            {
                // Tried often enough: whoever reads this must not begin to count again.
                throw new PailException(Failure.Unavailable, $"{error.Message} Gave up after {engine.Options.Retry.Attempts} tries.", error);
            }
        }
    }

    public ValueTask DisposeAsync() => CloseAsync();

    private async ValueTask<Running> OpenAsync(CancellationToken cancel)
    {
        var running = new Running(engine.Retry, source.Name, counted ? await engine.EnterAsync(cancel) : null);
        try
        {
            await running.BeginAsync(token => source.GetAsync(_position, to, token), cancel);
            return running;
        }
        catch
        {
            await running.DisposeAsync();
            throw;
        }
    }

    private ValueTask CloseAsync() => Interlocked.Exchange(ref _running, null) is { } running ? running.DisposeAsync() : ValueTask.CompletedTask;

    /// <summary>One request and its clock: each step must bring something before the stall timeout.</summary>
    private sealed class Running(Retry retry, string name, TransferEngine.Turn? turn) : IAsyncDisposable
    {
        private readonly TimeSpan _limit = retry.Options.StallTimeout;
        private readonly CancellationTokenSource _clock = new(Timeout.InfiniteTimeSpan, retry.Time);
        private ObjectContent? _content;

        public async Task BeginAsync(Func<CancellationToken, Task<ObjectContent>> get, CancellationToken cancel) =>
            _content = await TimedAsync(new ValueTask<ObjectContent>(get(_clock.Token)), cancel);

        public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel) =>
            TimedAsync(_content!.Body.ReadAsync(buffer, _clock.Token), cancel);

        public async ValueTask DisposeAsync()
        {
            try
            {
                if (_content is not null)
                    await _content.DisposeAsync();
            }
            finally
            {
                _clock.Dispose();
                turn?.Dispose();
            }
        }

        private async ValueTask<T> TimedAsync<T>(ValueTask<T> step, CancellationToken cancel)
        {
            if (step.IsCompletedSuccessfully)
                return step.Result;
            _clock.CancelAfter(_limit);
            await using var registration = cancel.UnsafeRegister(static clock => ((CancellationTokenSource)clock!).Cancel(), _clock);
            try
            {
                return await step;
            }
            catch (Exception error) when (_clock.IsCancellationRequested && !cancel.IsCancellationRequested)
            {
                throw new StoreException(StoreError.Unavailable, $"{name}: nothing came for {_limit.TotalSeconds:0} s.", error);
            }
            finally
            {
                _clock.CancelAfter(Timeout.InfiniteTimeSpan);
            }
        }
    }
}
