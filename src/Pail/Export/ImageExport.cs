using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Tar;

namespace Pail.Export;

/// <summary>
/// The file system of an image as one tar: its layers one over the other, without what upper ones remove from lower ones.
/// Layers are decompressed into a temporary file, for what the top one removes lies at the bottom.
/// </summary>
internal static class ImageExport
{
    /// <summary>Writes it. The same image gives the same bytes: names in order, each header as its layer has it.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: a layer is damaged, not what the config says, or tries a trick.</exception>
    public static async Task WriteAsync(IImageSource source, Manifest image, Stream destination, CancellationToken cancel)
    {
        if (!MediaTypes.IsImageConfig(image.Config?.MediaType))
            throw new PailException(Failure.BadInput, $"{source.Name} is an artifact, not an image with a file system; 'pail blob get' gives what it holds.");
        var diffIds = await ImageConfig.DiffIdsOfAsync(source, image, cancel);
        using var spool = new Spool();
        var tree = new RootTree(source.Name);
        foreach (var (index, layer) in image.Layers.Index())
            await ApplyAsync(source, layer, diffIds[index], index, tree, spool, cancel);
        await WriteAsync(tree, spool, destination, cancel);
    }

    /// <summary>Writes it to a file, which must not be there; nothing is left of it if that fails.</summary>
    public static Task WriteFileAsync(IImageSource source, Manifest image, string path, CancellationToken cancel) => LocalFiles.RunAsync(path, async () =>
    {
        if (Path.Exists(path))
            throw new PailException(Failure.BadInput, $"{SafeText.OneLine(path)} is there already, and is not changed: remove it, or name another file.");
        await using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.Asynchronous, BufferSize = 1 << 20 });
        try
        {
            await WriteAsync(source, image, file, cancel);
            await file.FlushAsync(cancel);
            return true;
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    });

    private static async Task ApplyAsync(IImageSource source, Descriptor layer, Digest diffId, int index, RootTree tree, Spool spool, CancellationToken cancel)
    {
        LayerTar.ThrowIfOther(source.Name, layer);
        var start = spool.Length;
        await LayerTar.WriteAsync(source, layer, diffId, LayerCompression.None, spool.Writer, _ => { }, cancel);
        await using var plain = new FileRange(spool.Handle, start, spool.Length - start);
        var scanner = new TarScanner(plain, $"{source.Name}, layer {layer.Digest}", RootTree.MaxNames);
        while (await scanner.NextAsync(cancel) is { } entry)
        {
            var records = scanner.Records is (var offset, var length) ? (start + offset, length) : (0, 0);
            tree.Apply(entry, new(start + scanner.HeaderOffset, records, start + scanner.Position, entry.Size, entry.Type, entry.Kind == TarKind.SymbolicLink ? entry.Target : "", entry.Sparse), index);
        }
    }

    private static async Task WriteAsync(RootTree tree, Spool spool, Stream destination, CancellationToken cancel)
    {
        // Of a file with several names the first one holds it, the others lead there.
        var written = new Dictionary<RootFile, string>(ReferenceEqualityComparer.Instance);
        var padding = new byte[TarBlock.Size];
        foreach (var (path, file) in tree.Files())
        {
            var (block, records) = (TarBlock.ForFolder(), new byte[file.Records.Length]);
            if (file.Header >= 0)
                await ReadAsync(spool, block, file.Header, cancel);
            await ReadAsync(spool, records, file.Records.Offset, cancel);
            var first = written.GetValueOrDefault(file);
            await destination.WriteAsync(TarHeader.Rewrite(block, records, file.Type == '5' ? path + "/" : path, first ?? file.Target, isHardLink: first is not null, file.Sparse?.Size), cancel);
            if (first is not null)
                continue;
            written.Add(file, path);
            await using var content = file.Sparse is { } sparse
                ? sparse.Expand(new FileRange(spool.Handle, file.Content, sparse.Parts.Sum(part => part.Length)))
                : new FileRange(spool.Handle, file.Content, file.Size);
            await content.CopyToAsync(destination, 1 << 20, cancel);
            await destination.WriteAsync(padding.AsMemory(0, TarBlock.Padding(file.Size)), cancel);
        }
        await destination.WriteAsync(new byte[2 * TarBlock.Size], cancel);
    }

    private static async Task ReadAsync(Spool spool, byte[] bytes, long offset, CancellationToken cancel)
    {
        await using var range = new FileRange(spool.Handle, offset, bytes.Length);
        await range.ReadExactlyAsync(bytes, cancel);
    }
}
