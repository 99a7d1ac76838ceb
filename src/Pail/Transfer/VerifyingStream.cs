using System.Security.Cryptography;
using Pail.Io;
using Pail.Oci;

namespace Pail.Transfer;

/// <summary>Passes bytes through and checks them: the read that reaches the end throws if size or digest differ from the descriptor.</summary>
internal sealed class VerifyingStream : ReadOnlyStream
{
    private readonly Stream _inner;
    private readonly Descriptor _blob;
    private readonly IncrementalHash _hash;
    private long _seen;
    private bool _verified;

    /// <summary>Checks a stream that begins at the blob's first byte.</summary>
    /// <param name="inner">The bytes; disposed with this.</param>
    /// <param name="blob">What they must be.</param>
    public VerifyingStream(Stream inner, Descriptor blob)
        : this(inner, blob, Digest.CreateHash(blob.Digest.Algorithm), 0)
    {
    }

    /// <summary>Checks a stream that begins later, for who has the bytes before it and has hashed them.</summary>
    /// <param name="inner">The bytes; disposed with this.</param>
    /// <param name="blob">What the whole must be.</param>
    /// <param name="hash">The hash of the bytes before; disposed with this.</param>
    /// <param name="offset">How many bytes those are.</param>
    public VerifyingStream(Stream inner, Descriptor blob, IncrementalHash hash, long offset) =>
        (_inner, _blob, _hash, _seen) = (inner, blob, hash, offset);

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        var read = await _inner.ReadAsync(buffer, cancellationToken);
        if (read == 0)
            RequireMatch();
        Take(buffer.Span[..read]);
        return read;
    }

    /// <summary>Hands the source's own memory on to the destination, where the source can do so.</summary>
    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        await using (var tee = new Tee(this, destination))
            await _inner.CopyToAsync(tee, bufferSize, cancellationToken);
        RequireMatch();
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        await base.DisposeAsync();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
            _hash.Dispose();
        }
        base.Dispose(disposing);
    }

    private void RequireRoom(int bytes)
    {
        if (_seen + bytes > _blob.Size)
            throw BlobMismatch.TooLong(_blob);
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        RequireRoom(bytes.Length);
        _hash.AppendData(bytes);
        _seen += bytes.Length;
    }

    private void RequireMatch()
    {
        if (!_verified)
            BlobMismatch.ThrowIfDifferent(_blob, _seen, _hash);
        _verified = true;
    }

    private sealed class Tee(VerifyingStream owner, Stream destination) : ReadOnlyStream
    {
        public override bool CanRead => false;

        public override bool CanWrite => true;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            owner.Take(buffer.AsSpan(offset, count));
            destination.Write(buffer, offset, count);
        }

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            owner.RequireRoom(buffer.Length);
            // Files are written on another thread: hash meanwhile.
            var written = destination.WriteAsync(buffer, cancellationToken);
            owner.Take(buffer.Span);
            await written;
        }
    }
}
