namespace Pail.Collect;

/// <summary>What is garbage, and how it is collected.</summary>
internal sealed record CollectOptions
{
    /// <summary>What is younger stays, whether or not something names it.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Manifests that no tag leads to are garbage when they are older than this; null to keep them, since people pull by digest.</summary>
    public TimeSpan? UntaggedAfter { get; init; }

    /// <summary>What dead uploads left is removed when it is older than this.</summary>
    public TimeSpan UploadsAfter { get; init; } = TimeSpan.FromDays(2);

    /// <summary>What a tag named until then is kept. Set from <see cref="HistoryKeep"/> when the collection begins.</summary>
    public DateTimeOffset KeptSince { get; init; }

    /// <summary>How long what a tag named before, and what was removed, is kept.</summary>
    public TimeSpan HistoryKeep { get; init; } = TimeSpan.FromDays(30);

    /// <summary>
    /// Chooses the tags that retention drops, each time anew of what the bucket holds then: they are condemned. What only they lead to is not kept for its
    /// digest alone any more, and goes when they can't be brought back, after <see cref="HistoryKeep"/>. Null for none.
    /// </summary>
    public Func<BucketMap, IReadOnlySet<Node>>? Drops { get; init; }

    /// <summary>Finds garbage and removes nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>Nobody else writes to the bucket: the wait before its first collection is left out.</summary>
    public bool Alone { get; init; }

    /// <summary>How old, in seconds, the look may be that a write rests on; for a bucket that was not collected before.</summary>
    public int Pace { get; init; } = Buckets.Collecting.CollectPace.Usual;

    /// <summary>The most requests at once.</summary>
    public int AtOnce { get; init; } = 16;
}
