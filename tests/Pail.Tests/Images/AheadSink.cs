using Pail.Compression;
using Pail.Images;
using Pail.Io;
using Pail.Oci;

namespace Pail.Tests.Images;

/// <summary>Keeps an image in memory, takes blobs before its manifest, and says how far it is with them.</summary>
internal sealed class AheadSink : IImageSink, ILayerLookup
{
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _running;

    public MemoryImage Image { get; } = new();

    /// <summary>Done when the first blob begins.</summary>
    public Task Begun => _begun.Task;

    /// <summary>Done when the first blob is there.</summary>
    public Task First => _first.Task;

    /// <summary>How many blobs are on their way.</summary>
    public int Running => _running;

    /// <summary>Blobs never end, but by being stopped.</summary>
    public bool Never { get; init; }

    /// <summary>What blobs fail with.</summary>
    public Exception? Fails { get; init; }

    public string Name => "ahead";

    public SinkAbilities Abilities => new() { TakesEarlyBlobs = true, Layers = this };

    public Task<Manifest?> GetNamedAsync(CancellationToken cancel) => Task.FromResult<Manifest?>(null);

    public Task<Descriptor?> FindLayerAsync(Digest diffId, CompressionKind kind, CancellationToken cancel) => Task.FromResult<Descriptor?>(null);

    public Task<bool> HasRootAsync(Manifest root, CancellationToken cancel) => Image.HasRootAsync(root, cancel);

    public Task<bool> HasManifestAsync(Manifest manifest, CancellationToken cancel) => Image.HasManifestAsync(manifest, cancel);

    public async Task<BlobOutcome> PutBlobAsync(Descriptor blob, BlobOpener open, IBlobProgress progress, CancellationToken cancel)
    {
        Interlocked.Increment(ref _running);
        try
        {
            _begun.TrySetResult();
            if (Fails is not null)
                throw Fails;
            if (Never)
                await Task.Delay(Timeout.Infinite, cancel);
            var outcome = await Image.PutBlobAsync(blob, open, progress, cancel);
            _first.TrySetResult();
            return outcome;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    public Task PutManifestAsync(Manifest manifest, CancellationToken cancel) => Image.PutManifestAsync(manifest, cancel);

    public Task CommitAsync(Manifest root, bool isStored, CancellationToken cancel) => Image.CommitAsync(root, isStored, cancel);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
