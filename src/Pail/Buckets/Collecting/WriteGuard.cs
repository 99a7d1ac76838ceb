using System.Buffers;
using System.Text.Json;
using Pail.Buckets.Layouts;
using Pail.Stores;

namespace Pail.Buckets.Collecting;

/// <summary>
/// Writes manifests and tags while others collect garbage: looks at the register before, rescues what is condemned and needed by
/// a marker, waits for what is being removed, and writes through a fence. docs/gc.md says why each step is there. A bucket that is not collected
/// costs no request; one that is, one GET for as long as a look counts.
/// </summary>
internal sealed class WriteGuard(Bucket bucket)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(0.5), LongestPause = TimeSpan.FromSeconds(5);

    private readonly RegisterView _view = new(bucket);
    private readonly Lock _lock = new();
    private HashSet<string> _rescued = [];
    private string _rescuedIn = "";

    /// <summary>How long a write waits for what is being removed before it fails with <see cref="Failure.Unavailable"/>.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromMinutes(10);

    private SafetySteps Steps => bucket.Steps;

    /// <summary>Returns what evidence gathered from now on is worth. No request while the last look counts.</summary>
    public async ValueTask<Evidence> BeginAsync(CancellationToken cancel)
    {
        using var look = await _view.TakeAsync(cancel);
        return new(look.State.Last);
    }

    /// <summary>Writes what relies on objects of the bucket.</summary>
    /// <param name="since">Taken before these objects were looked for.</param>
    /// <param name="needs">The keys of all it relies on, and of what it writes.</param>
    /// <param name="write">Writes it. Called again if it came too late.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="CollectedException">A round has ended since: what was found may be gone.</exception>
    public async Task WriteAsync(Evidence since, IReadOnlyCollection<string> needs, Func<IWriteFence, Task> write, CancellationToken cancel)
    {
        var (began, pause) = (_view.Time.GetTimestamp(), FirstPause);
        while (true)
        {
            using (var look = await _view.TakeAsync(cancel))
            {
                if (look.State.Last != since.Last && Steps.EndedRounds)
                    throw new CollectedException(bucket.Name);
                var listed = needs.Where(look.State.Keys.Contains).ToList();
                if (look.State.Phase == CollectPhase.Condemned && Steps.Marker && !AreRescued(look.State.By, listed))
                {
                    await RescueAsync(look, listed, cancel);
                    continue;
                }
                if (listed.Count == 0 || !look.State.IsRemoving || !Steps.WaitWhileDeleting)
                {
                    try
                    {
                        await write(look.Fence);
                        return;
                    }
                    catch (StoreException e) when (e.Error == StoreError.FenceExpired)
                    {
                        _view.Forget(look);
                        continue;
                    }
                }
                _view.Forget(look);
            }
            if (_view.Time.GetElapsedTime(began) > Patience)
                throw new PailException(Failure.Unavailable, $"{bucket.Name}: garbage is being collected. Try again in a while.");
            await Task.Delay(pause, _view.Time, cancel);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <summary>Rescues what a collection has condemned of what somebody was told is there. No request while the last look counts and lists none of it.</summary>
    /// <returns>False if nothing of it is condemned.</returns>
    public async Task<bool> KeepAsync(IReadOnlyCollection<string> keys, CancellationToken cancel)
    {
        using var look = await _view.TakeAsync(cancel);
        var listed = keys.Where(look.State.Keys.Contains).ToList();
        if (look.State.Phase != CollectPhase.Condemned || AreRescued(look.State.By, listed))
            return false;
        await RescueAsync(look, listed, cancel);
        return true;
    }

    // The look is taken anew after the marker is there: only a collector that begins to remove after that look has to see the marker.
    private async Task RescueAsync(Look look, List<string> keys, CancellationToken cancel)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new MarkerFile(keys), CollectJson.Default.MarkerFile);
        await bucket.Store.PutAsync(CollectKeys.NewMarker(look.State.Round), new ReadOnlySequence<byte>(body), V2Layout.ListHeaders, PutCondition.None, cancel);
        var again = look;
        if (Steps.LookAfterMarker)
        {
            look.Dispose();
            _view.Forget(look);
            again = await _view.TakeAsync(cancel);
        }
        using (again)
            if ((again.State.Phase, again.State.By) == (look.State.Phase, look.State.By))
                lock (_lock)
                {
                    if (_rescuedIn != look.State.By)
                        (_rescued, _rescuedIn) = ([], look.State.By);
                    _rescued.UnionWith(keys);
                }
    }

    private bool AreRescued(string round, List<string> keys)
    {
        lock (_lock)
            return keys.Count == 0 || (_rescuedIn == round && keys.TrueForAll(_rescued.Contains));
    }
}
