using Microsoft.Win32.SafeHandles;
using Pail.Io;

namespace Pail.Tar;

/// <summary>
/// A tar being written, in which the same files always come in the same order, that of their paths. Each gets its place
/// before its bytes come, so that several can come at once. <c>System.Formats.Tar.TarWriter</c> can't do that: it writes one entry
/// after the other, and takes the size from the content, which must be there.
/// </summary>
/// <param name="file">Where it is written; empty.</param>
internal sealed class TarFile(SafeFileHandle file)
{
    // Far beyond any disk; what else comes to it can be added without overflow.
    private const long MaxSize = 1L << 60;

    private readonly SortedDictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private long _end;

    private sealed record Place(long Offset, long Size, byte[] Header)
    {
        public bool Written { get; set; }

        public long Start => Offset + Header.Length;

        public long End => Start + Size + TarBlock.Padding(Size);
    }

    /// <summary>Keeps places for files whose bytes come later. What follows them all needs no moving at the end.</summary>
    public void Reserve(IEnumerable<(string Path, long Size)> files)
    {
        lock (_lock)
            foreach (var (path, size) in files.OrderBy(file => file.Path, StringComparer.Ordinal))
                Find(path, size);
    }

    /// <summary>Writes a file: <paramref name="write"/> must write exactly its bytes, or throw.</summary>
    /// <returns>False if it was written before.</returns>
    public async Task<bool> WriteAsync(string path, long size, Func<Stream, Task> write, CancellationToken cancel)
    {
        Place place;
        lock (_lock)
            place = Find(path, size);
        if (place.Written)
            return false;
        await RandomAccess.WriteAsync(file, place.Header, place.Offset, cancel);
        await using var content = new Content(file, place.Start);
        await write(content);
        lock (_lock)
            place.Written = true;
        return true;
    }

    /// <summary>Ends the archive in place, if all its files lie in order without gaps.</summary>
    /// <returns>False if they don't; then <see cref="CopyToAsync"/> makes one in which they do.</returns>
    public async Task<bool> TryFinishAsync(CancellationToken cancel)
    {
        var end = 0L;
        foreach (var place in _places.Values)
        {
            if (!place.Written || place.Offset != end)
                return false;
            end = place.End;
        }
        // Padding and the two blocks of zeros that end it: growing a file fills it with zeros.
        RandomAccess.SetLength(file, end);
        await RandomAccess.WriteAsync(file, new byte[2 * TarBlock.Size], end, cancel);
        return true;
    }

    /// <summary>Copies the files that were written into another tar, in order.</summary>
    public async Task CopyToAsync(TarFile other, CancellationToken cancel)
    {
        foreach (var (path, place) in _places)
            if (place.Written)
                await other.WriteAsync(path, place.Size, async to =>
                {
                    await using var from = new FileRange(file, place.Start, place.Size);
                    await from.CopyToAsync(to, 1 << 20, cancel);
                }, cancel);
    }

    private Place Find(string path, long size)
    {
        if (_places.TryGetValue(path, out var place))
            return place.Size == size ? place : throw new PailException(Failure.BadContent, $"{path} is named with two sizes, {place.Size} and {size} bytes.");
        if (size > MaxSize - _end)
            throw new PailException(Failure.BadContent, $"{path} is said to have {size} bytes, more than an archive can hold.");
        place = new Place(_end, size, TarBlock.ForFile(path, size));
        _places.Add(path, place);
        _end = place.End;
        return place;
    }

    private sealed class Content(SafeFileHandle file, long offset) : WriteOnlyStream
    {
        private long _position = offset;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await RandomAccess.WriteAsync(file, buffer, _position, cancellationToken);
            _position += buffer.Length;
        }
    }
}
