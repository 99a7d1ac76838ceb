using Pail.Buckets;

namespace Pail.Server.Running;

/// <summary>
/// Follows the settings that are kept in the bucket, such as <c>pail init --public</c> changes while the server runs. One GET
/// each time, at most <see cref="Interval"/> apart.
/// </summary>
internal sealed class SettingsWatch(RegistryServices services) : RecurringTask("settings", "reading the bucket's settings", Interval, services.Log, services.Time)
{
    /// <summary>The longest time between two looks; docs/server.md promises twice that, for a look that fails once.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private BucketSettings? _refused;

    /// <inheritdoc/>
    protected override async Task RunAsync(CancellationToken cancel)
    {
        var bucket = services.Bucket;
        var fresh = await bucket.RefreshAsync(cancel);
        if (fresh == bucket)
            return;
        if (fresh.SharesBlobs != bucket.SharesBlobs)
        {
            // Said once: caches and uploads under way are of the old layout.
            if (fresh.Settings != _refused)
                services.Log.SettingsNeedRestart("it has another layout");
            _refused = fresh.Settings;
            return;
        }
        services.Follow(fresh);
        var what = What(bucket.Settings, fresh.Settings);
        services.Log.SettingsChanged(what);
    }

    private static string What(BucketSettings before, BucketSettings now) => (before.Public, now.Public) switch
    {
        (false, true) => "it is public now, and its lists are kept",
        (true, false) => "it is no longer public",
        _ when before.Policy != now.Policy => now.Policy is null ? "no tag is immutable any more" : "its policy says which tags are immutable",
        _ when before.Holds != now.Holds => "pushes say which repository holds what",
        _ when before.Collect != now.Collect => "its garbage is collected",
        _ => "it says something else of its store",
    };
}
