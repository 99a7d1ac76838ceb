using System.Globalization;
using System.Text;
using Pail.Io;

namespace Pail.Tar;

/// <summary>Which parts of a sparse file a tar holds; the rest of the file is zeros. Source: GNU tar manual, "Storing Sparse Files".</summary>
/// <param name="Size">The size of the file in bytes, holes included.</param>
/// <param name="Parts">The stretches that are stored, in order, one behind the other.</param>
internal sealed record SparseMap(long Size, IReadOnlyList<(long Offset, long Length)> Parts)
{
    /// <summary>The largest file taken (1 TiB): a few bytes of map can state any size.</summary>
    public const long MaxSize = 1L << 40;

    // Of the old format: four entries in the header, twenty-one in each block behind it.
    private const int EntryLength = 24;

    /// <summary>Returns the map, checked against the bytes that are stored.</summary>
    /// <exception cref="FormatException">Its parts overlap, leave the file, or are not what is stored.</exception>
    public static SparseMap Of(long size, IReadOnlyList<long> numbers, long stored)
    {
        if (size > MaxSize)
            throw new FormatException($"a sparse file has {size} bytes; at most {MaxSize} are taken");
        var parts = new List<(long Offset, long Length)>(numbers.Count / 2);
        var (end, sum) = (0L, 0L);
        for (var i = 0; i + 1 < numbers.Count; i += 2)
        {
            var (offset, length) = (numbers[i], numbers[i + 1]);
            if (offset < end || length < 0 || offset > size || length > size - offset)
                throw new FormatException("the map of a sparse file is malformed");
            (end, sum) = (offset + length, sum + length);
            if (length > 0)
                parts.Add((offset, length));
        }
        return numbers.Count % 2 == 0 && sum == stored ? new(size, parts) : throw new FormatException("the map of a sparse file does not match what is stored of it");
    }

    /// <summary>Reads a list of decimal numbers.</summary>
    public static IEnumerable<long> Numbers(string text, char separator) => text.Split(separator, StringSplitOptions.RemoveEmptyEntries).Select(Number);

    /// <summary>Reads a decimal number.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static long Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException("the map of a sparse file is malformed");

    /// <summary>Reads version 1.0's map, which stands before the content: the count of parts, then each offset and length, a number a line, padded to whole blocks.</summary>
    /// <param name="content">The content, from its beginning.</param>
    /// <param name="limit">How many bytes are read at most.</param>
    /// <param name="cancel">Interrupts it.</param>
    public static async Task<List<long>> ReadAsync(Stream content, int limit, CancellationToken cancel)
    {
        var text = new StringBuilder();
        var block = new byte[TarBlock.Size];
        while (true)
        {
            if (text.Length >= limit)
                throw new FormatException($"the map of a sparse file has more than {limit} bytes");
            if (await content.ReadAtLeastAsync(block, block.Length, throwOnEndOfStream: false, cancel) < block.Length)
                throw new FormatException("the map of a sparse file is cut off");
            text.Append(Encoding.Latin1.GetString(block));
            var lines = text.ToString().Split('\n');
            // The last one may go on in the next block.
            if (lines.Length > 1 && Number(lines[0]) is var count && lines.Length > (2 * count) + 1)
                return [.. lines.Skip(1).Take((int)(2 * count)).Select(Number)];
        }
    }

    /// <summary>Adds the entries of an old header, or of a block behind it.</summary>
    public static void AddOld(ReadOnlySpan<byte> entries, List<long> numbers)
    {
        for (var entry = entries; entry.Length >= EntryLength && entry[0] != 0; entry = entry[EntryLength..])
        {
            numbers.Add(TarBlock.Number(entry[..12]));
            numbers.Add(TarBlock.Number(entry.Slice(12, 12)));
        }
    }

    /// <summary>Returns the whole file, its holes filled with zeros.</summary>
    /// <param name="stored">What is stored of it; disposed with the stream returned.</param>
    public Stream Expand(Stream stored) => new Expanded(this, stored);

    private sealed class Expanded(SparseMap map, Stream stored) : ReadOnlyStream
    {
        private long _position;
        private int _part;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (_part < map.Parts.Count && _position == map.Parts[_part].Offset + map.Parts[_part].Length)
                _part++;
            var (offset, length) = _part < map.Parts.Count ? map.Parts[_part] : (map.Size, 0);
            var isHole = _position < offset;
            buffer = buffer[..(int)Math.Min(buffer.Length, (isHole ? offset : offset + length) - _position)];
            if (buffer.IsEmpty)
                return 0;
            if (isHole)
                buffer.Span.Clear();
            var read = isHole ? buffer.Length : await stored.ReadAsync(buffer, cancellationToken);
            _position += read > 0 ? read : throw new EndOfStreamException("A sparse file ends early.");
            return read;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                stored.Dispose();
            base.Dispose(disposing);
        }
    }
}
