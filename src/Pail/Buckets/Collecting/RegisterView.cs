using System.Diagnostics.CodeAnalysis;
using Pail.Stores;

namespace Pail.Buckets.Collecting;

/// <summary>What the register said, and the fence opened before it was read. Disposed when the write is done.</summary>
internal sealed class Look(CollectState state, IWriteFence fence, long opened, TimeSpan counts, bool shared) : IDisposable
{
    public CollectState State => state;

    public IWriteFence Fence => fence;

    /// <summary>True while it may be used for another write.</summary>
    public bool IsFresh(TimeProvider time) => time.GetElapsedTime(opened) < counts;

    public bool IsShared => shared;

    public void Dispose()
    {
        if (!shared)
            fence.Dispose();
    }
}

/// <summary>
/// Looks at the register of a bucket, and keeps a look for as long as it counts. Of a bucket that is not collected the settings say so;
/// they are read again when they are as old as a look may be.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody asks for holds nothing to release.")]
internal sealed class RegisterView(Bucket bucket)
{
    private readonly SemaphoreSlim _turn = new(1);
    private volatile Look? _kept;
    private string? _settled;

    public TimeProvider Time => bucket.Engine.Retry.Time;

    /// <summary>Returns a look that counts still. No request, or one GET; one more if the settings were read long ago.</summary>
    public async Task<Look> TakeAsync(CancellationToken cancel)
    {
        if (_kept is { } kept && kept.IsFresh(Time))
            return kept;
        await _turn.WaitAsync(cancel);
        try
        {
            if (_kept is { } other && other.IsFresh(Time))
                return other;
            var look = await LookAsync(cancel);
            if (look.IsShared)
                _kept = look;
            return look;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Makes the next write look again.</summary>
    public void Forget(Look look) => Interlocked.CompareExchange(ref _kept, null, look);

    private async Task<Look> LookAsync(CancellationToken cancel)
    {
        while (true)
        {
            var opened = Time.GetTimestamp();
            if (await bucket.PaceAsync(cancel) is not { } pace)
                return new(CollectState.None, new OpenFences(bucket.Store, null), bucket.SettingsSeen, new CollectPace().Refresh, shared: true);
            var fences = bucket.Store.Abilities.Fences;
            var fence = fences is null || !bucket.Steps.FencedPut ? new OpenFences(bucket.Store, fences) : await fences.OpenFenceAsync(pace.View, cancel);
            try
            {
                var (state, info) = await CollectState.ReadAsync(bucket.Store, cancel);
                if (state.IsRemoving && info is not null && IsOver(fences, info, pace.Over(state.Phase)))
                {
                    // Its collector died, and nothing of it takes effect any more: the round has ended.
                    if (_settled != info.ETag)
                    {
                        fence.Dispose();
                        await fences!.SettleAsync(TimeSpan.Zero, cancel);
                        _settled = info.ETag;
                        continue;
                    }
                    state = state.End();
                }
                return new(state, fence, opened, pace.Refresh, fences?.CanStayOpen ?? true);
            }
            catch
            {
                fence.Dispose();
                throw;
            }
        }
    }

    // Stores state times in whole seconds.
    private static bool IsOver(IFencedWrites? fences, ObjectInfo register, TimeSpan after) =>
        fences?.Now is { } now && now - register.Modified >= after + TimeSpan.FromSeconds(2);
}
