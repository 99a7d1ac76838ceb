using Pail.Io;
using Pail.Stores;

namespace Pail.Transfer;

/// <summary>An object the store makes of others within the bucket.</summary>
internal sealed class ServerSideCopy(TransferEngine engine, IObjectStore store, IServerSideCopy copier, IReadOnlyList<(string Key, long Size)> sources, string to, ObjectHeaders headers)
{
    public async Task<bool> RunAsync(CancellationToken cancel)
    {
        if (sources is [var (only, size)] && size <= engine.Options.SingleCopyLimit)
            return await copier.CopyAsync(only, to, headers, cancel);
        using var sender = new PartSender(engine, store, to, headers, NoProgress.Instance);
        try
        {
            SendRanges(sender);
            await sender.WhenSentAsync(cancel);
            await sender.CompleteAsync(cancel);
            return true;
        }
        catch (Exception error)
        {
            await sender.AbortAsync();
            if (error is not MissingObjectException)
                throw;
            return false;
        }
    }

    private void SendRanges(PartSender sender)
    {
        var (number, offset) = (0, 0L);
        foreach (var (key, size) in sources)
            foreach (var range in Split(size))
            {
                sender.Copy(++number, offset, copier, key, range);
                offset += range.Last!.Value - range.First + 1;
            }
    }

    // Equal ranges, so that none within is shorter than S3 allows, and no more than fit.
    private IEnumerable<ByteRange> Split(long size)
    {
        var wanted = Math.Max(engine.Options.SingleCopyLimit / 4, size / (PartPlan.MaximumParts / 2));
        var count = (size + wanted - 1) / wanted;
        var length = (size + count - 1) / count;
        for (var at = 0L; at < size; at += length)
            yield return ByteRange.Of(at, Math.Min(length, size - at));
    }
}
