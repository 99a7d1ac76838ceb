using Pail.Images;
using Pail.Io;
using Pail.Oci;

namespace Pail.OciLayout;

/// <summary>An image of an OCI image layout, wherever its files lie. Source: OCI image-spec, image-layout.md.</summary>
internal abstract class LayoutSource : IImageSource, IReferrerSource
{
    private readonly ILayoutFiles _files;
    private readonly string _layout;
    private readonly string? _tag;
    private readonly LayoutReferrers _referrers;

    private protected LayoutSource(string layout, ILayoutFiles files, string? tag)
    {
        (_layout, _files, _tag) = (layout, files, tag);
        _referrers = new LayoutReferrers(this, ReadIndexAsync);
    }

    /// <inheritdoc/>
    public string Name => _tag is null ? _layout : $"{_layout}:{_tag}";

    /// <inheritdoc/>
    public SourceAbilities Abilities => new() { Referrers = this };

    /// <inheritdoc/>
    public Task<Manifest> GetRootAsync(CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        var index = await ReadIndexAsync(cancel);
        return _tag is ['@', .. var choice] && Digest.TryParse(choice, out var digest) && index.Entries.All(entry => entry.Digest != digest)
            ? await FindAsync(digest, cancel)
            : await GetManifestAsync(index.Pick(_tag), cancel);
    });

    /// <inheritdoc/>
    public Task<Manifest> GetManifestAsync(Descriptor descriptor, CancellationToken cancel) => this.ReadManifestAsync(descriptor, cancel);

    /// <inheritdoc/>
    public Task<Stream> OpenBlobAsync(Descriptor blob, long offset, CancellationToken cancel) =>
        LocalFiles.RunAsync(Name, () => _files.OpenBlobAsync(_layout, blob, offset, cancel));

    /// <inheritdoc/>
    public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => LocalFiles.RunAsync(Name, () => _referrers.ListAsync(subject, cancel));

    /// <inheritdoc/>
    public Task<Manifest?> FindTagAsync(string tag, CancellationToken cancel) => LocalFiles.RunAsync(Name, () => _referrers.FindTagAsync(tag, cancel));

    private async Task<LayoutIndex> ReadIndexAsync(CancellationToken cancel)
    {
        if (await _files.ReadAsync(_layout, LayoutPaths.Index, LayoutIndex.MaxSize, cancel) is { } bytes)
            return LayoutIndex.Parse(_layout, bytes);
        var (path, isArchive) = (_layout[(_layout.IndexOf(':', StringComparison.Ordinal) + 1)..], _files is ArchiveFiles);
        throw new PailException(Failure.NotFound, $"{_layout} is no OCI image layout: {await OtherKind.OfAsync(_files, path, isArchive, cancel) ?? $"it has no {LayoutPaths.Index}"}.");
    }

    // One that no name leads to: the image of one platform, or what refers to another. What type it is, it says itself.
    private async Task<Manifest> FindAsync(Digest digest, CancellationToken cancel)
    {
        var bytes = await _files.ReadAsync(_layout, LayoutPaths.Blob(digest), Manifest.MaxSize, cancel)
            ?? throw new PailException(Failure.NotFound, $"{_layout} has no image {digest}.");
        return Manifest.Parse(bytes, algorithm: digest.Algorithm) is var manifest && manifest.Digest == digest
            ? manifest
            : throw new PailException(Failure.BadContent, $"{_layout}: what lies at {digest} has the digest {manifest.Digest}.");
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        _referrers.Dispose();
        return _files.DisposeAsync();
    }
}
