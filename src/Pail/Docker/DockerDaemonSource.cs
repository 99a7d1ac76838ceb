using System.Runtime.CompilerServices;
using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Docker;

/// <summary>An image of the local Docker Engine: <c>docker-daemon:NAME[:TAG]</c>, <c>NAME@DIGEST</c> or an id.</summary>
/// <remarks>Asked for its root, it reads the whole image into a temporary file, compressing layers: see <see cref="EngineSave"/>. Each that is done can be opened meanwhile.</remarks>
/// <param name="engine">The engine; disposed with this.</param>
/// <param name="image">The image as the engine knows it; <c>:latest</c> where no tag is.</param>
/// <param name="compression">How layers are compressed; null for the default.</param>
internal sealed class DockerDaemonSource(DockerEngine engine, string image, LayerCompression? compression = null) : IImageSource, ILayerMaker
{
    private EngineImage? _image;
    private EngineSave? _saved;
    private Manifest? _root;
    private long _read;

    /// <inheritdoc/>
    public string Name => $"docker-daemon:{image}";

    /// <inheritdoc/>
    public long BytesRead => Interlocked.Read(ref _read);

    /// <inheritdoc/>
    public LayerCompression Compression { get; } = compression ?? LayerCompression.Default;

    /// <inheritdoc/>
    public SourceAbilities Abilities => new() { Maker = this };

    /// <inheritdoc/>
    // Docker's classic store calls an image by the digest of its config, the containerd store by that of its manifest.
    // Podman leaves out the algorithm.
    public async Task<Digest?> IdentifyAsync(CancellationToken cancel) =>
        (await FindAsync(cancel)).Id is var said && (Digest.TryParse(said, out var id) || Digest.TryParse($"sha256:{said}", out id)) ? id : null;

    /// <inheritdoc/>
    public IAsyncEnumerable<MadeBlob> MakeAsync(ILayerLookup? known, CancellationToken cancel) => LocalFiles.StreamAsync(Name, SaveAsync(known, cancel), cancel);

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
    public async Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel)
    {
        if (_saved is null)
            await GetRootAsync(cancel);
        return await _saved!.OpenBlobAsync(blob, offset, cancel);
    }

    private async IAsyncEnumerable<MadeBlob> SaveAsync(ILayerLookup? known, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (_root is not null)
            yield break;
        var found = await FindAsync(cancel);
        await using var tar = await engine.SaveAsync(found.Id, cancel);
        if (_saved is not null)
            await _saved.DisposeAsync();
        // Not disposed when reading it fails: what was made is on its way to the sink.
        _saved = new EngineSave(Name, Compression, new KnownLayers(known, Compression.Kind, found.DiffIds));
        await foreach (var (path, file) in _saved.ReadAsync(new CountingStream(tar, bytes => Interlocked.Add(ref _read, bytes)), cancel))
            // Of the classic store all is known before it comes. The containerd image store may say only at the end which of its blobs make up the image.
            if (file.IsLayer)
                yield return new(file.Layer, file.IsWorthSending && (found.IsUnpacked || !LayoutPaths.IsPart(path)) && found.DiffIds.Contains(file.Digest));
        var saved = new SavedImage(Name, _saved);
        var root = await saved.FindAsync(cancel);
        _root = root.With(await saved.LayersAsync(root, cancel).ToListAsync(cancel));
    }

    // Asked once: by id from here on, so that a tag moved meanwhile changes nothing.
    private async Task<EngineImage> FindAsync(CancellationToken cancel) => _image ??= await engine.FindAsync(image, cancel)
        ?? throw new PailException(Failure.NotFound, $"Docker has no image {image}; 'docker images' lists those it has.");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_saved is not null)
            await _saved.DisposeAsync();
        engine.Dispose();
    }
}
