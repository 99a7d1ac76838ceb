using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Pail.Compression;
using Pail.Export;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Tar;

namespace Pail.Compare;

/// <summary>Reads what layers hold, without keeping the content: a hash of each file, and what databases of packages say. Bounds what one comparison keeps in memory.</summary>
/// <param name="maxText">How many characters the names, links and packages of all layers may have.</param>
/// <param name="maxBytes">How many bytes all layers together may unpack to; each one has its own bound beside (<see cref="LayerTar"/>).</param>
internal sealed class LayerReader(long maxText = LayerReader.MaxText, long maxBytes = long.MaxValue) : IDisposable
{
    /// <summary>How many characters the names, links and packages of all layers may have (512 MiB). Images have a few million.</summary>
    public const long MaxText = 1L << 28;

    private readonly ContentHash _hash = new();
    private int _entries;
    private long _text;
    private long _bytes;

    /// <summary>Reads a layer. It is decompressed into a temporary file, which is gone afterwards.</summary>
    /// <param name="source">The image.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="diffId">The digest of its tar.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is damaged, or all layers read hold too much.</exception>
    public async IAsyncEnumerable<(TarEntry Entry, FileFacts Facts)> ReadAsync(IImageSource source, Descriptor layer, Digest diffId, [EnumeratorCancellation] CancellationToken cancel)
    {
        LayerTar.ThrowIfOther(source.Name, layer);
        using var spool = new Spool();
        await using var bounded = new ReportingStream(spool.Writer, length => _bytes = _bytes + length <= maxBytes ? _bytes + length : throw TooMuch(source.Name));
        await LayerTar.WriteAsync(source, layer, diffId, LayerCompression.None, bounded, _ => { }, cancel);
        await using var plain = new FileRange(spool.Handle, 0, spool.Length);
        var scanner = new TarScanner(plain, $"{source.Name}, layer {layer.Digest}", RootTree.MaxNames);
        while (await scanner.NextAsync(cancel) is { } entry)
        {
            var facts = await ReadAsync(spool, scanner, entry, cancel);
            _text += entry.Path.Length + entry.Target.Length + (facts.Packages?.Packages?.Sum(package => package.Name.Length + package.Version.Length) ?? 0);
            if (++_entries > RootTree.MaxNames || _text > maxText)
                throw new PailException(Failure.BadContent, $"{source.Name}: the layers to compare hold more than {RootTree.MaxNames} files, or names of more than {maxText} characters.");
            yield return (entry with { Sparse = null }, facts);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private PailException TooMuch(string name) => new(Failure.BadContent, $"{name}: the layers to compare unpack to more than {ByteSize.Format(maxBytes)}.");

    private async Task<FileFacts> ReadAsync(Spool spool, TarScanner scanner, TarEntry entry, CancellationToken cancel)
    {
        var block = Bytes(spool, scanner.HeaderOffset, TarBlock.Size);
        var records = scanner.Records is var (offset, length) ? PaxRecords.Parse(Bytes(spool, offset, length)) : default;
        var hash = default((UInt128, UInt128));
        PackageFile? packages = null;
        if (entry.Kind == TarKind.File)
        {
            var (start, stored) = (scanner.Position, entry.Sparse?.Parts.Sum(part => part.Length) ?? entry.Size);
            hash = _hash.Of(spool.Handle, start, stored, entry.Sparse, cancel);
            await using var content = entry.Sparse is { } sparse ? sparse.Expand(new FileRange(spool.Handle, start, stored)) : new FileRange(spool.Handle, start, stored);
            packages = await PackageFile.ReadAsync(entry.Path, entry.Size, content, cancel);
        }
        var target = entry.Type is '3' or '4' ? $"{Number(block, 329)}:{Number(block, 337)}" : entry.Target;
        var owner = (records.User ?? Number(block, 108), records.Group ?? Number(block, 116));
        return new(entry.Size, entry.Type == '7' ? '0' : entry.Type, target, hash, (int)Number(block, 100) & 0xFFF, owner, AttributesOf(records)) { Packages = packages };
    }

    // The scanner has read them: they are there.
    private static byte[] Bytes(Spool spool, long offset, int length)
    {
        var bytes = new byte[length];
        for (int done = 0, read; done < length; done += read)
            read = RandomAccess.Read(spool.Handle, bytes.AsSpan(done), offset + done) is > 0 and var some ? some : throw new EndOfStreamException("A temporary file became shorter while it was read.");
        return bytes;
    }

    // A value may hold any byte, so lengths go before.
    private static UInt128 AttributesOf(PaxRecords records)
    {
        if (records.Attributes is not { } attributes)
            return 0;
        var text = new StringBuilder();
        foreach (var (name, value) in attributes.OrderBy(item => item.Name, StringComparer.Ordinal))
            text.Append(name.Length).Append(':').Append(name).Append(value.Length).Append(':').Append(value);
        return BinaryPrimitives.ReadUInt128BigEndian(SHA256.HashData(TarText.Encode(text.ToString())));
    }

    // Eight bytes: octal digits, or big-endian binary behind a set bit. What is neither counts as 0, as readers have it.
    private static long Number(byte[] block, int at)
    {
        var field = block.AsSpan(at, 8);
        if (field[0] == 0x80)
            return BinaryPrimitives.ReadInt64BigEndian(field) & long.MaxValue >> 7;
        var value = 0L;
        foreach (var digit in field.Trim("\0 "u8))
            value = digit is >= (byte)'0' and <= (byte)'7' ? (value << 3) | (uint)(digit - '0') : 0;
        return value;
    }
}
