using Pail.Io;
using Pail.Oci;

namespace Pail.Tar;

/// <summary>Reads a tar forwards, unpacking nothing.</summary>
/// <remarks>
/// Not <c>System.Formats.Tar</c>: that takes an extended header of any stated size into memory, so that a small file
/// fills gigabytes. Here, whatever comes, memory is a few blocks and one header of at most 1 MiB.
/// </remarks>
/// <param name="archive">The tar, from its first byte.</param>
/// <param name="name">Its address, for messages.</param>
/// <param name="maxEntries">How many entries it may have.</param>
internal sealed class TarScanner(Stream archive, string name, int maxEntries = TarScanner.MaxEntries)
{
    /// <summary>How many entries an archive may have.</summary>
    public const int MaxEntries = 1 << 18;

    private const int MaxExtendedHeader = 1 << 20;

    // Far above what a file system holds, far below where sums overflow.
    private const long MaxLength = 1L << 60;

    private readonly byte[] _block = new byte[TarBlock.Size];
    private long _unread;
    private int _padding;
    private int _entries;

    /// <summary>How many bytes of the archive have been read or passed over.</summary>
    public long Position { get; private set; }

    /// <summary>Where the header of the entry last returned begins.</summary>
    public long HeaderOffset { get; private set; }

    /// <summary>Where its pax records begin, and how long they are; null if it has none.</summary>
    public (long Offset, int Length)? Records { get; private set; }

    /// <summary>The next entry; null at the end. What was not read of the one before is passed over.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is no tar, ends early, or holds what no image's archive does.</exception>
    public async Task<TarEntry?> NextAsync(CancellationToken cancel)
    {
        try
        {
            return await ReadEntryAsync(cancel);
        }
        catch (FormatException e)
        {
            throw Bad(e.Message, e);
        }
    }

    /// <summary>The content of an entry just returned, the holes of a sparse file filled. It lasts until the next is asked for.</summary>
    public Stream OpenContent(TarEntry entry) => entry.Sparse is { } sparse ? sparse.Expand(new Content(this)) : new Content(this);

    private async Task<TarEntry?> ReadEntryAsync(CancellationToken cancel)
    {
        var extended = default(PaxRecords);
        Records = null;
        while (true)
        {
            await PassRestAsync(cancel);
            if (!await ReadBlockAsync(cancel) || new TarBlock(_block) is not { IsEnd: false } block)
                return await EndAsync(cancel);
            if (!block.IsValid())
                throw new FormatException(_entries == 0 ? "it is not a tar" : $"a header after {_entries} entries is damaged");
            if (++_entries > maxEntries)
                throw new FormatException($"it has more than {maxEntries} entries");
            Begin(block.Length);
            switch (block.Type)
            {
                case 'x':
                    Records = (Position, (int)Math.Min(_unread, MaxExtendedHeader));
                    extended = PaxRecords.Parse(await ReadHeaderAsync(cancel));
                    break;
                case 'L':
                    extended = extended with { Path = Text(await ReadHeaderAsync(cancel)) };
                    break;
                case 'K':
                    extended = extended with { Target = Text(await ReadHeaderAsync(cancel)) };
                    break;
                case 'g':
                    // Holds for all entries after it: comments, in practice.
                    break;
                case 'M':
                    throw new FormatException("it is a part of several");
                default:
                    HeaderOffset = Position - TarBlock.Size;
                    return await WithPartsAsync(Entry(block, extended), block, extended, cancel);
            }
        }
    }

    // Two blocks of zeros end an archive; what follows them is nothing of it. Behind a single one, other readers find more entries, or an error.
    private async Task<TarEntry?> EndAsync(CancellationToken cancel) =>
        await ReadBlockAsync(cancel) && new TarBlock(_block) is { IsEnd: false } next && next.IsValid()
            ? throw new FormatException($"it goes on behind a single block of zeros, after {_entries} entries")
            : null;

    // Of a sparse file: which parts follow. They are told in the pax records, before the content, or in the header and blocks behind it.
    private async Task<TarEntry> WithPartsAsync(TarEntry entry, TarBlock block, PaxRecords extended, CancellationToken cancel)
    {
        if (entry.Kind != TarKind.File || (block.Type != 'S' && extended.SparseSize is null))
            return entry;
        var numbers = extended.SparseParts?.ToList() ?? [];
        var size = extended.SparseSize ?? block.SparseSize;
        if (block.Type == 'S')
        {
            var (parts, hasMore) = block.Sparse;
            SparseMap.AddOld(parts.Span, numbers);
            for (var more = new byte[TarBlock.Size]; hasMore; hasMore = more[504] != 0)
            {
                if (numbers.Count > MaxExtendedHeader / 16)
                    throw new FormatException("the map of a sparse file is too long");
                await archive.ReadExactlyAsync(more, cancel);
                Position += more.Length;
                SparseMap.AddOld(more.AsSpan(0, 504), numbers);
            }
        }
        else if (extended.SparseParts is null)
        {
            numbers = await SparseMap.ReadAsync(new Content(this), MaxExtendedHeader, cancel);
        }
        return entry with { Size = size, Type = '0', Sparse = SparseMap.Of(size, numbers, _unread) };
    }

    private TarEntry Entry(TarBlock block, PaxRecords extended)
    {
        var path = extended.SparseName ?? extended.Path ?? block.Name;
        var kind = block.Type switch
        {
            '0' or '7' or 'S' when !path.EndsWith('/') => TarKind.File,
            '1' => TarKind.HardLink,
            '2' => TarKind.SymbolicLink,
            _ => TarKind.Other,
        };
        // Links, devices and directories have no content, whatever their size says.
        var length = block.Type is >= '1' and <= '6' ? 0 : extended.Length ?? block.Length;
        Begin(length);
        return new TarEntry(Clean(path), kind, kind == TarKind.File ? length : 0, block.Type is '1' or '2' ? extended.Target ?? block.Target : "") { Type = kind == TarKind.Other && path.EndsWith('/') ? '5' : block.Type };
    }

    private void Begin(long length) => (_unread, _padding) = length <= MaxLength
        ? (length, TarBlock.Padding(length))
        : throw new FormatException($"an entry states a size of {length} bytes");

    private static string Clean(string path)
    {
        // A "/" at the beginning is dropped, as engines do: distroless and kaniko write it. So is a folder before "..".
        var parts = new List<string>();
        foreach (var part in path.Split('/'))
            if (part is not ("" or "." or ".."))
                parts.Add(part);
            else if (part == ".." && parts.Count == 0)
                throw new FormatException($"an entry is called {SafeText.OneLine(path, 80)}, which leads outside");
            else if (part == "..")
                parts.RemoveAt(parts.Count - 1);
        return string.Join('/', parts);
    }

    private async Task<byte[]> ReadHeaderAsync(CancellationToken cancel)
    {
        if (_unread > MaxExtendedHeader)
            throw new FormatException($"an extended header has {_unread} bytes; at most {MaxExtendedHeader} are taken");
        var bytes = new byte[_unread];
        await using var content = new Content(this);
        await content.ReadExactlyAsync(bytes, cancel);
        return bytes;
    }

    private static string Text(byte[] bytes) => TarText.Decode(bytes.AsSpan().TrimEnd((byte)0));

    private async Task<bool> ReadBlockAsync(CancellationToken cancel)
    {
        var read = await archive.ReadAtLeastAsync(_block, _block.Length, throwOnEndOfStream: false, cancel);
        Position += read;
        // Zeros without end blocks, or fewer than a block of them, end an archive too.
        return read == _block.Length || (!_block.AsSpan(0, read).ContainsAnyExcept((byte)0) ? false : throw Truncated());
    }

    // Engines, Go and GNU tar take an archive that ends where the padding of its last file would begin.
    private async Task PassRestAsync(CancellationToken cancel)
    {
        var padding = _padding;
        await PassAsync(_unread, cancel);
        var read = padding == 0 ? 0 : await archive.ReadAtLeastAsync(_block.AsMemory(0, padding), padding, throwOnEndOfStream: false, cancel);
        Position += read;
        if (read < padding && read > 0)
            throw Truncated();
    }

    private async Task PassAsync(long count, CancellationToken cancel)
    {
        (_unread, _padding) = (0, 0);
        Position += count;
        if (archive.CanSeek)
        {
            if (count > archive.Length - archive.Position)
                throw Truncated();
            archive.Position += count;
            return;
        }
        var passed = count > _block.Length ? new byte[(int)Math.Min(count, 64 << 10)] : _block;
        while (count > 0)
        {
            var read = await archive.ReadAsync(passed.AsMemory(0, (int)Math.Min(count, passed.Length)), cancel);
            count -= read > 0 ? read : throw Truncated();
        }
    }

    private PailException Truncated() => Bad($"it ends in the middle, after {Position} bytes");

    private PailException Bad(string why, Exception? inner = null) => new(Failure.BadContent, $"{name} can't be read as a tar: {why}.", inner);

    private sealed class Content(TarScanner owner) : ReadOnlyStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (owner._unread == 0 || buffer.IsEmpty)
                return 0;
            var read = await owner.ReadAsync(buffer[..(int)Math.Min(buffer.Length, owner._unread)], cancellationToken);
            return read > 0 ? read : throw owner.Truncated();
        }
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancel)
    {
        var read = await archive.ReadAsync(buffer, cancel);
        Position += read;
        _unread -= read;
        return read;
    }
}
