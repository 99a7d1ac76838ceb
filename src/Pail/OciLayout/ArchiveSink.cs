using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.Tar;
using Pail.Transfer;

namespace Pail.OciLayout;

/// <summary>
/// An OCI image layout in a new tar file. The same image and name give the same bytes.
/// The file appears when it is whole. One that is there is never changed: it may hold other images.
/// </summary>
internal abstract class ArchiveSink : IImageSink, IForecast
{
    private readonly string _file;
    private readonly string _archive;
    private readonly string _folder;
    private readonly SemaphoreSlim _once = new(1);
    private Draft? _draft;
    private Manifest? _root;

    /// <summary>Makes one.</summary>
    /// <param name="scheme">What the address begins with.</param>
    /// <param name="file">Path of the file, which is not there or empty.</param>
    /// <param name="image">What to call the image; null for no name.</param>
    private protected ArchiveSink(string scheme, string file, string? image)
    {
        _file = file;
        _archive = $"{scheme}:{file}";
        _folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        Name = image is null ? _archive : $"{_archive}:{image}";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public SinkAbilities Abilities => new() { HoldsIndexes = HoldsIndexes, NeedsForeignLayers = IsSaved, Forecast = this };

    /// <summary>False if an archive of this kind holds one image only.</summary>
    private protected virtual bool HoldsIndexes => true;

    /// <summary>The files beside blobs and manifests: which image this is.</summary>
    private protected abstract IEnumerable<(string Path, byte[] Content)> Describe(Manifest root);

    /// <summary>True if <see cref="NamesAsync"/> reads other files than those of a layout.</summary>
    private protected virtual bool IsSaved => false;

    /// <summary>True if an archive names exactly this manifest, and as this would.</summary>
    private protected abstract Task<bool> NamesAsync(ILayoutFiles files, Manifest root, CancellationToken cancel);

    /// <summary>Refuses what this can't hold.</summary>
    private protected virtual void ThrowUnlessHeld(Manifest root)
    {
    }

    /// <inheritdoc/>
    public Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        ThrowUnlessHeld(root);
        if (await IsThisImageAsync(root, cancel))
            return true;
        _root = root;
        return false;
    });

    /// <inheritdoc/>
    public Task<BlobOutcome> ForecastBlobAsync(Descriptor blob, CancellationToken cancel) => Task.FromResult(BlobOutcome.Sent);

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        var sent = await (await DraftAsync(cancel)).Tar.WriteAsync(LayoutPaths.Blob(blob.Digest), blob.Size, async tar =>
        {
            await using var verified = new VerifyingStream(await open(0, cancel), blob);
            await verified.CopyToAsync(new ReportingStream(tar, progress.Advance), 1 << 20, cancel);
        }, cancel);
        return sent ? BlobOutcome.Sent : BlobOutcome.Existed;
    });

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => PutFileAsync(LayoutPaths.Blob(manifest.Digest), manifest.Bytes, cancel);

    /// <inheritdoc/>
    public async Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        await PutManifestAsync(root, cancel);
        foreach (var (path, content) in Describe(root))
            await PutFileAsync(path, content, cancel);
        await PutFileAsync(LayoutPaths.Marker, LayoutPaths.MarkerContent.ToArray(), cancel);
        await LocalFiles.RunAsync(Name, () => FinishAsync(cancel));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_draft is not null)
            await _draft.DisposeAsync();
        _once.Dispose();
    }

    private Task<bool> PutFileAsync(string path, ReadOnlyMemory<byte> content, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
        await (await DraftAsync(cancel)).Tar.WriteAsync(path, content.Length, async tar => await tar.WriteAsync(content, cancel), cancel));

    private async Task<bool> IsThisImageAsync(Manifest root, CancellationToken cancel)
    {
        if (LocalFiles.SizeOf(_file) is null or 0 && IsFree())
            return false;
        await using var files = new ArchiveFiles(_archive, _file, IsSaved);
        try
        {
            if (await NamesAsync(files, root, cancel) && await files.HoldsAsync(root, cancel))
                return true;
        }
        catch (PailException e) when (e.Failure == Failure.BadContent)
        {
            throw Exists(e);
        }
        throw Exists();
    }

    private PailException Exists(Exception? inner = null) =>
        new(Failure.BadInput, $"{_archive}: the file exists and is not this image. Pail changes no archive: remove it, or name another.", inner);

    private PailException Appeared() => new(Failure.Conflict, $"{_archive}: somebody else made this file meanwhile. Pail changes no archive: remove it, or name another.");

    private async Task<Draft> DraftAsync(CancellationToken cancel)
    {
        await _once.WaitAsync(cancel);
        try
        {
            if (_draft is null)
            {
                _draft = await OpenDraftAsync("partial", cancel);
                // All that an image holds is known by now, so that its bytes can come in any order to where they belong.
                if (_root is { IsIndex: false } root)
                    _draft.Tar.Reserve(root.Blobs.Append(root.Descriptor).Select(part => (LayoutPaths.Blob(part.Digest), part.Size)));
            }
            return _draft;
        }
        finally
        {
            _once.Release();
        }
    }

    private async Task<bool> FinishAsync(CancellationToken cancel)
    {
        if (!await _draft!.Tar.TryFinishAsync(cancel))
        {
            // The parts of an index come as they come. Put them in order, so that the same index gives the same file.
            await using var unordered = _draft;
            _draft = await OpenDraftAsync("sorted", cancel);
            await unordered.Tar.CopyToAsync(_draft.Tar, cancel);
            if (!await _draft.Tar.TryFinishAsync(cancel))
                throw new InvalidOperationException("Files that were copied in order do not lie in order.");
        }
        var size = LocalFiles.SizeOf(_file);
        if (size > 0)
            throw Appeared();
        _draft.MoveTo(_file, overwrite: size == 0);
        return true;
    }

    private async Task<Draft> OpenDraftAsync(string kind, CancellationToken cancel)
    {
        var draft = await FileLock.OpenAsync(Path.Combine(_folder, $".{Path.GetFileName(_file)}.pail-{kind}"), cancel);
        try
        {
            // Looked at under the lock: whoever had it may have made this very file the archive.
            if (LocalFiles.SizeOf(_file) is > 0)
                throw Appeared();
            draft.SetLength(0);
            return new Draft(draft);
        }
        catch
        {
            Folders.RemoveFile(draft.Name);
            await draft.DisposeAsync();
            throw;
        }
    }

    // The archive is moved to its name when it is whole: a folder would refuse that late, and a link, a pipe or a device
    // (/dev/stdout, /dev/null) would be gone. Only of a regular file can the length be set. False if another process has put
    // something there by now.
    private bool IsFree()
    {
        if (_file == "-")
            throw new PailException(Failure.BadInput, $"{_archive}: an archive is not written in order, so it can't go to standard output; name a file (./- is one of that name).");
        if (Directory.Exists(_file))
            throw new PailException(Failure.BadInput, $"{_archive}: this is a folder; name a file in it.");
        if (new FileInfo(_file).LinkTarget is not null)
            throw new PailException(Failure.BadInput, $"{_archive}: this is a symbolic link; name the file itself.");
        if (!File.Exists(_file))
            return true;
        try
        {
            using var empty = File.OpenHandle(_file, FileMode.Open, FileAccess.ReadWrite);
            if (RandomAccess.GetLength(empty) > 0)
                return false;
            RandomAccess.SetLength(empty, 0);
            return true;
        }
        catch (Exception e) when (e is IOException or NotSupportedException or ArgumentException)
        {
            throw new PailException(Failure.BadInput, $"{_archive}: this is no regular file; an archive takes the place of a file only.", e);
        }
    }

    // A tar that is not whole yet. What a killed process left of it, the next one begins anew.
    private sealed class Draft(FileStream file) : IAsyncDisposable
    {
        private bool _moved;

        public TarFile Tar { get; } = new(file.SafeFileHandle);

        public void MoveTo(string path, bool overwrite)
        {
            file.Flush(flushToDisk: true);
            File.Move(file.Name, path, overwrite);
            _moved = true;
        }

        public ValueTask DisposeAsync()
        {
            if (!_moved)
                Folders.RemoveFile(file.Name);
            return file.DisposeAsync();
        }
    }
}
