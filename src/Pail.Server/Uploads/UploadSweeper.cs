using Microsoft.Extensions.Hosting;

namespace Pail.Server.Uploads;

/// <summary>
/// Removes what nobody will ask for any more: what dead sessions staged, and unfinished multipart uploads. Two LIST requests
/// each time, for every thousand such things. Any number of replicas may sweep at once. What is touched: <see cref="Buckets.StagingArea.SweepAsync"/>.
/// </summary>
internal sealed class UploadSweeper(RegistryServices services) : BackgroundService
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
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            // Never at the start, and replicas started together don't sweep together.
            await Task.Delay(services.Options.SweepInterval * (0.5 + Random.Shared.NextDouble()), services.Time, stoppingToken);
            try
            {
                var (objects, uploads) = await SweepAsync(stoppingToken);
                if (objects + uploads > 0)
                    services.Log?.Event($"removed what dead uploads left: {objects} objects, {uploads} unfinished uploads");
            }
            catch (PailException e)
            {
                services.Log?.Event($"can't remove what dead uploads left: {e.Message}");
            }
        }
    }
}
