using System.Buffers;
using System.Formats.Tar;
using System.Text;

namespace Pail.Tests.Images;

/// <summary>Makes tars, good and bad, with the runtime's writer: another hand than the one that reads them.</summary>
internal sealed class TarBytes
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public TarEntryFormat Format { get; init; } = TarEntryFormat.Ustar;

    public TarBytes File(string path, byte[] content) => Add(TarEntryType.RegularFile, path, entry => entry.DataStream = new MemoryStream(content));

    public TarBytes File(string path, string content) => File(path, Encoding.UTF8.GetBytes(content));

    public TarBytes Folder(string path) => Add(TarEntryType.Directory, path, _ => { });

    public TarBytes Link(string path, string target, TarEntryType type = TarEntryType.SymbolicLink) => Add(type, path, entry => entry.LinkName = target);

    public TarBytes Raw(byte[] bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    /// <summary>A header made by hand, its checksum right.</summary>
    public static byte[] Header(string name, char type, long size)
    {
        var block = new byte[512];
        Encoding.ASCII.GetBytes(name).CopyTo(block, 0);
        Encoding.ASCII.GetBytes(Convert.ToString(size, 8).PadLeft(11, '0')).CopyTo(block, 124);
        block[156] = (byte)type;
        Encoding.ASCII.GetBytes("ustar\0" + "00").CopyTo(block, 257);
        block.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes(Convert.ToString(Sum(block), 8).PadLeft(6, '0') + "\0 ").CopyTo(block, 148);
        return block;
    }

    /// <summary>So many empty files.</summary>
    public static byte[] Headers(int count)
    {
        var tar = new byte[count * 512];
        for (var i = 0; i < count; i++)
            Header($"x{i}", '0', 0).CopyTo(tar, i * 512);
        return tar;
    }

    /// <summary>All of it, with the two blocks that end a tar.</summary>
    public byte[] ToArray() => [.. _bytes.WrittenSpan, .. new byte[1024]];

    private static int Sum(ReadOnlySpan<byte> block)
    {
        var sum = 0;
        foreach (var value in block)
            sum += value;
        return sum;
    }

    /// <summary>An entry of any kind, with what a test makes of it.</summary>
    public TarBytes Add(TarEntryType type, string path, Action<TarEntry> fill)
    {
        TarEntry entry = Format switch
        {
            TarEntryFormat.Gnu => new GnuTarEntry(type, path),
            TarEntryFormat.Pax => new PaxTarEntry(type, path),
            TarEntryFormat.V7 => new V7TarEntry(type == TarEntryType.RegularFile ? TarEntryType.V7RegularFile : type, path),
            _ => new UstarTarEntry(type, path),
        };
        entry.ModificationTime = DateTimeOffset.UnixEpoch;
        fill(entry);
        using var one = new MemoryStream();
        using (var writer = new TarWriter(one, Format, leaveOpen: true))
            writer.WriteEntry(entry);
        // Without the end that the writer puts behind it.
        _bytes.Write(one.GetBuffer().AsSpan(0, (int)one.Length - 1024));
        return this;
    }
}
