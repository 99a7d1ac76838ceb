using Pail.Buckets.Layouts;
using Pail.Server.Running;
using Pail.Stores;

namespace Pail.Server.Uploads;

/// <summary>
/// Removes what nobody will ask for any more: what dead sessions staged, and the unfinished uploads of replicas that were
/// killed. Two LIST requests each time, for every thousand such things. Any number of replicas may sweep at once.
/// </summary>
internal sealed class UploadSweeper(RegistryServices services)
    : RecurringTask("removing what dead uploads left", services.Options.SweepInterval, services.Log, services.Time)
{
    // Blobs are also written by clients with no server between, and one of 5 TiB takes days.
    private static readonly TimeSpan LongestPush = TimeSpan.FromDays(7);

    private IObjectStore Store => services.Registry.Store;

    /// <summary>Sweeps once. Returns how many objects and uploads were removed.</summary>
    public async Task<(int Objects, int Uploads)> SweepAsync(CancellationToken cancel)
    {
        // A session may begin long before its last piece is written, and its clock is a replica's, not the store's.
        var now = services.Time.GetUtcNow();
        var dead = now - (2 * services.Options.UploadLifetime);
        return (await SweepObjectsAsync(dead, cancel), await SweepUploadsAsync(dead, now - LongestPush, cancel));
    }

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken cancel)
    {
        var (objects, uploads) = await SweepAsync(cancel);
        if (objects + uploads > 0)
            services.Log.Swept(objects, uploads);
    }

    private async Task<int> SweepObjectsAsync(DateTimeOffset dead, CancellationToken cancel)
    {
        var removed = 0;
        for (ListQuery? query = new(Staging.Prefix); query is not null;)
        {
            var asked = query;
            var page = await services.Registry.Engine.Retry.RunAsync(token => Store.ListAsync(asked, token), cancel);
            foreach (var entry in page.Objects.Where(entry => entry.Modified < dead))
            {
                await services.Registry.Engine.Retry.RunAsync(token => Store.DeleteAsync(entry.Key, token), cancel);
                removed++;
            }
            query = page.Continuation is null ? null : query with { Continuation = page.Continuation };
        }
        return removed;
    }

    private async Task<int> SweepUploadsAsync(DateTimeOffset dead, DateTimeOffset longAgo, CancellationToken cancel)
    {
        var removed = 0;
        var blobs = services.Registry.Layout.Kind == LayoutKind.Pool ? "blobs/" : "v2/";
        foreach (var pending in await services.Registry.Engine.Retry.RunAsync(token => Store.ListUploadsAsync("", token), cancel))
        {
            var limit = pending.Upload.Key.StartsWith(Staging.Prefix, StringComparison.Ordinal) ? dead
                : pending.Upload.Key.StartsWith(blobs, StringComparison.Ordinal) ? longAgo
                : DateTimeOffset.MinValue;
            if (pending.Started >= limit)
                continue;
            await services.Registry.Engine.Retry.RunAsync(token => Store.AbortUploadAsync(pending.Upload, token), cancel);
            removed++;
        }
        return removed;
    }
}
