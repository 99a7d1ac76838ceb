using Pail.Compression;
using Pail.Images.Tar;
using Pail.Oci;

namespace Pail.Images.Docker;

/// <summary>An image that <c>docker save</c> or <c>podman save</c> wrote, plain or compressed with gzip: <c>docker-archive:FILE[:NAME[:TAG]|:@N]</c>.</summary>
/// <remarks>Asked for its root, it reads the whole image into a temporary file, compressing layers: see <see cref="DockerArchive"/>.</remarks>
/// <param name="file">Path of the file.</param>
/// <param name="image">The image's name, <c>:latest</c> where no tag is, or <c>@</c> and its place; null for the only one.</param>
/// <param name="compression">How layers are compressed; null for the default.</param>
public sealed class DockerArchiveSource(string file, string? image, LayerCompression? compression = null) : IImageSource, IReadsAhead, IKnowsTars
{
    private readonly LayerCompression _compression = compression ?? LayerCompression.Default;
    private readonly string _file = $"docker-archive:{file}";
    private DockerArchive? _archive;
    private Manifest? _root;
    private long _read;

    /// <inheritdoc/>
    public string Name => image is null ? _file : $"{_file}:{image}";

    /// <inheritdoc/>
    public long BytesRead => Interlocked.Read(ref _read);

    /// <inheritdoc/>
    public Digest? DiffIdOf(Digest blob) => _archive?.DiffIdOf(blob);

    /// <inheritdoc/>
    public async Task<Manifest> GetRootAsync(CancellationToken cancel) => _root ??= await LocalFiles.RunAsync(Name, async () =>
    {
        var contents = await OpenAsync(tar => SavedContents.ReadAsync(_file, tar, cancel), cancel);
        var chosen = contents.Pick(image);
        var nothing = new KnownLayers(null, _compression.Kind, []);
        _archive = new DockerArchive(_file, _compression, nothing, without: chosen is null ? null : contents.Unneeded(chosen));
        await OpenAsync(async tar =>
        {
            await _archive.ReadAsync(new CountingStream(tar, bytes => Interlocked.Add(ref _read, bytes)), cancel);
            return true;
        }, cancel);
        return await new SavedImage(_file, _archive, chosen).FindRootAsync(cancel);
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
    }

    private async Task<T> OpenAsync<T>(Func<Stream, Task<T>> read, CancellationToken cancel)
    {
        await using var tar = await TarInput.OpenAsync(_file, file, cancel);
        return await read(tar);
    }
}
