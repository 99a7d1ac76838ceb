using System.IO.Compression;
using Microsoft.Win32.SafeHandles;
using Pail.Images.Tar;

namespace Pail.Images.OciLayouts;

/// <summary>A layout in a tar file, read where it lies: one pass finds where each file begins, nothing is unpacked.</summary>
/// <remarks>A tar compressed with gzip has no such places; it is decompressed into a temporary file first.</remarks>
internal sealed class ArchiveFiles(string name, string file) : ILayoutFiles
{
    private static readonly (byte[] Magic, string Name)[] OtherCompressions =
        [([0x28, 0xB5, 0x2F, 0xFD], "zstd"), ([0xFD, 0x37, 0x7A, 0x58], "xz"), ([0x42, 0x5A, 0x68], "bzip2")];

    private readonly SemaphoreSlim _once = new(1);
    private readonly Dictionary<string, (long Offset, TarEntry Entry)> _entries = [];
    private FileStream? _archive;
    private Spool? _spool;
    private SafeFileHandle? _handle;

    public async Task<long?> SizeAsync(string path, CancellationToken cancel)
    {
        await ReadAsync(cancel);
        if (!_entries.TryGetValue(path, out var found))
            return null;
        return found.Entry.Kind == TarKind.File
            ? found.Entry.Size
            : throw new PailException(Failure.BadContent, $"{name}: {path} is a link in the archive, not a file.");
    }

    public async Task<Stream> OpenAsync(string path, long offset, CancellationToken cancel)
    {
        await ReadAsync(cancel);
        var (start, entry) = _entries[path];
        return new FileRange(_handle!, start + offset, entry.Size - offset);
    }

    public async ValueTask DisposeAsync()
    {
        if (_archive is not null)
            await _archive.DisposeAsync();
        _spool?.Dispose();
        _once.Dispose();
    }

    private async Task ReadAsync(CancellationToken cancel)
    {
        await _once.WaitAsync(cancel);
        try
        {
            if (_handle is null)
                _handle = await IndexAsync(await OpenTarAsync(cancel), cancel);
        }
        finally
        {
            _once.Release();
        }
    }

    private async Task<FileStream> OpenTarAsync(CancellationToken cancel)
    {
        switch (DirectoryFiles.SizeOf(file))
        {
            case null:
                throw new PailException(Failure.NotFound, $"{name}: there is no such file.");
            case 0:
                throw new PailException(Failure.BadContent, $"{name} is empty, or no regular file.");
        }
        _archive ??= new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 4096, useAsync: true);
        var magic = new byte[4];
        _archive.Position = 0;
        if (await _archive.ReadAtLeastAsync(magic, magic.Length, throwOnEndOfStream: false, cancel) < magic.Length)
            throw new PailException(Failure.BadContent, $"{name} can't be read as a tar: it ends after {_archive.Length} bytes.");
        _archive.Position = 0;
        foreach (var (other, called) in OtherCompressions)
            if (magic.AsSpan().StartsWith(other))
                throw new PailException(Failure.BadContent, $"{name} is compressed with {called}; decompress it first.");
        return magic is [0x1F, 0x8B, ..] ? await DecompressAsync(_archive, cancel) : _archive;
    }

    private async Task<FileStream> DecompressAsync(FileStream archive, CancellationToken cancel)
    {
        _spool?.Dispose();
        _spool = new Spool();
        try
        {
            await using var gzip = new GZipStream(archive, CompressionMode.Decompress, leaveOpen: true);
            await gzip.CopyToAsync(_spool.End, 1 << 20, cancel);
        }
        catch (InvalidDataException e)
        {
            throw new PailException(Failure.BadContent, $"{name}: the gzip data is damaged: {e.Message}", e);
        }
        return _spool.End;
    }

    // Only what a layout is made of is remembered: other files cost no memory, however long their names are.
    private async Task<SafeFileHandle> IndexAsync(FileStream tar, CancellationToken cancel)
    {
        tar.Position = 0;
        _entries.Clear();
        var scanner = new TarScanner(tar, name);
        while (await scanner.NextAsync(cancel) is { } entry)
        {
            if (LayoutPaths.IsPart(entry.Path) && entry.Kind != TarKind.Other && !_entries.TryAdd(entry.Path, (scanner.Position, entry)))
                throw new PailException(Failure.BadContent, $"{name}: the archive holds {Oci.Printable.Line(entry.Path, 160)} twice.");
        }
        return tar.SafeFileHandle;
    }
}
