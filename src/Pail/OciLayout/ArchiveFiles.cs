using Microsoft.Win32.SafeHandles;
using Pail.Io;
using Pail.Tar;

namespace Pail.OciLayout;

/// <summary>A layout in a tar file, read where it lies: one pass finds where each file begins, nothing is unpacked.</summary>
/// <remarks>A tar compressed with gzip, or on a pipe, has no such places; it goes into a temporary file first.</remarks>
/// <param name="name">Its address, for messages.</param>
/// <param name="file">Path of the tar.</param>
/// <param name="saved">True if Docker may have saved it: then any file counts, and links are followed that stay in the archive, for it saves a layer that comes twice as one.</param>
internal sealed class ArchiveFiles(string name, string file, bool saved = false) : ILayoutFiles
{
    private readonly SemaphoreSlim _once = new(1);
    private readonly Dictionary<string, (long Offset, TarEntry Entry)> _entries = [];
    private FileStream? _archive;
    private Spool? _spool;
    private SafeFileHandle? _handle;

    public async Task<long?> SizeAsync(string path, CancellationToken cancel)
    {
        await ReadAsync(cancel);
        if (Find(path) is not { } found)
            return null;
        if (found.Entry.Kind == TarKind.File)
            return found.Entry.Size;
        return saved ? null : throw new PailException(Failure.BadContent, $"{name}: {path} is a link in the archive that leads to no file in it.");
    }

    public async Task<Stream> OpenAsync(string path, long offset, CancellationToken cancel)
    {
        await ReadAsync(cancel);
        var (start, entry) = Find(path)!.Value;
        if (entry.Sparse is not { } sparse)
            return new FileRange(_handle!, start + offset, entry.Size - offset);
        var whole = sparse.Expand(new FileRange(_handle!, start, sparse.Parts.Sum(part => part.Length)));
        await whole.SkipAsync(offset, cancel);
        return whole;
    }

    public async ValueTask DisposeAsync()
    {
        if (_archive is not null)
            await _archive.DisposeAsync();
        _spool?.Dispose();
        _once.Dispose();
    }

    private (long Offset, TarEntry Entry)? Find(string path)
    {
        for (var links = 0; _entries.TryGetValue(path, out var found); links++)
            if (!found.Entry.IsLink || links == TarEntry.MaxLinks || (!saved && !_entries.ContainsKey(found.Entry.TargetPath())))
                return found;
            else
                path = found.Entry.TargetPath();
        return null;
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
        var tar = await TarInput.OpenAsync(name, file, cancel);
        if (tar is FileStream { CanSeek: true } plain)
        {
            if (_archive is not null)
                await _archive.DisposeAsync();
            return _archive = plain;
        }
        await using (tar)
        {
            _spool?.Dispose();
            _spool = new Spool();
            await tar.CopyToAsync(_spool.Writer, 1 << 20, cancel);
            return _spool.Writer;
        }
    }

    // Of a layout, only what it is made of is remembered, and what its links lead to: other files cost no memory, however long their names are.
    private async Task<SafeFileHandle> IndexAsync(FileStream tar, CancellationToken cancel)
    {
        var targets = new HashSet<string>();
        for (var passes = 0; passes <= TarEntry.MaxLinks; passes++)
        {
            await PassAsync(tar, targets, cancel);
            var known = targets.Count;
            targets.UnionWith(_entries.Values.Where(found => found.Entry.IsLink).Select(found => found.Entry.TargetPath()));
            if (saved || targets.Count == known)
                break;
        }
        return tar.SafeFileHandle;
    }

    private async Task PassAsync(FileStream tar, HashSet<string> targets, CancellationToken cancel)
    {
        tar.Position = 0;
        _entries.Clear();
        var scanner = new TarScanner(tar, name);
        while (await scanner.NextAsync(cancel) is { } entry)
        {
            if (entry.Kind == TarKind.Other || !(saved || LayoutPaths.IsPart(entry.Path) || targets.Contains(entry.Path)))
                continue;
            entry.ThrowIfLong(name);
            // Of several, the last one counts, as it does where the archive is unpacked: "tar -r" adds another.
            _entries[entry.Path] = (scanner.Position, entry);
        }
    }
}
