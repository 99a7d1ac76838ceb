using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Pail.Io;

namespace Pail.Stores.Folder;

/// <summary>Bytes in and out of files.</summary>
internal static class FolderIO
{
    private const int BufferSize = 1 << 20;

    /// <summary>Writes a sequence at an offset.</summary>
    public static void Write(SafeFileHandle file, ReadOnlySequence<byte> body, long offset)
    {
        foreach (var segment in body)
        {
            RandomAccess.Write(file, segment.Span, offset);
            offset += segment.Length;
        }
    }

    /// <summary>Copies bytes from file to file: by the kernel, which shares the blocks where the file system can (XFS, Btrfs), else through memory.</summary>
    public static void Copy(SafeFileHandle from, long offset, SafeFileHandle to, long toOffset, long length, CancellationToken cancel)
    {
        byte[]? buffer = null;
        while (length > 0)
        {
            cancel.ThrowIfCancellationRequested();
            var copied = buffer is null ? Posix.CopyRange(from, offset, to, toOffset, length) : -1;
            if (copied <= 0)
            {
                buffer ??= new byte[BufferSize];
                copied = RandomAccess.Read(from, buffer.AsSpan(0, (int)Math.Min(length, buffer.Length)), offset);
                if (copied == 0)
                    throw new EndOfStreamException("The source became shorter while it was copied.");
                RandomAccess.Write(to, buffer.AsSpan(0, (int)copied), toOffset);
            }
            offset += copied;
            toOffset += copied;
            length -= copied;
        }
    }
}

/// <summary>A range of an open file as a stream, which closes the file.</summary>
internal sealed class FolderRangeStream(SafeFileHandle file, long offset, long length) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer) => Advance(buffer.Length, RandomAccess.Read(file, buffer[..Wanted(buffer.Length)], offset + _position));

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Advance(buffer.Length, await RandomAccess.ReadAsync(file, buffer[..Wanted(buffer.Length)], offset + _position, cancellationToken));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            file.Dispose();
        base.Dispose(disposing);
    }

    private int Wanted(int count) => (int)Math.Min(count, length - _position);

    private int Advance(int asked, int read)
    {
        if (read == 0 && asked > 0 && _position < length)
            throw new EndOfStreamException("The file became shorter while it was read.");
        _position += read;
        return read;
    }
}
