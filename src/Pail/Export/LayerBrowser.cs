using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Stores;
using Pail.Tar;
using Pail.Transfer;

namespace Pail.Export;

/// <summary>
/// Reads what layers hold while it comes, within bounds: nothing is unpacked to disk, and what is beyond the bounds is left out and said. The bytes are
/// compared with the digest only where a layer is read to its end.
/// </summary>
/// <param name="source">The image.</param>
/// <param name="openRange">Opens a range of a blob.</param>
/// <param name="limits">What may be read.</param>
internal sealed class LayerBrowser(IImageSource source, Func<Descriptor, ByteRange, CancellationToken, Task<Stream>> openRange, BrowseLimits limits)
{
    private long _bytes;
    private int _entries;
    private long _text;
    private bool _isPlain;

    /// <summary>Lists the files of one layer as it holds them, whiteouts included. A GET for each 8 MiB of it.</summary>
    public async Task<FileListing> ListLayerAsync(Manifest image, int layer, CancellationToken cancel)
    {
        List<(string, RootFile)> files = [];
        var left = new List<string>();
        await ReadAsync(image, layer, left, file => files.Add((file.Name, file)), cancel);
        return new(files, left);
    }

    /// <summary>Lists the files of the whole image, its layers one over the other. A GET for each 8 MiB of its layers.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: a layer can't be applied.</exception>
    public async Task<FileListing> ListImageAsync(Manifest image, CancellationToken cancel)
    {
        var tree = new RootTree(source.Name, isPartial: true);
        var left = new List<string>();
        for (var layer = 0; layer < image.Layers.Count; layer++)
            await ReadAsync(image, layer, left, file => tree.Apply(new TarEntry(file.Name, KindOf(file.Type), file.Size, file.Target) { Type = file.Type }, file, file.Layer), cancel);
        return new([.. tree.All()], left);
    }

    /// <summary>Opens the content of a file. One GET where the layer is a plain tar; else a GET for each 8 MiB of the layer before the file's end.</summary>
    /// <returns>Null if it is not found within the bounds.</returns>
    public async Task<byte[]?> ReadFileAsync(Manifest image, BrowsedFile file, int most, CancellationToken cancel)
    {
        var wanted = (int)Math.Min(file.Size, most);
        if (wanted == 0)
            return [];
        if (file is { IsPlain: true, Offset: >= 0 })
        {
            var bytes = new byte[wanted];
            await using var stream = await openRange(image.Layers[file.Layer], ByteRange.Of(file.Offset, wanted), cancel);
            await stream.ReadExactlyAsync(bytes, cancel);
            return bytes;
        }
        byte[]? found = null;
        await ReadAsync(image, file.Layer, [], async (scanner, entry) =>
        {
            if (entry.Path != file.Name || entry.Kind != TarKind.File || scanner.Position != file.Offset && file.Offset >= 0)
                return true;
            var bytes = new byte[wanted];
            await using var content = scanner.OpenContent(entry);
            await content.ReadExactlyAsync(bytes, cancel);
            found = bytes;
            return false;
        }, cancel);
        return found;
    }

    private Task ReadAsync(Manifest image, int layer, List<string> left, Action<BrowsedFile> see, CancellationToken cancel) => ReadAsync(image, layer, left, (scanner, entry) =>
    {
        _text += entry.Path.Length + entry.Target.Length;
        if (++_entries > limits.Entries || _text > limits.Text)
            throw new BoundException($"more than {limits.Entries:N0} files, or names too long");
        see(BrowsedFile.Of(layer, entry, scanner.Position, _isPlain));
        return ValueTask.FromResult(true);
    }, cancel);

    private async Task ReadAsync(Manifest image, int layer, List<string> left, Func<TarScanner, TarEntry, ValueTask<bool>> see, CancellationToken cancel)
    {
        var descriptor = image.Layers[layer];
        try
        {
            LayerTar.ThrowIfOther(source.Name, descriptor);
            await using var bytes = await source.OpenBlobAsync(descriptor, 0, cancel);
            await using var verified = new VerifyingStream(bytes, descriptor);
            var head = new byte[TarBlock.Size];
            head = head[..await verified.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancel)];
            // The bytes say how they are compressed, whatever the type says.
            var kind = LayerTar.KindOf(head);
            _isPlain = kind == CompressionKind.None;
            await using var tar = LayerCompression.Decompress(new JoinedStream(head, verified), kind);
            await using var bounded = new CountingStream(tar, length => _bytes = _bytes + length <= limits.Bytes ? _bytes + length : throw new BoundException($"more than {ByteSize.Format(limits.Bytes)} unpacked"));
            var scanner = new TarScanner(bounded, $"{source.Name}, layer {descriptor.Digest}", RootTree.MaxNames);
            while (await scanner.NextAsync(cancel) is { } entry)
                if (!await see(scanner, entry))
                    return;
        }
        catch (BoundException e)
        {
            left.Add($"layer {layer + 1}: {e.Message}");
        }
        catch (InvalidDataException e)
        {
            throw new PailException(Failure.BadContent, $"{source.Name}: the layer {descriptor.Digest} can't be decompressed: {SafeText.OneLine(e.Message)}", e);
        }
    }

    private static TarKind KindOf(char type) => type switch
    {
        '0' => TarKind.File,
        '1' => TarKind.HardLink,
        '2' => TarKind.SymbolicLink,
        _ => TarKind.Other,
    };

    // A bound of what is shown, no fault of the image.
    private sealed class BoundException(string message) : Exception(message);
}
