using Pail.Oci;

namespace Pail.Images.OciLayouts;

/// <summary>An image of an OCI image layout, wherever its files lie. Source: OCI image-spec, image-layout.md.</summary>
public abstract class LayoutSource : IImageSource
{
    private readonly ILayoutFiles _files;
    private readonly string _layout;
    private readonly string? _tag;

    private protected LayoutSource(string layout, ILayoutFiles files, string? tag) => (_layout, _files, _tag) = (layout, files, tag);

    /// <inheritdoc/>
    public string Name => _tag is null ? _layout : $"{_layout}:{_tag}";

    /// <inheritdoc/>
    public Task<Manifest> GetRootAsync(CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        var bytes = await _files.ReadAsync(_layout, LayoutPaths.Index, LayoutIndex.MaxSize, cancel)
            ?? throw new PailException(Failure.NotFound, $"{_layout} is no OCI image layout: it has no {LayoutPaths.Index}.");
        return await GetManifestAsync(LayoutIndex.Parse(_layout, bytes).Pick(_tag), cancel);
    });

    /// <inheritdoc/>
    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        if (descriptor.Size > Manifest.MaxSize)
            throw new PailException(Failure.BadContent, $"{_layout}: manifest {descriptor.Digest} has {descriptor.Size} bytes; at most {Manifest.MaxSize} are taken.");
        await using var stream = await OpenBlobAsync(descriptor, 0, cancel);
        var bytes = new byte[descriptor.Size];
        await stream.ReadExactlyAsync(bytes, cancel);
        return Manifest.Parse(bytes, descriptor);
    });

    /// <inheritdoc/>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        var path = LayoutPaths.Blob(blob.Digest);
        var size = await _files.SizeAsync(path, cancel)
            ?? throw new PailException(Failure.NotFound, $"{_layout} has no blob {blob.Digest}, which its manifest names.");
        if (size != blob.Size)
            throw new PailException(Failure.BadContent, $"{_layout}: blob {blob.Digest} has {size} bytes; its descriptor says {blob.Size}.");
        return await _files.OpenAsync(path, offset, cancel);
    });

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _files.DisposeAsync();
    }
}
