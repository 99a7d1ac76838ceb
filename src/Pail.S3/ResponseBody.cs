using Pail.Io;
using Pail.Stores;
using Pail.Transfer;

namespace Pail.S3;

/// <summary>The bytes of an object as they arrive: exactly as many as announced, or an exception.</summary>
internal sealed class ResponseBody(HttpResponseMessage response, S3Call? call, Stream body, long length, StallGuard guard, TimeSpan stall, Func<string, Exception?, StoreException> broken) : ReadOnlyStream
{
    private long _position;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        using var caller = cancellationToken.UnsafeRegister(static guard => ((StallGuard)guard!).Cancel(), guard);
        int read;
        try
        {
            guard.Allow(stall);
            read = await body.ReadAsync(buffer, guard.Token);
            guard.Pause();
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && guard.Expired)
        {
            throw broken($"no byte arrived for {stall.TotalSeconds:0.#} s, {_position} of {length} had", e);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw broken($"the connection broke after {_position} of {length} bytes", e);
        }
        _position += read;
        if (_position > length)
            throw broken($"more than the {length} bytes announced arrived", null);
        if (read == 0 && _position < length)
            throw broken($"the connection ended after {_position} of {length} bytes", null);
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            body.Dispose();
            response.Dispose();
            call?.Dispose();
            guard.Dispose();
        }
        base.Dispose(disposing);
    }
}
