using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;

namespace Pail.Dir;

/// <summary>The image in a directory: <c>dir:DIR</c>.</summary>
/// <param name="directory">Path of the directory.</param>
internal sealed class DirSource(string directory) : IImageSource
{
    private readonly DirFiles _files = new(directory);

    /// <inheritdoc/>
    public string Name => $"dir:{directory}";

    /// <inheritdoc/>
    public Task<Manifest> GetRootAsync(CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        await _files.HasVersionAsync(Name, cancel);
        if (await _files.ReadAsync(Name, DirFiles.Root, Manifest.MaxSize, cancel) is not { } bytes)
            throw new PailException(Failure.NotFound, $"{Name} holds no image: {await OtherKind.OfAsync(_files, directory, isArchive: false, cancel) ?? $"it has no {DirFiles.Root}"}.");
        if (bytes.AsSpan().TrimStart(" \t\r\n"u8) is [(byte)'[', ..])
            throw new PailException(Failure.BadContent, $"{Name} holds no image of skopeo's: {await OtherKind.OfAsync(_files, directory, isArchive: false, cancel)}.");
        // Nothing says by which digest it was known, but that it lies there under that one, too.
        var isSha512 = await _files.SizeAsync(_files.PathOfManifest(Digest.Of(bytes, DigestAlgorithm.Sha512)), cancel) is not null;
        return Manifest.Parse(bytes, algorithm: isSha512 ? DigestAlgorithm.Sha512 : DigestAlgorithm.Sha256);
    });

    /// <inheritdoc/>
    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) =>
        LocalFiles.RunAsync(Name, () => _files.ReadManifestAsync(Name, descriptor, cancel));

    /// <inheritdoc/>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) =>
        LocalFiles.RunAsync(Name, () => _files.OpenBlobAsync(Name, blob, offset, cancel));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _files.DisposeAsync();
}
