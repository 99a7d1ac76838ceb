using Pail.Io;

namespace Pail.Tests.Images;

/// <summary>Breaks off after so many bytes.</summary>
internal sealed class BreakingStream(byte[] bytes, int after) : ReadOnlyStream
{
    private int _position;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position == after)
            throw new IOException("The connection broke.");
        var count = Math.Min(buffer.Length, after - _position);
        bytes.AsMemory(_position, count).CopyTo(buffer);
        _position += count;
        return ValueTask.FromResult(count);
    }
}

/// <summary>Counts what it hears.</summary>
internal sealed class CountingProgress : IBlobProgress
{
    private long _bytes;

    public long Bytes => _bytes;

    public void Advance(long bytes) => Interlocked.Add(ref _bytes, bytes);

    public void Done(BlobOutcome outcome)
    {
    }
}
