using System.Buffers.Binary;
using System.Security.Cryptography;
using Pail.Compression;
using Pail.Export;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Tar;

namespace Pail.Compare;

/// <summary>The files of an image as far as its layers were read, without their content.</summary>
/// <param name="name">The image, for messages.</param>
/// <param name="isPartial">True if the lowest layers are not read.</param>
internal sealed class LayerTree(string name, bool isPartial)
{
    /// <summary>The files.</summary>
    public RootTree Tree { get; } = new(name, isPartial);

    /// <summary>What is removed of layers that were not read: paths, a folder with a <c>/</c> at its end for what is in it.</summary>
    public SortedSet<string> Hidden { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads a layer into trees. It is decompressed into a temporary file, which is gone afterwards; of its files hashes stay in memory.</summary>
    /// <param name="source">The image.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="diffId">The digest of its tar.</param>
    /// <param name="index">Its place, from 0 for the lowest.</param>
    /// <param name="trees">The trees, one or both.</param>
    /// <param name="cancel">Interrupts it.</param>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is damaged, or can't be applied.</exception>
    public static async Task ApplyAsync(IImageSource source, Descriptor layer, Digest diffId, int index, IReadOnlyList<LayerTree> trees, CancellationToken cancel)
    {
        using var spool = new Spool();
        await LayerTar.WriteAsync(source, layer, diffId, LayerCompression.None, spool.Writer, _ => { }, cancel);
        await using var plain = new FileRange(spool.Handle, 0, spool.Length);
        var scanner = new TarScanner(plain, $"{source.Name}, layer {layer.Digest}", RootTree.MaxNames);
        while (await scanner.NextAsync(cancel) is { } entry)
        {
            var facts = await ReadAsync(spool, scanner, entry, cancel);
            foreach (var tree in trees)
                if (tree.Tree.Apply(entry, facts, index) is { Length: > 0 } hidden)
                    tree.Hidden.Add(hidden);
        }
    }

    private static async Task<FileFacts> ReadAsync(Spool spool, TarScanner scanner, TarEntry entry, CancellationToken cancel)
    {
        var block = new byte[TarBlock.Size];
        await using (var header = new FileRange(spool.Handle, scanner.HeaderOffset, block.Length))
            await header.ReadExactlyAsync(block, cancel);
        var type = entry.Type == '7' ? '0' : entry.Type;
        var hash = default((UInt128, UInt128));
        PackageFile? packages = null;
        if (entry.Kind == TarKind.File)
        {
            var (start, stored) = (scanner.Position, entry.Sparse?.Parts.Sum(part => part.Length) ?? entry.Size);
            await using (var content = Open())
            {
                var bytes = await SHA256.HashDataAsync(content, cancel);
                hash = (BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes.AsSpan(16)));
            }
            await using (var content = Open())
                packages = await PackageFile.ReadAsync(entry.Path, entry.Size, content, cancel);

            Stream Open() => entry.Sparse is { } sparse ? sparse.Expand(new FileRange(spool.Handle, start, stored)) : new FileRange(spool.Handle, start, stored);
        }
        return new(entry.Size, type, entry.IsLink ? entry.Target : "", hash, Number(block, 100) & 0xFFF, (Number(block, 108), Number(block, 116))) { Packages = packages };
    }

    // Eight bytes of octal digits; what is larger stands in pax records, and is not compared.
    private static long Number(byte[] block, int at)
    {
        var value = 0L;
        foreach (var digit in block.AsSpan(at, 8).Trim("\0 "u8))
            value = digit is >= (byte)'0' and <= (byte)'7' ? (value << 3) | (uint)(digit - '0') : 0;
        return value;
    }
}
