using Pail.Io;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.Remote.Http;

/// <summary>Counts answers that broke off after next to nothing. Progress starts the count of tries afresh, but not progress by crumbs.</summary>
internal sealed class ShortReadLimiter
{
    private const int Most = 16;

    private const int Crumb = 256 << 10;

    private int _count;

    /// <summary>An answer broke off after so many bytes. True if that happened too often.</summary>
    public bool Add(long bytes) => bytes < Crumb && Interlocked.Increment(ref _count) > Most;
}

/// <summary>
/// A body as it arrives: exactly as many bytes as announced, or an exception. It fails when nothing comes for a while, and when
/// all that comes is a drip; only the time spent waiting counts, so a slow reader is not blamed on the registry.
/// </summary>
internal sealed class GuardedBody(RegistryAnswer answer, Stream body, StallGuard guard, long? length, RegistryOptions options, ShortReadLimiter crumbs) : ReadOnlyStream
{
    private long _position;
    private long _waited;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        using var caller = cancellationToken.UnsafeRegister(static guard => ((StallGuard)guard!).Cancel(), guard);
        int read;
        var began = options.Time.GetTimestamp();
        try
        {
            guard.Allow(options.Patience);
            read = await body.ReadAsync(buffer, guard.Token);
            guard.Pause();
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (OperationCanceledException e) when (guard.Expired)
        {
            throw Broken($"no byte arrived for {options.Patience.TotalSeconds:0.#} s", e);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw Broken("the connection broke", e);
        }
        _waited += options.Time.GetElapsedTime(began).Ticks;
        _position += read;
        if (_position > length)
            throw new PailException(Failure.BadContent, $"{answer.Address.Authority} sends more than the {length} bytes expected.");
        if (read == 0 && _position < length)
            throw Broken("the answer ended", null);
        if (read > 0 && _waited > options.Patience.Ticks && _position < options.SlowestRate * TimeSpan.FromTicks(_waited).TotalSeconds)
            throw new PailException(Failure.Unavailable, $"{answer.Address.Authority} sends no more than a drip: {_position} bytes in {TimeSpan.FromTicks(_waited).TotalSeconds:0.#} s. Given up.");
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            body.Dispose();
            answer.Dispose();
        }
        base.Dispose(disposing);
    }

    private PailException Broken(string why, Exception? cause)
    {
        var message = $"{answer.Address.Authority}: {why} after {_position}{(length is null ? "" : $" of {length}")} bytes.";
        return crumbs.Add(_position)
            ? new PailException(Failure.Unavailable, $"{message} That happened too often.", cause)
            : new StoreException(StoreError.Unavailable, message, cause);
    }
}
