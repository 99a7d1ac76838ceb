using Pail.Server.Running;
using Pail.Server.Watching;

namespace Pail.Server.Uploads;

/// <summary>
/// Removes what nobody will ask for any more: what dead sessions staged, and unfinished multipart uploads. Two LIST requests
/// each time, for every thousand such things. Any number of replicas may sweep at once. What is touched: <see cref="Buckets.StagingArea.SweepAsync"/>.
/// </summary>
internal sealed class UploadSweeper(RegistryServices services)
    : RecurringTask("sweep", "removing what dead uploads left", services.Options.SweepInterval, services.Log, services.Time)
{
    // Blobs are also written by clients with no server between, and one of 5 TiB takes days.
    private static readonly TimeSpan LongestPush = TimeSpan.FromDays(7);

    /// <summary>Sweeps once. Returns how many objects and uploads were removed.</summary>
    public Task<(int Objects, int Uploads)> SweepAsync(CancellationToken cancel)
    {
        // A session may begin long before its last piece is written, and its clock is a replica's, not the store's.
        var now = services.Time.GetUtcNow();
        return services.Bucket.Staging.SweepAsync(now - (2 * services.Options.UploadLifetime), now - LongestPush, cancel);
    }

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken cancel)
    {
        var (objects, uploads) = await SweepAsync(cancel);
        if (objects + uploads > 0)
        {
            ServerMetrics.Took("sweep", "object", objects);
            ServerMetrics.Took("sweep", "upload", uploads);
            services.Log.Swept(objects, uploads);
        }
    }
}
