using Pail.Images;
using Pail.Io;
using Pail.Oci;

namespace Pail.OciLayout;

/// <summary>A place in an OCI image layout: <c>oci:DIR[:TAG]</c>. The directory is made if need be, and may hold other images.</summary>
/// <param name="directory">Path of the directory: a layout, empty, or not there.</param>
/// <param name="tag">What to call the image; null for no name.</param>
internal sealed class OciLayoutSink(string directory, string? tag) : IImageSink, IReferrerSink, IForecast
{
    private readonly string? _tag = LayoutIndex.TagToGive($"oci:{directory}", tag);
    private readonly LayoutDirectory _layout = new($"oci:{directory}", directory);

    /// <inheritdoc/>
    public string Name => _tag is null ? $"oci:{directory}" : $"oci:{directory}:{_tag}";

    /// <inheritdoc/>
    public SinkAbilities Abilities => new() { Referrers = this, Forecast = this };

    /// <inheritdoc/>
    public Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        _layout.ThrowIfOther();
        return (await _layout.ReadIndexAsync(cancel)).Names(_tag, root.Digest) && await _layout.Files.HoldsAsync(root, cancel);
    });

    /// <inheritdoc/>
    public Task<BlobOutcome> ForecastBlobAsync(Descriptor blob, CancellationToken cancel) => Task.FromResult(_layout.Has(blob) ? BlobOutcome.Existed : BlobOutcome.Sent);

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => LocalFiles.RunAsync(Name, () => _layout.Files.HoldsAsync(manifest, cancel));

    /// <inheritdoc/>
    public Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        await _layout.EnsureAsync(cancel);
        return await _layout.PutAsync(blob, open, progress, cancel);
    });

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        await _layout.EnsureAsync(cancel);
        return await _layout.PutAsync(manifest, cancel);
    });

    /// <inheritdoc/>
    public async Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        if (!isStored)
            await PutManifestAsync(root, cancel);
        await ThenTidyAsync(() => _layout.AddAsync(root, _tag, cancel));
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<Descriptor>> ListReferrersAsync(Digest subject, CancellationToken cancel) => LocalFiles.RunAsync(Name, () => _layout.ListReferrersAsync(subject, cancel));

    /// <inheritdoc/>
    public async Task PutReferrerAsync(Manifest referrer, CancellationToken cancel)
    {
        await PutManifestAsync(referrer, cancel);
        await ThenTidyAsync(() => _layout.AddReferrerAsync(referrer, cancel));
    }

    /// <inheritdoc/>
    public Task<bool> HasTagAsync(Manifest manifest, string tag, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
        (await _layout.ReadIndexAsync(cancel)).Names(tag, manifest.Digest) && await _layout.Files.HoldsAsync(manifest, cancel));

    /// <inheritdoc/>
    public async Task PutTagAsync(Manifest manifest, string tag, CancellationToken cancel)
    {
        await PutManifestAsync(manifest, cancel);
        await ThenTidyAsync(() => _layout.AddAsync(manifest, tag, cancel));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task<bool> ThenTidyAsync(Func<Task> work) => LocalFiles.RunAsync(Name, async () =>
    {
        await work();
        _layout.Tidy();
        return true;
    });
}
