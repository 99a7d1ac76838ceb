using Pail.Io;

namespace Pail.Stores;

/// <summary>
/// The bytes of an object, or of a range of it, read on where a connection broke. What is opened again must be the same version.
/// Tries are counted from the last byte that came.
/// </summary>
internal sealed class ResumingBody : ReadOnlyStream
{
    private readonly RangeOpener _open;
    private readonly string _name;
    private readonly string _etag;
    private readonly long _end;
    private readonly Retry.Tries _tries;
    private ObjectContent? _content;
    private long _position;

    private ResumingBody(RangeOpener open, string name, long start, ObjectContent first, Retry retry)
    {
        (_open, _name, _etag, _content) = (open, name, first.Info.ETag, first);
        (_position, _end, _tries) = (start, start + first.Length, retry.Begin());
    }

    /// <summary>Opens an object or a range of it, trying again where that may help; null if there is none.</summary>
    /// <param name="open">Makes one request.</param>
    /// <param name="name">The object, for messages.</param>
    /// <param name="range">Which bytes; null for all.</param>
    /// <param name="retry">How often and how soon to try again.</param>
    /// <param name="cancel">Ends opening it; later reads have tokens of their own.</param>
    public static async Task<ObjectContent?> OpenAsync(RangeOpener open, string name, ByteRange? range, Retry retry, CancellationToken cancel) =>
        await retry.RunAsync(token => open(range, token), cancel) is { } first
            ? new ObjectContent(first.Info, new ResumingBody(open, name, range?.First ?? 0, first, retry), first.Length)
            : null;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (true)
        {
            try
            {
                _content ??= await ReopenAsync(cancellationToken);
                var read = await _content.Body.ReadAsync(buffer, cancellationToken);
                if (read == 0 && _position < _end)
                    throw new StoreException(StoreError.Unavailable, $"{_name}: the answer ended early, at byte {_position}.");
                if (read > 0)
                    _tries.Progressed();
                _position += read;
                return read;
            }
            catch (Exception error) when (Retry.IsTransient(error) && !cancellationToken.IsCancellationRequested)
            {
                await CloseAsync();
                await _tries.NextAsync(error, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await CloseAsync();
        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Interlocked.Exchange(ref _content, null)?.Body.Dispose();
        base.Dispose(disposing);
    }

    private async Task<ObjectContent> ReopenAsync(CancellationToken cancel)
    {
        // The body outlives this call and what may cancel it; each read has its own token.
        using var opening = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var again = await _open(ByteRange.Of(_position, _end - _position), opening.Token);
        if (again is not null && again.Info.ETag == _etag)
            return again;
        if (again is not null)
            await again.DisposeAsync();
        throw new PailException(Failure.Conflict, $"{_name} was changed or removed while it was read. Try again.");
    }

    private async ValueTask CloseAsync()
    {
        if (Interlocked.Exchange(ref _content, null) is { } content)
            await content.DisposeAsync();
    }
}
