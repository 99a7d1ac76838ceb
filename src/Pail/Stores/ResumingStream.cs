using System.Diagnostics;
using Pail.Io;

namespace Pail.Stores;

/// <summary>The bytes of a blob from a source that may break: opened again at the offset reached, a bounded number of times without progress.</summary>
/// <param name="open">Opens the source at an offset.</param>
/// <param name="retry">How often and how soon.</param>
/// <param name="offset">Where to begin, in bytes.</param>
internal sealed class ResumingStream(BlobOpener open, Retry retry, long offset = 0) : ReadOnlyStream
{
    private readonly Retry.Tries _tries = retry.Begin();
    private Stream? _inner;
    private long _position = offset;

    /// <summary>How far it has read, in bytes from the blob's beginning.</summary>
    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            try
            {
                await OpenAsync(cancellationToken);
                var read = await _inner!.ReadAsync(buffer, cancellationToken);
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

    /// <summary>Opens the source now instead of at the first read.</summary>
    public async Task EnsureOpenAsync(CancellationToken cancel)
    {
        // Reading nothing opens it, tries again if need be, and returns 0.
        var nothing = await ReadAsync(Memory<byte>.Empty, cancel);
        Debug.Assert(nothing == 0);
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
            _inner?.Dispose();
        base.Dispose(disposing);
    }

    private async Task OpenAsync(CancellationToken cancel) => _inner ??= await open(_position, cancel);

    private async Task CloseAsync()
    {
        if (Interlocked.Exchange(ref _inner, null) is { } inner)
            await inner.DisposeAsync();
    }
}
