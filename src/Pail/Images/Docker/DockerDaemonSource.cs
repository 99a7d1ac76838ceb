using Pail.Compression;
using Pail.Oci;

namespace Pail.Images.Docker;

/// <summary>An image of the local Docker Engine: <c>docker-daemon:NAME[:TAG]</c>, <c>NAME@DIGEST</c> or an id.</summary>
/// <remarks>Asked for its root, it reads the whole image into a temporary file, compressing layers: see <see cref="DockerArchive"/>.</remarks>
/// <param name="engine">The engine; disposed with this.</param>
/// <param name="image">The image as the engine knows it; <c>:latest</c> where no tag is.</param>
/// <param name="compression">How layers are compressed; null for the default.</param>
public sealed class DockerDaemonSource(DockerEngine engine, string image, LayerCompression? compression = null) : IImageSource, IReadsAhead, ILayerMaker
{
    private EngineImage? _image;
    private DockerArchive? _archive;
    private Manifest? _root;
    private long _read;

    /// <inheritdoc/>
    public string Name => $"docker-daemon:{image}";

    /// <inheritdoc/>
    public long BytesRead => Interlocked.Read(ref _read);

    /// <inheritdoc/>
    public LayerCompression Compression { get; } = compression ?? LayerCompression.Default;

    /// <inheritdoc/>
    public ILayerMemory? Memory { private get; set; }

    /// <inheritdoc/>
    public Digest? DiffIdOf(Digest blob) => _archive?.DiffIdOf(blob);

    /// <inheritdoc/>
    // Docker's classic store calls an image by the digest of its config, the containerd store by that of its manifest.
    public async Task<Digest?> IdentifyAsync(CancellationToken cancel) => Digest.TryParse((await FindAsync(cancel)).Id, out var id) ? id : null;

    /// <inheritdoc/>
    public async Task<Manifest> GetRootAsync(CancellationToken cancel) => _root ??= await LocalFiles.RunAsync(Name, async () =>
    {
        var found = await FindAsync(cancel);
        await using var tar = await engine.SaveAsync(found.Id, cancel);
        var known = new KnownLayers(Memory, Compression.Kind, found.DiffIds);
        var archive = await DockerArchive.ReadAsync(Name, new CountingStream(tar, bytes => Interlocked.Add(ref _read, bytes)), Compression, known, cancel);
        try
        {
            var root = await new SavedImage(Name, archive).FindRootAsync(cancel);
            _archive = archive;
            return root;
        }
        catch
        {
            await archive.DisposeAsync();
            throw;
        }
    });

    /// <inheritdoc/>
    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => this.ReadManifestAsync(descriptor, cancel);

    /// <inheritdoc/>
    public async Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel)
    {
        await GetRootAsync(cancel);
        return await _archive!.OpenBlobAsync(blob, offset, cancel);
    }

    // Asked once: by id from here on, so that a tag moved meanwhile changes nothing.
    private async Task<EngineImage> FindAsync(CancellationToken cancel) => _image ??= await engine.FindAsync(image, cancel)
        ?? throw new PailException(Failure.NotFound, $"Docker has no image {image}; 'docker images' lists those it has.");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_archive is not null)
            await _archive.DisposeAsync();
        engine.Dispose();
    }
}
