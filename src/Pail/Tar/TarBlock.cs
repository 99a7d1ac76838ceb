using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Pail.Tar;

/// <summary>The 512-byte header of a tar entry. Source: POSIX pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".</summary>
internal readonly struct TarBlock(ReadOnlyMemory<byte> bytes)
{
    /// <summary>Headers, and content with its padding, come in multiples of so many bytes.</summary>
    public const int Size = 512;

    /// <summary>The largest size that eleven octal digits hold.</summary>
    public const long OctalLimit = (1L << 33) - 1;

    /// <summary>A block of zeros ends the archive.</summary>
    public bool IsEnd => !bytes.Span.ContainsAnyExcept((byte)0);

    /// <summary>The type of the entry; an old NUL is a file, too.</summary>
    public char Type => bytes.Span[156] is 0 ? '0' : (char)bytes.Span[156];

    /// <summary>The name, in ustar with its prefix.</summary>
    public string Name => IsUstar && bytes.Span[345] != 0 ? $"{Text(345, 155)}/{Text(0, 100)}" : Text(0, 100);

    /// <summary>What a link leads to.</summary>
    public string Target => Text(157, 100);

    /// <summary>The size of the content in bytes: octal digits, or in big-endian binary behind a set bit.</summary>
    /// <exception cref="FormatException">It is neither, or negative.</exception>
    public long Length => Number(bytes.Span.Slice(124, 12));

    /// <summary>Of an old sparse file: its size with its holes.</summary>
    public long SparseSize => Number(bytes.Span.Slice(483, 12));

    /// <summary>Of an old sparse file: the parts that its header names, and whether a block behind it names more.</summary>
    public (ReadOnlyMemory<byte> Parts, bool HasMore) Sparse => (bytes.Slice(386, 96), bytes.Span[482] != 0);

    // GNU's own format has spaces behind the word, and other things where ustar has its prefix.
    private bool IsUstar => bytes.Span.Slice(257, 6).SequenceEqual("ustar\0"u8);

    /// <summary>The header of a file: one block, or three where the name or the size need a pax header before it. The same for the same file.</summary>
    /// <param name="path">The file's path.</param>
    /// <param name="size">The file's size in bytes.</param>
    public static byte[] ForFile(string path, long size)
    {
        var records = "";
        if (Encoding.UTF8.GetByteCount(path) > 100)
            records += Record("path", path);
        if (size > OctalLimit)
            records += Record("size", size.ToString(CultureInfo.InvariantCulture));
        var header = Header(records.Length > 0 ? "file" : path, '0', Math.Min(size, OctalLimit));
        return records.Length == 0 ? header : [.. Header("pax", 'x', records.Length), .. Padded(records), .. header];
    }

    /// <summary>The header of a folder that anybody may read, without a name.</summary>
    public static byte[] ForFolder() => Header("", '5', 0);

    /// <summary>How many bytes of padding follow so many bytes of content.</summary>
    public static int Padding(long size) => (int)(-size & (Size - 1));

    /// <summary>True if the checksum is that of the block; sums of signed bytes, which old tars made, count too.</summary>
    public bool IsValid()
    {
        var (unsigned, signed) = (0, 0);
        for (var i = 0; i < Size; i++)
        {
            var value = i is >= 148 and < 156 ? (byte)' ' : bytes.Span[i];
            unsigned += value;
            signed += (sbyte)value;
        }
        try
        {
            var sum = Octal(bytes.Span.Slice(148, 8));
            return sum == unsigned || sum == signed;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    // A record counts its own length: "LENGTH KEY=VALUE\n".
    private static string Record(string key, string value)
    {
        var rest = key.Length + value.Length + 3;
        var length = rest + 1;
        while (length != rest + length.ToString(CultureInfo.InvariantCulture).Length)
            length++;
        return $"{length} {key}={value}\n";
    }

    private static byte[] Padded(string text)
    {
        var block = new byte[text.Length + Padding(text.Length)];
        Encoding.ASCII.GetBytes(text, block);
        return block;
    }

    // Owner 0, time 0: nothing of this machine or moment.
    private static byte[] Header(string name, char type, long size)
    {
        var block = new byte[Size];
        void Put(int at, string text) => Encoding.ASCII.GetBytes(text, block.AsSpan(at));
        Put(0, name);
        Put(100, (type == '5' ? "0000755\0" : "0000644\0") + "0000000\0" + "0000000\0");
        Put(124, Convert.ToString(size, 8).PadLeft(11, '0'));
        Put(136, "00000000000\0" + "        ");
        block[156] = (byte)type;
        Put(257, "ustar\0" + "00");
        var sum = 0;
        foreach (var value in block)
            sum += value;
        Put(148, Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ");
        return block;
    }

    /// <summary>Reads a field of twelve bytes: octal digits, or big-endian binary behind a set bit.</summary>
    /// <exception cref="FormatException">It is neither, or negative.</exception>
    public static long Number(ReadOnlySpan<byte> field) =>
        BinaryPrimitives.ReadUInt32BigEndian(field) == 0x8000_0000 && BinaryPrimitives.ReadInt64BigEndian(field[4..]) is >= 0 and var large ? large : Octal(field);

    private static long Octal(ReadOnlySpan<byte> field)
    {
        var digits = field.Trim("\0 "u8);
        var value = 0L;
        foreach (var digit in digits)
            value = digit is >= (byte)'0' and <= (byte)'7' ? (value << 3) | (uint)(digit - '0') : throw new FormatException("a number in a header is none");
        return value;
    }

    private string Text(int at, int length)
    {
        var field = bytes.Span.Slice(at, length);
        var end = field.IndexOf((byte)0);
        return TarText.Decode(end < 0 ? field : field[..end]);
    }
}
