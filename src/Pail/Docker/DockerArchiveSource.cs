using System.Runtime.CompilerServices;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Docker;

/// <summary>An image that <c>docker save</c> or <c>podman save</c> wrote, plain or compressed with gzip: <c>docker-archive:FILE[:NAME[:TAG]|:@N]</c>.</summary>
/// <remarks>Asked for its root, it compresses layers that are not, one after the other; each that is done can be opened meanwhile.</remarks>
/// <param name="file">Path of the file.</param>
/// <param name="image">The image's name, <c>:latest</c> where no tag is, or <c>@</c> and its place; null for the only one.</param>
/// <param name="compression">How layers are compressed; null for the default.</param>
internal sealed class DockerArchiveSource(string file, string? image, LayerCompression? compression = null) : IImageSource, ILayerMaker
{
    private readonly string _file = $"docker-archive:{file}";
    private readonly SavedArchive _archive = new($"docker-archive:{file}", file, compression ?? LayerCompression.Default);
    private (SavedImage Image, SavedRoot Root)? _found;
    private Manifest? _root;

    /// <inheritdoc/>
    public string Name => image is null ? _file : $"{_file}:{image}";

    /// <inheritdoc/>
    public long BytesRead => _archive.BytesRead;

    /// <inheritdoc/>
    public LayerCompression Compression { get; } = compression ?? LayerCompression.Default;

    /// <inheritdoc/>
    public SourceAbilities Abilities => new() { Maker = this };

    /// <inheritdoc/>
    public Task<Digest?> IdentifyAsync(CancellationToken cancel) => LocalFiles.RunAsync(Name, async () => (Digest?)(await FindAsync(cancel)).Root.Id);

    /// <inheritdoc/>
    public IAsyncEnumerable<MadeBlob> MakeAsync(ILayerLookup? known, CancellationToken cancel) => LocalFiles.StreamAsync(Name, CompressAsync(known, cancel), cancel);

    /// <inheritdoc/>
    public async Task<Manifest> GetRootAsync(CancellationToken cancel)
    {
        if (_root is null)
            await foreach (var _ in MakeAsync(null, cancel))
            {
                // What is made can be opened later.
            }
        return _root!;
    }

    /// <inheritdoc/>
    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => this.ReadManifestAsync(descriptor, cancel);

    /// <inheritdoc/>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) => LocalFiles.RunAsync(Name, () => _archive.OpenBlobAsync(blob, offset, cancel));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _archive.DisposeAsync();

    private async IAsyncEnumerable<MadeBlob> CompressAsync(ILayerLookup? known, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (_root is not null)
            yield break;
        var (saved, found) = await FindAsync(cancel);
        if (found.Config is { } config)
            _archive.Keep(config.Path, config.Blob);
        _archive.Known = new KnownLayers(known, Compression.Kind, [.. found.Layers.Select(layer => layer.DiffId)]);
        var layers = new List<SavedFile>();
        await foreach (var layer in saved.LayersAsync(found, cancel))
        {
            layers.Add(layer);
            yield return new(layer.Layer, layer.IsWorthSending);
        }
        _root = found.With(layers);
    }

    private async Task<(SavedImage Image, SavedRoot Root)> FindAsync(CancellationToken cancel)
    {
        if (_found is null)
        {
            var saved = new SavedImage(_file, _archive, await PickAsync(cancel), image);
            _found = (saved, await saved.FindAsync(cancel));
        }
        return _found.Value;
    }

    // Null where the archive lists no image, and an OCI index has to say it.
    private async Task<SavedEntry?> PickAsync(CancellationToken cancel)
    {
        var bytes = await _archive.ReadAsync(_file, SavedList.Path, Manifest.MaxSize, cancel);
        var isLayout = await _archive.SizeAsync(LayoutPaths.Index, cancel) is not null;
        if (bytes is null && !isLayout)
            throw new PailException(Failure.BadContent, await _archive.SizeAsync("repositories", cancel) is not null
                ? $"{_file} was saved by a Docker before 1.10, without {SavedList.Path}: load it into one, and save it from there."
                : $"{_file} was not written by 'docker save': it has no {SavedList.Path}.");
        var list = SavedList.Parse(_file, bytes);
        return (image is null || isLayout) && list.Entries.Count == 0 ? null : list.Pick(image);
    }
}
