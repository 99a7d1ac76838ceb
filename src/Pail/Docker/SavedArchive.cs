using System.Collections.Concurrent;
using System.Security.Cryptography;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Tar;

namespace Pail.Docker;

/// <summary>
/// Saved images in a file, read where they lie. Only the layers that are asked for are read: those that have to be compressed go to a
/// temporary file, for a blob's name is its digest, which is known when all of it is compressed; others stay where they are.
/// </summary>
/// <param name="name">The address, for messages.</param>
/// <param name="file">Path of the file.</param>
/// <param name="compression">How layers are compressed.</param>
internal sealed class SavedArchive(string name, string file, LayerCompression compression) : ISavedFiles
{
    private readonly ArchiveFiles _files = new(name, file, saved: true);
    private readonly ConcurrentDictionary<Digest, SavedFile> _kept = new();
    private readonly Dictionary<Digest, SavedFile> _layers = [];
    private Spool? _spool;
    private long _read;

    /// <summary>How many bytes of layers it has read.</summary>
    public long BytesRead => Interlocked.Read(ref _read);

    /// <summary>Layers that need not be compressed; set before the first is asked for.</summary>
    public KnownLayers Known { private get; set; } = new(null, compression.Kind, []);

    /// <inheritdoc/>
    public Task<long?> SizeAsync(string path, CancellationToken cancel) => _files.SizeAsync(path, cancel);

    /// <inheritdoc/>
    public Task<Stream> OpenAsync(string path, long offset, CancellationToken cancel) => _files.OpenAsync(path, offset, cancel);

    /// <summary>Opens a blob: what is kept of some layer, else a file of that name.</summary>
    /// <exception cref="PailException">There is none, or of another size.</exception>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) => _kept.TryGetValue(blob.Digest, out var kept) && kept.Blob.Size == blob.Size
        ? kept.OpenAsync(name, offset, cancel)
        : this.OpenBlobAsync(name, blob, offset, cancel);

    /// <summary>Keeps a file that is no layer, under its digest.</summary>
    public void Keep(string path, Descriptor blob) => _kept.TryAdd(blob.Digest, new(blob.Digest, blob.Size, blob, OpenerOf(path)));

    /// <inheritdoc/>
    public async Task<SavedFile?> LayerAsync(string path, Digest diffId, CancellationToken cancel)
    {
        if (await SizeAsync(path, cancel) is not { } size)
            return null;
        // One that comes twice need not lie there once.
        if (_layers.TryGetValue(diffId, out var known))
            return known;
        var kept = await KeepAsync(path, size, diffId, cancel);
        _layers.Add(diffId, kept);
        _kept.TryAdd(kept.Blob.Digest, kept);
        return kept;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _files.DisposeAsync();
        _spool?.Dispose();
    }

    private async Task<SavedFile> KeepAsync(string path, long size, Digest diffId, CancellationToken cancel)
    {
        var head = new byte[(int)Math.Min(size, TarBlock.Size)];
        await using (var start = await OpenAsync(path, 0, cancel))
            await start.ReadExactlyAsync(head, cancel);
        var isTar = SavedFile.IsTar(head);
        // The config says which tar this is, and engines compare that. Where its blob is known, it need not even be read.
        if (isTar && await Known.MayHoldAsync(size, cancel) && Known.Find(diffId) is { } blob)
            return SavedFile.AlreadyStored(diffId, size, blob);
        await using var content = await OpenAsync(path, 0, cancel);
        await using var counted = new CountingStream(content, bytes => Interlocked.Add(ref _read, bytes));
        if (isTar && compression.Kind != CompressionKind.None)
            return await SavedFile.CompressAsync(counted, compression, _spool ??= new(), cancel);
        var digest = Digest.FromHash(DigestAlgorithm.Sha256, await SHA256.HashDataAsync(counted, cancel));
        return new(digest, size, new(SavedFile.TypeOf(head), digest, size), OpenerOf(path)) { IsLayer = isTar };
    }

    private BlobOpener OpenerOf(string path) => (offset, cancel) => OpenAsync(path, offset, cancel);
}
