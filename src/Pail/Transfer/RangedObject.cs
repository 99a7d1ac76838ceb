using Pail.Stores;

namespace Pail.Transfer;

/// <summary>An object read by several requests that must all see the same version of it. Each is made again, and read on, where that may help.</summary>
internal sealed class RangedObject(RangeOpener open, string name, long size, Retry retry)
{
    private string? _etag;

    public long Size => size;

    /// <summary>Asks for the bytes from one position up to, not including, another.</summary>
    public async Task<ObjectContent> GetAsync(long from, long to, CancellationToken cancel) =>
        (await ResumingBody.OpenAsync(CheckedAsync, name, from == 0 && to == size ? null : ByteRange.Of(from, to - from), retry, cancel))!;

    private async Task<ObjectContent?> CheckedAsync(ByteRange? range, CancellationToken cancel)
    {
        var content = await RequestAsync(range, cancel);
        try
        {
            if (content.Info.Size != size)
                throw OtherSize($"holds {content.Info.Size}");
            var (from, length) = range is { } part ? (part.First, part.Last!.Value - part.First + 1) : (0, size);
            if (content.Length != length)
                throw new StoreException(StoreError.Unavailable, $"{name}: {length} bytes from {from} on were asked for, {content.Length} offered.");
            if (Interlocked.CompareExchange(ref _etag, content.Info.ETag, null) is { } first && first != content.Info.ETag)
                throw new PailException(Failure.Conflict, $"{name} changed while it was read. Try again.");
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
                ?? throw new MissingObjectException(name);
        }
        catch (StoreException error) when (error.Error == StoreError.RangeNotSatisfiable)
        {
            throw OtherSize("holds fewer");
        }
    }

    private PailException OtherSize(string what) => new(Failure.BadContent, $"{name} {what} bytes; {size} were expected.");
}
