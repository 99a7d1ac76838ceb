using Pail.Stores;

namespace Pail.Transfer;

/// <summary>Opens an object, or a range of its bytes; null if there is none. It does as <see cref="IObjectStore.GetAsync"/> does.</summary>
public delegate Task<ObjectContent?> RangeOpener(ByteRange? range, CancellationToken cancel);

/// <summary>An object read by several requests that must all see the same version of it.</summary>
internal sealed class RangedObject(RangeOpener open, string name, long size)
{
    private string? _etag;

    public long Size => size;

    public string Name => name;

    /// <summary>Asks for the bytes from one position up to, not including, another.</summary>
    public async Task<ObjectContent> GetAsync(long from, long to, CancellationToken cancel)
    {
        var content = await RequestAsync(from == 0 && to == size ? null : ByteRange.Of(from, to - from), cancel);
        try
        {
            if (content.Info.Size != size)
                throw OtherSize($"holds {content.Info.Size}");
            if (content.Length != to - from)
                throw new StoreException(StoreError.Unavailable, $"{Name}: {to - from} bytes from {from} on were asked for, {content.Length} offered.");
            if (Interlocked.CompareExchange(ref _etag, content.Info.ETag, null) is { } first && first != content.Info.ETag)
                throw new PailException(Failure.Conflict, $"{Name} changed while it was read. Try again.");
            return content;
        }
        catch
        {
            await content.DisposeAsync();
            throw;
        }
    }

    private async Task<ObjectContent> RequestAsync(ByteRange? range, CancellationToken cancel)
    {
        try
        {
            return await open(range, cancel)
                ?? throw new PailException(Failure.NotFound, $"{Name} is not there.");
        }
        catch (StoreException error) when (error.Error == StoreError.RangeNotSatisfiable)
        {
            throw OtherSize("holds fewer");
        }
    }

    private PailException OtherSize(string what) => new(Failure.BadContent, $"{Name} {what} bytes; {size} were expected.");
}
