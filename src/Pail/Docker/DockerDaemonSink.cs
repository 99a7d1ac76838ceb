using Pail.Images;
using Pail.Io;
using Pail.Oci;
using Pail.OciLayout;
using Pail.Transfer;

namespace Pail.Docker;

/// <summary>A name in the local Docker Engine: <c>docker-daemon:NAME[:TAG]</c>. Holds an image for one platform.</summary>
/// <remarks>
/// Bytes go from the source straight to the engine, verified on the way. The tar is both a Docker archive, for the classic
/// store, and an OCI layout, for the containerd image store, which so keeps the manifest and its digest.
/// </remarks>
/// <param name="engine">The engine; disposed with this.</param>
/// <param name="image">What to call the image; <c>:latest</c> is added where no tag is.</param>
internal sealed class DockerDaemonSink(DockerEngine engine, string image) : IImageSink, IForecast
{
    private readonly EngineLoad _load = new(engine);
    private readonly string _target = DockerName.ForTarget($"docker-daemon:{image}", image);
    private Digest? _configId;

    /// <inheritdoc/>
    public string Name => $"docker-daemon:{image}";

    /// <inheritdoc/>
    public SinkAbilities Abilities => new() { HoldsIndexes = false, NeedsForeignLayers = true, Forecast = this };

    /// <inheritdoc/>
    public async Task<bool> HasRootAsync(Manifest root, CancellationToken cancel)
    {
        DockerForm.ThrowUnlessImage(Name, root);
        return IsThis((await engine.FindAsync(_target, cancel))?.Id, root);
    }

    /// <inheritdoc/>
    // An engine is sent the whole image or nothing.
    public Task<BlobOutcome> ForecastBlobAsync(Descriptor blob, CancellationToken cancel) => Task.FromResult(BlobOutcome.Sent);

    /// <inheritdoc/>
    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel) => LocalFiles.RunAsync(Name, async () =>
    {
        var sent = await _load.WriteAsync(LayoutPaths.Blob(blob.Digest), blob.Size, async tar =>
        {
            await using var verified = new VerifyingStream(await open(0, cancel), blob);
            var to = new ReportingStream(tar, progress.Advance);
            if (MediaTypes.IsImageConfig(blob.MediaType))
                _configId = await CopyConfigAsync(verified, to, blob, cancel);
            else
                await verified.CopyToAsync(to, 1 << 20, cancel);
        }, cancel);
        return sent ? BlobOutcome.Sent : BlobOutcome.Existed;
    });

    /// <inheritdoc/>
    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => PutFileAsync(LayoutPaths.Blob(manifest.Digest), manifest.Bytes, cancel);

    /// <inheritdoc/>
    public async Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel)
    {
        DockerForm.ThrowUnlessImage(Name, root);
        await PutManifestAsync(root, cancel);
        foreach (var (path, content) in DockerForm.Describe(root, _target))
            await PutFileAsync(path, content, cancel);
        await PutFileAsync(LayoutPaths.Marker, LayoutPaths.MarkerContent.ToArray(), cancel);
        await LocalFiles.RunAsync(Name, async () =>
        {
            await FinishAsync(root, cancel);
            return true;
        });
        var id = (await engine.FindAsync(_target, cancel))?.Id;
        // Docker then says that it loaded the image.
        if (id is null && root.Blobs.Append(root.Descriptor).Any(blob => blob.Digest.Algorithm == DigestAlgorithm.Sha512))
            throw new PailException(Failure.BadInput, $"{Name}: some digests of the image are sha512, which Docker's containerd image store does not take.");
        if (!IsThis(id, root))
            throw new PailException(Failure.Conflict, $"{Name}: Docker loaded the image, but then {_target} was {(id is null ? "not there" : SafeText.OneLine(id))}, not {root.Config!.Digest}.");
    }

    // An engine that can't read a layer takes it for a damaged tar.
    private async Task FinishAsync(Manifest root, CancellationToken cancel)
    {
        try
        {
            await _load.FinishAsync(cancel);
        }
        catch (PailException e) when (root.Layers.Any(layer => layer.MediaType == MediaTypes.OciLayerZstd))
        {
            throw new PailException(e.Failure, $"{e.Message} Note that its layers are compressed with zstd, which Docker reads since 23.0.", e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _load.DisposeAsync();
        engine.Dispose();
    }

    private Task<bool> PutFileAsync(string path, ReadOnlyMemory<byte> content, CancellationToken cancel) => LocalFiles.RunAsync(Name, () =>
        _load.WriteAsync(path, content.Length, async tar => await tar.WriteAsync(content, cancel), cancel));

    // Docker's id of an image is the SHA-256 of its config, whatever digest the manifest knows that by.
    private static async Task<Digest> CopyConfigAsync(Stream from, Stream to, Descriptor config, CancellationToken cancel)
    {
        if (config.Size > Manifest.MaxSize)
            throw new PailException(Failure.BadContent, $"config {config.Digest} has {config.Size} bytes; at most {Manifest.MaxSize} are taken.");
        using var bytes = new MemoryStream((int)config.Size);
        await from.CopyToAsync(bytes, cancel);
        await to.WriteAsync(bytes.ToArray(), cancel);
        return Digest.Of(bytes.ToArray());
    }

    // The containerd image store goes by the manifest's digest instead. Podman leaves out the algorithm.
    private bool IsThis(string? id, Manifest root)
    {
        bool Is(Digest digest) => id == digest.ToString() || id == digest.Hex;
        return Is(_configId ?? root.Config!.Digest) || Is(root.Digest);
    }
}
