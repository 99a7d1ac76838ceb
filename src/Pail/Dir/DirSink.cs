using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Dir;

/// <summary>A directory for one image: <c>dir:DIR</c>. It is made if need be; the image takes the place of one that is there.</summary>
/// <param name="directory">Path of the directory: with such an image, empty, or not there.</param>
internal sealed class DirSink(string directory) : IImageSink, IForecast
{
    private readonly DirFiles _files = new(directory);
    private readonly ArrivingFiles _arriving = new(directory);

    /// <inheritdoc/>
    public string Name => $"dir:{directory}";

    /// <inheritdoc/>
    public SinkAbilities Abilities => new() { Forecast = this };

    /// <inheritdoc/>
    public Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        await HasVersionAsync(cancel);
        return await IsRootAsync(root, cancel) && await _files.HoldsPartsAsync(root, [], cancel);
    });

    /// <inheritdoc/>
    public Task<BlobOutcome> ForecastBlobAsync(Descriptor blob, CancellationToken cancel) => Task.FromResult(_arriving.Has(_files.PathOfBlob(blob.Digest), blob) ? BlobOutcome.Existed : BlobOutcome.Sent);

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => LocalFiles.RunAsync(Name, () => _files.HoldsAsync(manifest, cancel));

    /// <inheritdoc/>
    public Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel) =>
        PutAsync(() => _arriving.PutAsync(_files.PathOfBlob(blob.Digest), blob, open, progress, cancel), cancel);

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) =>
        PutAsync(() => _arriving.PutAsync(_files.PathOfManifest(manifest.Digest), manifest, cancel), cancel);

    /// <inheritdoc/>
    public async Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        // What it is known by, where the file itself does not tell.
        if (root.Digest.Algorithm != DigestAlgorithm.Sha256)
            await PutManifestAsync(root, cancel);
        await LocalFiles.RunAsync(Name, async () =>
        {
            await HasVersionAsync(cancel);
            await using (var held = await _files.LockAsync(cancel))
                await ReplaceAsync(root, held, cancel);
            _arriving.Tidy();
            return true;
        });
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _files.DisposeAsync();

    private Task<BlobOutcome> PutAsync(Func<Task<BlobOutcome>> put, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        if (!await HasVersionAsync(cancel))
            await (await _files.LockAsync(cancel)).DisposeAsync();
        return await put();
    });

    private async Task ReplaceAsync(Manifest root, FileStream held, CancellationToken cancel)
    {
        HashSet<string> paths = root.Digest.Algorithm == DigestAlgorithm.Sha256 ? [] : [_files.PathOfManifest(root.Digest)];
        if (!await _files.HoldsPartsAsync(root, paths, cancel))
            throw new PailException(Failure.Conflict, $"{Name}: somebody else put another image there meanwhile, in the place of this one.");
        await DirFiles.SetVersionAsync(held, paths, cancel);
        // Removed first, for they must not lie beside an image they don't sign.
        if (!await IsRootAsync(root, cancel))
            _files.RemoveSignatures();
        _arriving.Replace(DirFiles.Root, root.Bytes.Span);
        _files.RemoveAllBut(paths);
    }

    private async Task<bool> IsRootAsync(Manifest root, CancellationToken cancel) =>
        await _files.SizeAsync(DirFiles.Root, cancel) == root.Size
        && (await _files.ReadAsync(Name, DirFiles.Root, Manifest.MaxSize, cancel)).AsSpan().SequenceEqual(root.Bytes.Span)
        && (root.Digest.Algorithm == DigestAlgorithm.Sha256 || await _files.SizeAsync(_files.PathOfManifest(root.Digest), cancel) == root.Size);

    // Looked for last: it is made first, so where another process has begun something, there is one by now.
    private async Task<bool> HasVersionAsync(CancellationToken cancel)
    {
        if (File.Exists(directory))
            throw new PailException(Failure.BadInput, $"{Name}: this is a file; a directory is expected.");
        var isEmpty = !Directory.Exists(directory) || !Directory.EnumerateFileSystemEntries(directory).Any();
        return await _files.HasVersionAsync(Name, cancel) || (isEmpty
            ? false
            : throw new PailException(Failure.BadInput, $"{Name}: the directory holds something else than an image; name a new or an empty one."));
    }
}
