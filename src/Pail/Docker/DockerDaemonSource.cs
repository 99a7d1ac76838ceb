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
public sealed class DockerDaemonSource(DockerEngine engine, string image, LayerCompression? compression = null) : IImageSource, IReadsAhead, IMakesBlobs, ILayerMaker
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
    public ILayerLookup? Memory { private get; set; }

    /// <inheritdoc/>
    public Action<Descriptor>? BlobReady { private get; set; }

    /// <inheritdoc/>
    public Digest? DiffIdOf(Digest blob) => _saved?.DiffIdOf(blob);

    /// <inheritdoc/>
    // Docker's classic store calls an image by the digest of its config, the containerd store by that of its manifest.
    // Podman leaves out the algorithm.
    public async Task<Digest?> IdentifyAsync(CancellationToken cancel) =>
        (await FindAsync(cancel)).Id is var said && (Digest.TryParse(said, out var id) || Digest.TryParse($"sha256:{said}", out id)) ? id : null;

    /// <inheritdoc/>
    public async Task<Manifest> GetRootAsync(CancellationToken cancel) => _root ??= await LocalFiles.RunAsync(Name, async () =>
    {
        var found = await FindAsync(cancel);
        await using var tar = await engine.SaveAsync(found.Id, cancel);
        var known = new KnownLayers(Memory, Compression.Kind, found.DiffIds);
        if (_saved is not null)
            await _saved.DisposeAsync();
        // Not disposed when reading it fails: what was made is on its way to the sink.
        _saved = new EngineSave(Name, Compression, known, (path, file) => Announce(found, path, file));
        await _saved.ReadAsync(new CountingStream(tar, bytes => Interlocked.Add(ref _read, bytes)), cancel);
        var saved = new SavedImage(Name, _saved);
        return await saved.RootAsync(await saved.FindAsync(cancel), cancel);
    });

    /// <inheritdoc/>
    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => this.ReadManifestAsync(descriptor, cancel);

    /// <inheritdoc/>
    public async Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel)
    {
        if (_saved is null)
            await GetRootAsync(cancel);
        return await _saved!.OpenBlobAsync(blob, offset, cancel);
    }

    // Of the classic store all is known before it comes. The containerd image store may say only at the end which of its blobs make up the image.
    private void Announce(EngineImage found, string path, SavedFile file)
    {
        if (file.IsWorthSending && (found.IsUnpacked || !LayoutPaths.IsPart(path)) && found.DiffIds.Contains(file.Digest))
            BlobReady?.Invoke(file.Blob);
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
