using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using Pail.Tar;

namespace Pail.Compare;

/// <summary>
/// Hashes the content of files so that holes cost nothing: blocks of zeros are left out, the others go in with their place. A file has the
/// same hash whether a layer stores its holes or not, and a small layer that states huge files takes no longer than its own bytes.
/// </summary>
internal sealed class ContentHash : IDisposable
{
    private const int Block = 4096;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[64 << 10];
    private readonly byte[] _block = new byte[Block];
    private readonly byte[] _place = new byte[sizeof(long)];
    private long _current;

    /// <summary>Returns the hash of a file's content, in two halves. Its size is no part of it.</summary>
    /// <param name="file">Where it is stored. Read synchronously: the bytes were just written, and most files are small.</param>
    /// <param name="start">Where it begins.</param>
    /// <param name="length">How many bytes are stored of it.</param>
    /// <param name="sparse">Where they belong, if it is a sparse file.</param>
    /// <param name="cancel">Interrupts it.</param>
    public (UInt128, UInt128) Of(SafeFileHandle file, long start, long length, SparseMap? sparse, CancellationToken cancel)
    {
        _current = 0;
        foreach (var (offset, part) in sparse?.Parts ?? [(0, length)])
            for (var done = 0L; done < part;)
            {
                cancel.ThrowIfCancellationRequested();
                var read = RandomAccess.Read(file, _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, part - done)), start);
                if (read == 0)
                    throw new EndOfStreamException("A temporary file became shorter while it was read.");
                Add(offset + done, _buffer.AsSpan(0, read));
                (start, done) = (start + read, done + read);
            }
        Flush();
        var bytes = _hash.GetHashAndReset();
        return (BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes.AsSpan(16)));
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private void Add(long offset, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (offset / Block != _current)
                Flush();
            _current = offset / Block;
            var place = (int)(offset % Block);
            var length = Math.Min(bytes.Length, Block - place);
            bytes[..length].CopyTo(_block.AsSpan(place));
            offset += length;
            bytes = bytes[length..];
        }
    }

    private void Flush()
    {
        if (!_block.AsSpan().ContainsAnyExcept((byte)0))
            return;
        BinaryPrimitives.WriteInt64BigEndian(_place, _current);
        _hash.AppendData(_place);
        _hash.AppendData(_block);
        _block.AsSpan().Clear();
    }
}
