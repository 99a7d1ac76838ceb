using System.Diagnostics.CodeAnalysis;
using Pail.Export;
using Pail.Oci;
using Pail.Server.Caches;
using Pail.Server.Errors;

namespace Pail.Server.Page;

/// <summary>Reads layers for those who browse: few at once, and what they hold is remembered for the next click.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to release.")]
internal sealed class FileReader
{
    // Each takes a core.
    private const int AtOnce = 2;
    private const int MostWaiting = 16;
    private const long Memory = 64L << 20;

    private static readonly BrowseLimits Limits = new();

    private readonly SemaphoreSlim _turns = new(AtOnce);
    private readonly BoundedCache<Key, FileListing> _known = new(Memory, static listing => listing.Weight);
    private int _waiting;

    /// <summary>Lists the files of an image, or of one of its layers (from 0).</summary>
    public async Task<FileListing> ListAsync(PageReader reader, RepositoryName repository, Manifest image, int? layer, CancellationToken cancel)
    {
        var key = new Key(repository, image.Digest, layer ?? -1);
        if (_known.TryGet(key, out var known))
            return known;
        var browser = Browser(reader, repository, image);
        var listing = await AloneAsync(() => layer is { } one ? browser.ListLayerAsync(image, one, cancel) : browser.ListImageAsync(image, cancel), cancel);
        _known.Set(key, listing);
        return listing;
    }

    /// <summary>Reads the beginning of a file; null if it is beyond what is read.</summary>
    public Task<byte[]?> ReadAsync(PageReader reader, RepositoryName repository, Manifest image, BrowsedFile file, int most, CancellationToken cancel) =>
        AloneAsync(() => Browser(reader, repository, image).ReadFileAsync(image, file, most, cancel), cancel);

    /// <summary>Waits for a turn, then works.</summary>
    /// <exception cref="RegistryException">Too many wait.</exception>
    public async Task<T> AloneAsync<T>(Func<Task<T>> work, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw new RegistryException(RegistryError.Busy);
        }
        try
        {
            await _turns.WaitAsync(cancel);
            try
            {
                return await work();
            }
            finally
            {
                _turns.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private static LayerBrowser Browser(PageReader reader, RepositoryName repository, Manifest image) =>
        new(reader.Source(repository, Reference.Of(image.Digest)), (blob, range, token) => reader.OpenRangeAsync(repository, blob, range, token), Limits);

    private readonly record struct Key(RepositoryName Repository, Digest Image, int Layer);
}
