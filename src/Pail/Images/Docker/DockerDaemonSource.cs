using Pail.Oci;

namespace Pail.Images.Docker;

/// <summary>An image of the local Docker Engine: <c>docker-daemon:NAME[:TAG]</c>, <c>NAME@DIGEST</c> or an id.</summary>
/// <remarks>Asked for its root, it reads the whole image into a temporary file, compressing layers: see <see cref="DockerArchive"/>.</remarks>
/// <param name="engine">The engine; disposed with this.</param>
/// <param name="image">The image as the engine knows it; <c>:latest</c> where no tag is.</param>
public sealed class DockerDaemonSource(DockerEngine engine, string image) : IImageSource, IReadsAhead
{
    private DockerArchive? _archive;
    private Manifest? _root;
    private long _read;

    /// <inheritdoc/>
    public string Name => $"docker-daemon:{image}";

    /// <inheritdoc/>
    public long BytesRead => Interlocked.Read(ref _read);

    /// <inheritdoc/>
    public async Task<Manifest> GetRootAsync(CancellationToken cancel) => _root ??= await LocalFiles.RunAsync(Name, async () =>
    {
        // By id from here on, so that a tag moved meanwhile changes nothing.
        var id = await engine.FindAsync(image, cancel)
            ?? throw new PailException(Failure.NotFound, $"Docker has no image {image}; 'docker images' lists those it has.");
        await using var tar = await engine.SaveAsync(id, cancel);
        var archive = await DockerArchive.ReadAsync(Name, new CountingStream(tar, bytes => Interlocked.Add(ref _read, bytes)), cancel);
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

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_archive is not null)
            await _archive.DisposeAsync();
        engine.Dispose();
    }
}
