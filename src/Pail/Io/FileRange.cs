using Microsoft.Win32.SafeHandles;

namespace Pail.Io;

/// <summary>A stretch of a file that others may be reading too.</summary>
/// <param name="file">The file; not disposed with this.</param>
/// <param name="offset">Where the stretch begins.</param>
/// <param name="length">How many bytes it has.</param>
internal sealed class FileRange(SafeFileHandle file, long offset, long length) : ReadOnlyStream
{
    private long _position;

    public override bool CanSeek => true;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => _position = value >= 0 && value <= length ? value : throw new ArgumentOutOfRangeException(nameof(value));
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var wanted = (int)Math.Min(buffer.Length, length - _position);
        if (wanted == 0)
            return 0;
        var read = await RandomAccess.ReadAsync(file, buffer[..wanted], offset + _position, cancellationToken);
        _position += read;
        return read > 0 ? read : throw new EndOfStreamException("A file became shorter while it was read.");
    }
}
