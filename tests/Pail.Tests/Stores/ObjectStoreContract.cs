using System.Buffers;
using System.Text;
using Pail.Oci;
using Pail.Stores;

namespace Pail.Tests.Stores;

/// <summary>
/// What every <see cref="IObjectStore"/> promises. A store's tests derive from this and say, as
/// <see cref="StoreTraits"/>, what it can't do. The parts: objects, keys, conditions, listing, uploads, copies.
/// </summary>
public abstract partial class ObjectStoreContract : IAsyncLifetime
{
    private protected static readonly ObjectHeaders Plain = new(MediaTypes.OctetStream);

    /// <summary>The content types of everything Pail writes.</summary>
    private protected static readonly string[] KnownTypes = [.. MediaTypes.Manifests, MediaTypes.Json, MediaTypes.OctetStream];

    /// <summary>What this store can't do.</summary>
    protected abstract StoreTraits Traits { get; }

    /// <summary>Counts the requests of <see cref="Store"/>.</summary>
    protected RequestMeter Meter { get; } = new();

    /// <summary>The bucket of this test, empty when it begins.</summary>
    protected IObjectStore Store { get; private set; } = null!;

    /// <summary>Opens an empty bucket (or an empty part of one) that nobody else uses.</summary>
    protected abstract Task<IObjectStore> OpenEmptyAsync(RequestMeter meter);

    /// <summary>Opens a bucket that does not exist.</summary>
    protected abstract Task<IObjectStore> OpenMissingAsync(RequestMeter meter);

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        Store = await OpenEmptyAsync(Meter);
    }

    /// <summary>Removes what <see cref="OpenEmptyAsync"/> made.</summary>
    public abstract ValueTask DisposeAsync();

    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private protected static ReadOnlySequence<byte> Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

    /// <summary>Bytes that differ by seed and by place, so that a shifted or mixed body is seen.</summary>
    private protected static byte[] Pattern(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private protected Task<string?> PutAsync(string key, string text, ObjectHeaders? headers = null) =>
        Store.PutAsync(key, Bytes(text), headers ?? Plain, PutCondition.None, Cancel);

    private protected async Task<byte[]?> ReadAsync(string key, ByteRange? range = null)
    {
        await using var content = await Store.GetAsync(key, range, Cancel);
        return content is null ? null : await ReadAllAsync(content);
    }

    private protected async Task<string?> TextAsync(string key) => await ReadAsync(key) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private protected static async Task<byte[]> ReadAllAsync(ObjectContent content)
    {
        using var copy = new MemoryStream();
        await content.Body.CopyToAsync(copy, Cancel);
        Assert.Equal(content.Length, copy.Length);
        return copy.ToArray();
    }

    private protected static async Task<StoreException> FailsAsync(StoreError error, Func<Task> action)
    {
        var failure = await Assert.ThrowsAsync<StoreException>(action);
        Assert.True(failure.Error == error, $"{error} was expected, not {failure.Error}: {failure.Message}");
        Assert.DoesNotContain('\n', failure.Message);
        return failure;
    }
}
