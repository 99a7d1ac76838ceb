using System.Collections.Concurrent;
using System.Security.Cryptography;
using Pail.Compression;
using Pail.Images.OciLayouts;
using Pail.Images.Tar;
using Pail.Oci;
using Pail.Transfer;

namespace Pail.Images.Docker;

/// <summary>A file of a saved image, as it is kept: what was a tar is compressed, or left out where the sink has it.</summary>
/// <param name="Digest">The digest of the file as it was saved.</param>
/// <param name="Size">The size of the file as it was saved.</param>
/// <param name="Offset">Where it begins in the temporary file.</param>
/// <param name="KeptDigest">The digest of what is kept.</param>
/// <param name="KeptSize">The size of what is kept.</param>
/// <param name="MediaType">What is kept, as a layer.</param>
internal sealed record SavedFile(Digest Digest, long Size, long Offset, Digest KeptDigest, long KeptSize, string MediaType)
{
    /// <summary>True if it was a tar: then its digest is the layer's diffID.</summary>
    public bool IsLayer { get; init; }

    /// <summary>True if nothing is kept, for the sink has the blob.</summary>
    public bool IsElsewhere { get; init; }
}

/// <summary>
/// What <c>docker save</c> writes: read once, front to back, into a temporary file, layers compressed on the way. A layer
/// can't be sent before it is whole, for its name, the digest of what it became, is known only then; but while others are read it can.
/// </summary>
/// <param name="name">The address, for messages.</param>
/// <param name="compression">How layers are compressed.</param>
/// <param name="known">Layers that need not be.</param>
/// <param name="kept">Hears of each file, and its path, when it can be opened; null for nobody.</param>
/// <param name="without">Files nobody needs.</param>
internal sealed class DockerArchive(string name, LayerCompression compression, KnownLayers known, Action<string, SavedFile>? kept = null, IReadOnlySet<string>? without = null) : ILayoutFiles
{
    // Docker's names are far shorter; with the bound on entries this bounds the memory.
    private const int MaxPath = 512;
    private const int MaxLinks = 16;

    private readonly Spool _spool = new();
    private readonly ConcurrentDictionary<string, SavedFile> _files = new();
    private readonly ConcurrentDictionary<string, string> _links = new();
    private readonly ConcurrentDictionary<Digest, SavedFile> _kept = new();

    /// <summary>Reads it all, but for some files. What it has read can be opened meanwhile.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is damaged.</exception>
    public async Task ReadAsync(Stream tar, CancellationToken cancel)
    {
        var scanner = new TarScanner(tar, name);
        while (await scanner.NextAsync(cancel) is { } entry)
            if (without?.Contains(entry.Path) != true)
                await TakeAsync(entry, scanner.OpenContent(), cancel);
    }

    /// <summary>A file of the archive; null if there is none. Links that stay in the archive are followed: Docker saves a layer that comes twice as one.</summary>
    public SavedFile? Find(string path)
    {
        for (var links = 0; links < MaxLinks && _links.TryGetValue(path, out var target); links++)
            path = target;
        return _files.GetValueOrDefault(path);
    }

    /// <summary>Opens a file as it was saved.</summary>
    private async Task<Stream> OpenAsync(SavedFile file, long offset, CancellationToken cancel)
    {
        if (!file.IsLayer)
            return OpenKept(file, offset);
        var stream = LayerCompression.Decompress(OpenKept(file, 0), compression.Kind);
        await SkipAsync(stream, offset, cancel);
        return stream;
    }

    /// <summary>Opens a blob: a file of that name, else what is kept of some file and has that digest.</summary>
    /// <exception cref="PailException">There is none (<see cref="Failure.NotFound"/>), or of another size.</exception>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel)
    {
        var named = Find(LayoutPaths.Blob(blob.Digest));
        var (file, size) = named is not null ? (named, named.Size)
            : _kept.TryGetValue(blob.Digest, out var made) ? (made, made.KeptSize)
            : throw new PailException(Failure.NotFound, $"{name}: Docker has not got {blob.Digest}: it holds this image for some platforms only. Name one with --platform.");
        return size != blob.Size ? throw new PailException(Failure.BadContent, $"{name}: blob {blob.Digest} has {size} bytes; its descriptor says {blob.Size}.")
            : named is not null ? OpenAsync(file, offset, cancel)
            : Task.FromResult<Stream>(OpenKept(file, offset));
    }

    /// <summary>The digest of the tar that a blob was compressed from; null if it is none of these, or a small one.</summary>
    public Digest? DiffIdOf(Digest blob) => _kept.TryGetValue(blob, out var file) && file is { IsLayer: true, Size: > LayerLimits.Remembered } ? file.Digest : null;

    /// <summary>Reads a whole small file; null if there is none.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is larger than <paramref name="limit"/> bytes.</exception>
    public Task<byte[]?> ReadAsync(string path, int limit, CancellationToken cancel) => this.ReadAsync(name, path, limit, cancel);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _spool.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    Task<long?> ILayoutFiles.SizeAsync(string path, CancellationToken cancel) => Task.FromResult(Find(path)?.Size);

    /// <inheritdoc/>
    Task<Stream> ILayoutFiles.OpenAsync(string path, long offset, CancellationToken cancel) => OpenAsync(Find(path)!, offset, cancel);

    private FileRange OpenKept(SavedFile file, long offset) => file.IsElsewhere
        ? throw new PailException(Failure.Conflict, $"{name}: the layer {file.KeptDigest} was there a moment ago, and was removed meanwhile. Run the same command again.")
        : new FileRange(_spool.Handle, file.Offset + offset, file.KeptSize - offset);

    private async Task TakeAsync(TarEntry entry, Stream content, CancellationToken cancel)
    {
        if (entry.Kind == TarKind.Other)
            return;
        if (entry.Path.Length > MaxPath || entry.Target.Length > MaxPath)
            throw new PailException(Failure.BadContent, $"{name}: an entry of the archive has a name of more than {MaxPath} characters.");
        if (_files.ContainsKey(entry.Path) || _links.ContainsKey(entry.Path))
            throw new PailException(Failure.BadContent, $"{name}: the archive holds {Printable.Line(entry.Path)} twice.");
        if (entry.IsLink)
        {
            _links[entry.Path] = entry.TargetPath();
            return;
        }
        var file = await KeepAsync(entry, content, cancel);
        if (entry.Path.StartsWith("blobs/sha256/", StringComparison.Ordinal) && entry.Path != LayoutPaths.Blob(file.Digest))
            throw new PailException(Failure.BadContent, $"{name}: {Printable.Line(entry.Path)} has the digest {file.Digest}.");
        _files[entry.Path] = file;
        _kept.TryAdd(file.KeptDigest, file);
        kept?.Invoke(entry.Path, file);
    }

    private async Task<SavedFile> KeepAsync(TarEntry entry, Stream content, CancellationToken cancel)
    {
        var head = new byte[(int)Math.Min(entry.Size, TarBlock.Size)];
        await content.ReadExactlyAsync(head, cancel);
        await using var whole = new PrefixedStream(head, content);
        var offset = _spool.Length;
        if (IsTar(head))
            return await KeepLayerAsync(entry, whole, cancel);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[128 << 10];
        for (int read; (read = await whole.ReadAsync(buffer, cancel)) > 0;)
        {
            hash.AppendData(buffer, 0, read);
            await _spool.End.WriteAsync(buffer.AsMemory(0, read), cancel);
        }
        var digest = Digest.FromHash(DigestAlgorithm.Sha256, hash.GetCurrentHash());
        return new(digest, entry.Size, offset, digest, entry.Size, TypeOf(head));
    }

    // Which layer this is shows only when all of it is hashed. So where some are known, it is kept as it is until then.
    private async Task<SavedFile> KeepLayerAsync(TarEntry entry, Stream tar, CancellationToken cancel)
    {
        if (!await known.MayHoldAsync(entry.Size, cancel))
            return await CompressAsync(tar, cancel);
        var offset = _spool.Length;
        var raw = await LayerCompression.None.CompressAsync(tar, _spool.End, cancel);
        if (known.Find(raw.Uncompressed) is { } blob)
        {
            _spool.End.SetLength(offset);
            return new(raw.Uncompressed, entry.Size, offset, blob.Digest, blob.Size, blob.MediaType) { IsLayer = true, IsElsewhere = true };
        }
        await using var whole = new FileRange(_spool.Handle, offset, raw.UncompressedSize);
        return await CompressAsync(whole, cancel);
    }

    private async Task<SavedFile> CompressAsync(Stream tar, CancellationToken cancel)
    {
        var offset = _spool.Length;
        var made = await compression.CompressAsync(tar, _spool.End, cancel);
        return new(made.Uncompressed, made.UncompressedSize, offset, made.Compressed, made.CompressedSize, compression.MediaType) { IsLayer = true };
    }

    // A header whose checksum is right, or the zeros that are an empty layer.
    private static bool IsTar(byte[] head) => head.Length == TarBlock.Size && new TarBlock(head) is var block && (block.IsEnd || block.IsValid());

    private static string TypeOf(byte[] head) => LayerCompression.KindOf(head) switch
    {
        CompressionKind.Gzip => MediaTypes.OciLayerGzip,
        CompressionKind.Zstd => MediaTypes.OciLayerZstd,
        _ => MediaTypes.OciLayerTar,
    };

    private static async Task SkipAsync(Stream stream, long count, CancellationToken cancel)
    {
        var buffer = new byte[(int)Math.Min(count, 128 << 10)];
        for (int read; count > 0; count -= read)
        {
            read = await stream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(count, buffer.Length)), cancel);
            if (read == 0)
                throw new EndOfStreamException("A file became shorter while it was read.");
        }
    }

    private sealed class PrefixedStream(ReadOnlyMemory<byte> head, Stream rest) : ReadOnlyStream
    {
        private ReadOnlyMemory<byte> _head = head;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_head.IsEmpty)
                return rest.ReadAsync(buffer, cancellationToken);
            var count = Math.Min(buffer.Length, _head.Length);
            _head[..count].CopyTo(buffer);
            _head = _head[count..];
            return ValueTask.FromResult(count);
        }
    }
}
