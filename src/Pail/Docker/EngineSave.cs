using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tar;

namespace Pail.Docker;

/// <summary>
/// An image on its way out of an engine: read once, front to back, into a temporary file, layers compressed on the way. A layer
/// can't be sent before it is whole, for its name, the digest of what it became, is known only then; but while others are read it can.
/// </summary>
/// <param name="name">The address, for messages.</param>
/// <param name="compression">How layers are compressed.</param>
/// <param name="known">Layers that need not be.</param>
internal sealed class EngineSave(string name, LayerCompression compression, KnownLayers known) : ISavedFiles
{
    private readonly Spool _spool = new();
    private readonly ConcurrentDictionary<string, SavedFile> _files = new();
    private readonly ConcurrentDictionary<string, string> _links = new();
    private readonly ConcurrentDictionary<Digest, SavedFile> _kept = new();

    /// <summary>Reads it all, and returns each file and its path when it can be opened.</summary>
    /// <exception cref="PailException"><see cref="Failure.BadContent"/>: it is damaged.</exception>
    public async IAsyncEnumerable<(string Path, SavedFile File)> ReadAsync(Stream tar, [EnumeratorCancellation] CancellationToken cancel)
    {
        var scanner = new TarScanner(tar, name);
        while (await scanner.NextAsync(cancel) is { } entry)
            if (await TakeAsync(entry, scanner.OpenContent(entry), cancel) is { } file)
                yield return (entry.Path, file);
    }

    /// <summary>Opens a blob: a file of that name, else what is kept of some file and has that digest.</summary>
    /// <exception cref="PailException">There is none (<see cref="Failure.NotFound"/>), or of another size.</exception>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel)
    {
        var named = Find(LayoutPaths.Blob(blob.Digest));
        var (file, size) = named is not null ? (named, named.Size)
            : _kept.TryGetValue(blob.Digest, out var made) ? (made, made.Blob.Size)
            : throw new PailException(Failure.NotFound, $"{name}: Docker has not got {blob.Digest}: it holds this image for some platforms only. Name one with --platform.");
        return size != blob.Size ? throw new PailException(Failure.BadContent, $"{name}: blob {blob.Digest} has {size} bytes; its descriptor says {blob.Size}.")
            : named is not null ? OpenAsync(file, offset, cancel)
            : file.OpenAsync(name, offset, cancel);
    }

    /// <inheritdoc/>
    public Task<long?> SizeAsync(string path, CancellationToken cancel) => Task.FromResult(Find(path)?.Size);

    /// <inheritdoc/>
    public Task<Stream> OpenAsync(string path, long offset, CancellationToken cancel) => OpenAsync(Find(path)!, offset, cancel);

    /// <inheritdoc/>
    public Task<SavedFile?> LayerAsync(string path, Digest diffId, CancellationToken cancel) => Task.FromResult(Find(path));

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _spool.Dispose();
        return ValueTask.CompletedTask;
    }

    // Links that stay in the archive are followed: Docker saves a layer that comes twice as one.
    private SavedFile? Find(string path)
    {
        for (var links = 0; links < TarEntry.MaxLinks && _links.TryGetValue(path, out var target); links++)
            path = target;
        return _files.GetValueOrDefault(path);
    }

    // As it was saved.
    private async Task<Stream> OpenAsync(SavedFile file, long offset, CancellationToken cancel)
    {
        if (!file.IsLayer)
            return await file.OpenAsync(name, offset, cancel);
        var stream = LayerCompression.Decompress(await file.OpenAsync(name, 0, cancel), compression.Kind);
        await stream.SkipAsync(offset, cancel);
        return stream;
    }

    private async Task<SavedFile?> TakeAsync(TarEntry entry, Stream content, CancellationToken cancel)
    {
        if (entry.Kind == TarKind.Other)
            return null;
        entry.ThrowIfLong(name);
        if (entry.IsLink)
        {
            if (_files.ContainsKey(entry.Path) || !_links.TryAdd(entry.Path, entry.TargetPath()) && _links[entry.Path] != entry.TargetPath())
                throw Twice(entry);
            return null;
        }
        var file = await KeepAsync(entry, content, cancel);
        // What was read before may be on its way already; the same bytes again change nothing.
        if (_files.TryGetValue(entry.Path, out var before) && before.Digest == file.Digest)
            return null;
        if (before is not null || _links.ContainsKey(entry.Path))
            throw Twice(entry);
        if (entry.Path.StartsWith("blobs/sha256/", StringComparison.Ordinal) && entry.Path != LayoutPaths.Blob(file.Digest))
            throw new PailException(Failure.BadContent, $"{name}: {SafeText.OneLine(entry.Path)} has the digest {file.Digest}.");
        _files[entry.Path] = file;
        _kept.TryAdd(file.Blob.Digest, file);
        return file;
    }

    private PailException Twice(TarEntry entry) => new(Failure.BadContent, $"{name}: the archive holds {SafeText.OneLine(entry.Path)} twice, with different contents.");

    private async Task<SavedFile> KeepAsync(TarEntry entry, Stream content, CancellationToken cancel)
    {
        var head = new byte[(int)Math.Min(entry.Size, TarBlock.Size)];
        await content.ReadExactlyAsync(head, cancel);
        await using var whole = new JoinedStream(head, content);
        var offset = _spool.Length;
        if (SavedFile.IsTar(head))
            return await KeepLayerAsync(entry, whole, cancel);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[128 << 10];
        for (int read; (read = await whole.ReadAsync(buffer, cancel)) > 0;)
        {
            hash.AppendData(buffer, 0, read);
            await _spool.Writer.WriteAsync(buffer.AsMemory(0, read), cancel);
        }
        var digest = Digest.FromHash(DigestAlgorithm.Sha256, hash.GetCurrentHash());
        return new(digest, entry.Size, new(SavedFile.TypeOf(head), digest, entry.Size), _spool.OpenerOf(offset, entry.Size));
    }

    private async Task<SavedFile> KeepLayerAsync(TarEntry entry, Stream tar, CancellationToken cancel)
    {
        if (!await known.MayHoldAsync(entry.Size, cancel))
            return await SavedFile.CompressAsync(tar, compression, _spool, cancel);
        // Docker since 25 calls a layer by its digest.
        if (LayoutPaths.DigestOf(entry.Path) is { Algorithm: DigestAlgorithm.Sha256 } stated)
        {
            if (known.Find(stated) is not { } there)
                return await SavedFile.CompressAsync(tar, compression, _spool, cancel);
            var seen = await LayerCompression.None.CompressAsync(tar, Stream.Null, cancel);
            return SavedFile.AlreadyStored(seen.Uncompressed, entry.Size, there);
        }
        // Before that, which layer this is shows only when all of it is hashed. Where some are known, it is kept as it is until then.
        var offset = _spool.Length;
        var raw = await LayerCompression.None.CompressAsync(tar, _spool.Writer, cancel);
        if (known.Find(raw.Uncompressed) is { } blob)
        {
            _spool.Writer.SetLength(offset);
            return SavedFile.AlreadyStored(raw.Uncompressed, entry.Size, blob);
        }
        await using var whole = new FileRange(_spool.Handle, offset, raw.UncompressedSize);
        return await SavedFile.CompressAsync(whole, compression, _spool, cancel);
    }
}
