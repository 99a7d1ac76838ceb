using System.Collections.Concurrent;
using Pail.Buckets;
using Pail.Oci;
using Pail.Server.Running;

namespace Pail.Server.Blobs;

/// <summary>
/// What HEAD said is there: a client that was told so sends no bytes, and names the blob in a manifest some time later. If a collection condemns it
/// meanwhile, a marker rescues it, as the manifest would. Of a bucket that is not collected nothing is asked; of another one the register, once a minute while
/// there are promises. Folders are collected at once, without a time in which to rescue: there such a push is told that the blob is unknown.
/// </summary>
internal sealed class BlobPromises(TimeProvider time)
{
    // So many, for so long.
    private const int Capacity = 1 << 14;
    private static readonly TimeSpan Kept = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, long> _made = new();

    /// <summary>Called before HEAD says that a blob is there. False if it was condemned: it is rescued if it is there still, so look again.</summary>
    public async ValueTask<bool> MakeAsync(Bucket bucket, RepositoryName repository, Digest digest, CancellationToken cancel)
    {
        if (!bucket.CanRescue)
            return true;
        var key = bucket.Repository(repository).Blobs.KeyOf(digest);
        if (_made.Count < Capacity)
            _made[key] = time.GetTimestamp();
        return !await bucket.Guard.KeepAsync([key], cancel);
    }

    /// <summary>Rescues what has been condemned since it was promised.</summary>
    public async Task KeepAsync(Bucket bucket, CancellationToken cancel)
    {
        foreach (var (key, at) in _made)
            if (time.GetElapsedTime(at) > Kept)
                _made.TryRemove(new(key, at));
        if (!_made.IsEmpty && bucket.CanRescue)
            await bucket.Guard.KeepAsync([.. _made.Keys], cancel);
    }
}

/// <summary>Looks after promises: a look at the register counts for two thirds of F, and a round waits for more than F, so one of two looks comes in time.</summary>
internal sealed class PromiseKeeper(RegistryServices services) : RecurringTask("promises", "keeping what clients rely on", Interval, services.Log, services.Time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <inheritdoc/>
    protected override TimeSpan Pause => services.Bucket.Settings.Collect is { } pace ? pace.Refresh / 2 : Interval;

    /// <inheritdoc/>
    protected override Task RunAsync(CancellationToken cancel) => services.Promises.KeepAsync(services.Bucket, cancel);
}
