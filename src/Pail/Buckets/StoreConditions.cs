using System.Buffers;
using Pail.Buckets.Layouts;
using Pail.Stores;

namespace Pail.Buckets;

/// <summary>
/// What the bucket's store does with conditional writes. <c>pail init</c> tries it out and <c>pail.json</c> remembers; a bucket without
/// that is tried out before the first change of a list: of tags, where it is public, or of what refers to an image.
/// </summary>
internal sealed class StoreConditions(Bucket bucket)
{
    private const string ProbePrefix = "pail/probe/";

    private static readonly ReadOnlySequence<byte> Body = new("{}"u8.ToArray());

    private readonly Lock _lock = new();
    private Task<WriteConditions>? _known;

    /// <summary>Returns what is known; no request but for the first call of a bucket whose settings don't say it.</summary>
    public async ValueTask<WriteConditions> KnowAsync(CancellationToken cancel)
    {
        if (bucket.Settings.Conditions is { } known)
            return known;
        if (!bucket.Store.KeepsBytes)
            return WriteConditions.Both;
        Task<WriteConditions> task;
        lock (_lock)
        {
            if (_known is null or { IsFaulted: true } or { IsCanceled: true })
                _known = LearnAsync();
            task = _known;
        }
        return await task.WaitAsync(cancel);
    }

    /// <summary>
    /// Tries out what the settings say anew, and corrects them: a bucket may have begun to keep versions, and with those some stores keep no conditions (docs/stores.md).
    /// Seven requests, and two if they said otherwise.
    /// </summary>
    /// <returns>A bucket that goes by what was found.</returns>
    public async Task<Bucket> RenewAsync(CancellationToken cancel)
    {
        // Without word of it whoever needs to know tries it out.
        if (bucket.Settings.Conditions is not { } known || !bucket.Store.KeepsBytes || await ProbeAsync(bucket.Store, cancel) is var found && found == known)
            return bucket;
        await (bucket.Settings with { Conditions = found }).WriteAsync(bucket.Store, cancel);
        return await bucket.RefreshAsync(cancel);
    }

    /// <summary>Tries out what the store does with conditions: six requests, and one that removes what they wrote.</summary>
    public static async Task<WriteConditions> ProbeAsync(IObjectStore store, CancellationToken cancel)
    {
        var key = $"{ProbePrefix}{Guid.NewGuid():n}";
        try
        {
            var absent = await KeepsAsync(async () => await PutAsync(PutCondition.IfAbsent) is not null && await PutAsync(PutCondition.IfAbsent) is null);
            if (!absent)
                await PutAsync(PutCondition.None);
            var match = await KeepsAsync(async () =>
                await store.HeadAsync(key, cancel) is { ETag: { Length: > 0 } etag }
                && await PutAsync(PutCondition.IfMatch(new string('0', 32))) is null
                && await PutAsync(PutCondition.IfMatch(etag)) is not null);
            return new(absent, match);
        }
        finally
        {
            await RemoveAsync(store, key, cancel);
        }

        Task<string?> PutAsync(PutCondition condition) => store.PutAsync(key, Body, V2Layout.ListHeaders, condition, cancel);
    }

    private async Task<WriteConditions> LearnAsync()
    {
        try
        {
            var found = await ProbeAsync(bucket.Store, CancellationToken.None);
            await (bucket.Settings with { Conditions = found }).WriteAsync(bucket.Store, CancellationToken.None);
            return found;
        }
        catch (StoreException e) when (e.Error == StoreError.AccessDenied)
        {
            // May write images, and neither this nor the settings: what holds on every store is right on this one.
            return WriteConditions.Neither;
        }
    }

    private static async Task<bool> KeepsAsync(Func<Task<bool>> tryOut)
    {
        try
        {
            return await tryOut();
        }
        catch (StoreException e) when (e.Error == StoreError.ConditionUnsupported)
        {
            return false;
        }
    }

    // Left behind it costs two bytes, and harms nobody.
    private static async Task RemoveAsync(IObjectStore store, string key, CancellationToken cancel)
    {
        try
        {
            await store.DeleteAsync(key, cancel);
        }
        catch (StoreException)
        {
        }
    }
}
