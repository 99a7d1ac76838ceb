using Pail.Buckets.Collecting;

namespace Pail.Buckets;

public sealed partial class Bucket
{
    private long _settingsSeen;
    private volatile BucketSettings? _current;

    /// <summary>Writes manifests and tags while others collect garbage.</summary>
    internal WriteGuard Guard { get; }

    /// <summary>True if what a collection condemns can be rescued for some time before it is removed.</summary>
    internal bool CanRescue => Settings.Collect is not null && Store.Abilities.Fences is { CanStayOpen: true };

    /// <summary>The steps that are taken for safety: all, but in tests that show what each is for.</summary>
    internal SafetySteps Steps { get; init; } = SafetySteps.All;

    /// <summary>When the settings were read, by the clock of <see cref="RegisterView.Time"/>.</summary>
    internal long SettingsSeen => Volatile.Read(ref _settingsSeen);

    /// <summary>The time by the store's clock as far as it is known, else by this machine's. No request.</summary>
    internal DateTimeOffset Now => Store.Abilities.Fences?.Now ?? Engine.Retry.Time.GetUtcNow();

    /// <summary>Returns how collectors and writers work together; null if the bucket is not collected. No request; one GET where that was not asked for as long as a look counts.</summary>
    internal async ValueTask<CollectPace?> PaceAsync(CancellationToken cancel)
    {
        return (_current ?? Settings).Collect ?? (await CurrentSettingsAsync(cancel)).Collect;
    }

    // What a long-lived bucket goes by: the settings it was opened with, and what may change while it is in use.
    private async ValueTask<BucketSettings> CurrentSettingsAsync(CancellationToken cancel)
    {
        var (time, asked, current) = (Engine.Retry.Time, Engine.Retry.Time.GetTimestamp(), _current ?? Settings);
        if (!Store.KeepsBytes || time.GetElapsedTime(SettingsSeen, asked) < new CollectPace().Refresh)
            return current;
        if (await BucketSettings.TryReadAsync(Store, cancel) is { } read)
            _current = current = current with { Collect = read.Collect ?? current.Collect, Policy = read.Policy };
        Volatile.Write(ref _settingsSeen, asked);
        return current;
    }
}
