using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Pail.Tar;

/// <summary>The header of an entry under another name, all else as it was: owner, mode, times, extended attributes, devices. Source: POSIX pax.</summary>
/// <remarks>Not by <c>System.Formats.Tar.TarWriter</c>: it makes headers anew, and what its entries have no property for is lost.</remarks>
internal static class TarHeader
{
    private const int NameLength = 100;

    /// <summary>Makes it.</summary>
    /// <param name="block">The entry's own header.</param>
    /// <param name="records">The pax records before it; may be empty.</param>
    /// <param name="path">Its name now.</param>
    /// <param name="target">What it leads to, if it is a link.</param>
    /// <param name="isHardLink">True to make it a hard link, without content of its own.</param>
    /// <param name="expanded">The size of a sparse file whose holes are written as zeros; null for other entries.</param>
    public static byte[] Rewrite(ReadOnlySpan<byte> block, ReadOnlySpan<byte> records, string path, string target, bool isHardLink, long? expanded = null)
    {
        using var kept = new MemoryStream();
        // A link has no bytes, whatever the file it leads to has.
        Keep(records, kept, isHardLink || expanded is not null ? ["path", "linkpath", "size"] : ["path", "linkpath"]);
        Span<byte> header = [.. block];
        // GNU and old headers become ustar's; what GNU has in place of the prefix goes.
        header[345..512].Clear();
        "ustar\0"u8.CopyTo(header[257..]);
        "00"u8.CopyTo(header[263..]);
        PutName(header[..NameLength], "path", path, kept);
        PutName(header.Slice(157, NameLength), "linkpath", target, kept);
        if (isHardLink || expanded is not null)
        {
            header[156] = (byte)(isHardLink ? '1' : '0');
            PutSize(header, isHardLink ? 0 : expanded!.Value, kept);
        }
        Sign(header);
        if (kept.Length == 0)
            return header.ToArray();
        var extended = new byte[TarBlock.Size];
        "././@PaxHeader"u8.CopyTo(extended);
        "0000644\0"u8.CopyTo(extended.AsSpan(100));
        "0000000\0"u8.CopyTo(extended.AsSpan(108));
        "0000000\0"u8.CopyTo(extended.AsSpan(116));
        Encoding.ASCII.GetBytes(Convert.ToString(kept.Length, 8).PadLeft(11, '0'), extended.AsSpan(124));
        "00000000000\0"u8.CopyTo(extended.AsSpan(136));
        extended[156] = (byte)'x';
        "ustar\0"u8.CopyTo(extended.AsSpan(257));
        "00"u8.CopyTo(extended.AsSpan(263));
        Sign(extended);
        return [.. extended, .. kept.ToArray(), .. new byte[TarBlock.Padding(kept.Length)], .. header];
    }

    private static void Keep(ReadOnlySpan<byte> records, MemoryStream kept, ReadOnlySpan<string> without)
    {
        while (!records.IsEmpty)
        {
            // The scanner has read them: they are well-formed.
            if (!Utf8Parser.TryParse(records, out int length, out var digits))
                throw new FormatException("an extended header is malformed");
            var key = records[(digits + 1)..length];
            key = key[..key.IndexOf((byte)'=')];
            if (!without.Contains(Encoding.UTF8.GetString(key)) && !PaxRecords.IsSparse(key))
                kept.Write(records[..length]);
            records = records[length..];
        }
    }

    private static void PutName(Span<byte> field, string key, string value, MemoryStream records)
    {
        field.Clear();
        var bytes = TarText.Encode(value);
        if (bytes.Length <= NameLength && Ascii.IsValid(value))
        {
            bytes.CopyTo(field);
            return;
        }
        // Those who know no pax see the beginning of it.
        foreach (var (i, value7) in bytes.Take(NameLength).Index())
            field[i] = value7 < 0x80 ? value7 : (byte)'_';
        PutRecord(key, bytes, records);
    }

    private static void PutSize(Span<byte> header, long size, MemoryStream records)
    {
        if (size > TarBlock.OctalLimit)
            PutRecord("size", Encoding.ASCII.GetBytes(size.ToString(CultureInfo.InvariantCulture)), records);
        Encoding.ASCII.GetBytes(Convert.ToString(Math.Min(size, TarBlock.OctalLimit), 8).PadLeft(11, '0') + "\0", header[124..]);
    }

    private static void PutRecord(string key, byte[] bytes, MemoryStream records)
    {
        var rest = Encoding.UTF8.GetByteCount(key) + bytes.Length + 3;
        var length = rest + 1;
        while (length != rest + length.ToString(CultureInfo.InvariantCulture).Length)
            length++;
        records.Write(Encoding.UTF8.GetBytes($"{length} {key}="));
        records.Write(bytes);
        records.WriteByte((byte)'\n');
    }

    private static void Sign(Span<byte> header)
    {
        header.Slice(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var value in header)
            sum += value;
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ", header[148..]);
    }
}
